#ifndef MUSTER_API_PARAMS_H
#define MUSTER_API_PARAMS_H

#include "api/call.h"

/* Reads what the route declares from the request into call->args. There are three steps (contract, "order of
 * checks"): each parameter by itself (5002; the detail names it); what several parameters say together
 * (route->check); the objects that they name (5301, 5302, 5206, 5201).
 *
 * body: the request's JSON object; NULL if there is none. */
MU_MUST_USE enum api_error params_read(struct api_call *call, const json_t *body);

/* True if any of the route's parameters is in a body. */
bool params_in_body(const struct api_route *route);

#endif

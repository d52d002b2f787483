#ifndef MUSTER_API_AUTH_H
#define MUSTER_API_AUTH_H

#include "api/call.h"

/* Who calls, and whether he may (contract, "auth", "order of checks", "rate headers"). Nothing here
 * waits: it runs on the loop. */

/* Checks the caller as the route declares. Sets call->enterprise, call->product. */
MU_MUST_USE enum api_error auth_check(struct api_call *call);

/* The steps, for the route that finds its caller in the body. auth_known: from here on the call
 * counts against the enterprise's quota, and its answer has the rate headers, whatever comes. */
void auth_known(struct api_call *call, struct fleet_enterprise *enterprise);
/* 5012, then 5013. */
MU_MUST_USE enum api_error auth_admit(struct api_call *call);

/* The token in an Authorization header: "token <32 hex>" or the bare value. at NULL if it is none. */
struct str auth_token_of(struct str header);

#endif

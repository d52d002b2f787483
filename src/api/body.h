#ifndef MUSTER_API_BODY_H
#define MUSTER_API_BODY_H

#include <jansson.h>

#include "api/call.h"

/* Reads the request's body as a JSON object, whatever its Content-Type says: clients in the field post JSON with
 * curl's form content type (contract, "request body"). A UTF-8 byte order mark before it is skipped. If a key occurs
 * twice, the last value counts. 5001 with the place of the error as detail. *out must be freed by the caller. */
MU_MUST_USE enum api_error body_read(struct api_call *call, json_t **out);

#endif

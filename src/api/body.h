#ifndef MUSTER_API_BODY_H
#define MUSTER_API_BODY_H

#include <jansson.h>

#include "api/call.h"

/* The request's body as a JSON object, whatever its Content-Type says: clients in the field post
 * JSON with curl's form content type (contract, "request body"). A UTF-8 byte order mark before it is
 * skipped. Of a key that occurs twice the last one counts. 5001, with the place of the mistake as detail;
 * freed by the caller. */
MU_MUST_USE enum api_error body_read(struct api_call *call, json_t **out);

#endif

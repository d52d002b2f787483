#ifndef MUSTER_API_AUTH_H
#define MUSTER_API_AUTH_H

#include "api/call.h"

/* Checks who calls, and whether he may (contract, "auth", "order of checks", "rate headers"). On a loop nothing here
 * blocks; on a worker it may wait for the quota. */

/* Checks the caller in the way that the route declares. Sets call->enterprise and call->product. If call->quota is
 * QUOTA_WAIT afterwards, nothing is decided, and it is to be called again on a worker. */
MU_MUST_USE enum api_error auth_check(struct api_call *call);

/* The steps, for the route that finds its caller in the body. After auth_known the call counts against the
 * enterprise's quota, and its answer has the rate headers, whatever its outcome. */
void auth_known(struct api_call *call, struct fleet_enterprise *enterprise);
/* Checks the address list and the quota: 5012, then 5013, or 503 if the call could not be counted. */
MU_MUST_USE enum api_error auth_admit(struct api_call *call);

/* The token in an Authorization header: "token <32 hex>" or only the 32 digits. at is NULL if it is neither. */
struct str auth_token_of(struct str header);

#endif

#ifndef MUSTER_ACCESS_TOPICS_H
#define MUSTER_ACCESS_TOPICS_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/text.h"
#include "model/id.h"

/* The topics of a device (device-access 2). A device may use its own only. Pure. */

/* Not empty, no wildcard. */
bool topic_name_valid(struct str topic);

/* --- what a device publishes to ---------------------------------------------------------------*/
enum topic_kind {
    TOPIC_FOREIGN, /* not one of its own */
    TOPIC_UNKNOWN, /* its own (the first level that is a did is its did), but nothing is known to go there */
    TOPIC_REPORT,  /* dev2app/<did>, dev2app/<did>/<client> */
    TOPIC_REQUEST, /* cli2ser_req; cli2ser, by a slip of the firmware */
};
enum topic_kind topic_kind(struct str topic, struct str did);

/* --- what a device subscribes to --------------------------------------------------------------*/
enum topic_filter_kind {
    FILTER_CONTROL_ALL,          /* app2dev/<did>/# */
    FILTER_CONTROL_ANY,          /* app2dev/<did>/+ */
    FILTER_CONTROL_OURS,         /* app2dev/<did>/enterprise */
    FILTER_ANSWER,               /* ser2cli_res/<did> */
    FILTER_NOTICE,               /* ser2cli_noti/<product_key> */
    FILTER_KEPT,                 /* how many of them a session remembers */
    FILTER_UNUSED = FILTER_KEPT, /* its own, but nothing is ever sent there */
    FILTER_FOREIGN,
    FILTER_SHARED,  /* $share/<name>/… */
    FILTER_INVALID, /* malformed */
};
enum topic_filter_kind topic_filter_kind(struct str filter, struct str did, struct str product_key);

/* --- what is published to a device ------------------------------------------------------------*/
#define TOPIC_SIZE (8 + DID_LEN + 1 + LIMIT_TOPIC_CLIENT + 1)
/* A firmware overruns its buffer on app2dev topics without a client part. */
void topic_of_control(const char *did, char out[TOPIC_SIZE]);
void topic_of_answer(const char *did, char out[TOPIC_SIZE]);

#endif

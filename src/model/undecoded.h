#ifndef MUSTER_MODEL_UNDECODED_H
#define MUSTER_MODEL_UNDECODED_H

#include "model/datapoint.h"

/* Why something that a device said could not be decoded: for the operator, whose definition does not go
 * with the device's firmware. */

enum undecoded {
    UNDECODED_NOT,    /* it is decoded, or has nothing to decode: an echo, an acknowledgement, passthrough */
    UNDECODED_FRAME,  /* no frame, or a command that no device sends */
    UNDECODED_ACTION, /* P0 is no status of the definition's kind */
    UNDECODED_LENGTH, /* another length than the definition says */
    UNDECODED_VALUE,  /* an enum has fewer values than that */
    UNDECODED_COUNT,
};
const char *undecoded_text(enum undecoded cause); /* "frame", "action", "length", "value"; static */

/* payload: of a message on dev2app. plan: of the definition in force; NULL = none, then only a frame can be
 * wrong. why gets half a sentence, "13 bytes, the definition wants 14"; "" for UNDECODED_NOT. Pure. */
enum undecoded undecoded_why(const struct datapoint_plan *plan, const uint8_t *payload, size_t len, char *why,
                             size_t why_size);

#endif

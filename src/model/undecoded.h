#ifndef MUSTER_MODEL_UNDECODED_H
#define MUSTER_MODEL_UNDECODED_H

#include "model/datapoint.h"

/* Why a message of a device could not be decoded: for an operator whose definition does not match the device's
 * firmware. */

enum undecoded {
    UNDECODED_NOT,    /* it is decoded, or has nothing to decode: an echo, an acknowledgement, passthrough */
    UNDECODED_FRAME,  /* not a frame, or a command that no device sends */
    UNDECODED_ACTION, /* P0 is not a status of the definition's kind */
    UNDECODED_LENGTH, /* its length is not the definition's */
    UNDECODED_VALUE,  /* an enum value that the definition does not have */
    UNDECODED_COUNT,
};
const char *undecoded_text(enum undecoded cause); /* "frame", "action", "length", "value"; static */

/* payload: of a message on dev2app. plan: of the definition in force; NULL = none, then only a frame can be
 * wrong. why gets half a sentence, "13 bytes, the definition wants 14"; "" for UNDECODED_NOT. Pure. */
enum undecoded undecoded_why(const struct datapoint_plan *plan, const uint8_t *payload, size_t len, char *why,
                             size_t why_size);

#endif

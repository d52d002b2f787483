#ifndef MUSTER_COMMAND_TAIL_MESSAGE_H
#define MUSTER_COMMAND_TAIL_MESSAGE_H

#include "commit/watch.h"

/* What a message from or to a device says. */
struct tail_message {
    const char *word; /* "report", "echo", "ack", "control" */
    bool is_empty;    /* a frame without P0 */
    bool has_sn;
    uint32_t sn;
    const struct datapoint_plan *plan; /* NULL: the message has no datapoints; otherwise `values` are set */
    struct point_value values[LIMIT_POINTS];
    char why[200]; /* why a message that should have datapoints has none; "" = nothing is wrong */
};

/* Reads a WATCH_MESSAGE or WATCH_CONTROL. values point into the event. */
void tail_message_read(const struct watch_event *e, struct tail_message *out);

#endif

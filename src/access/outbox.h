#ifndef MUSTER_ACCESS_OUTBOX_H
#define MUSTER_ACCESS_OUTBOX_H

#include "commit/control_request.h"

/* What waits to be sent to a device, or for its acknowledgement; it exists only while something waits. All zero is
 * empty. Private to outgoing*.c. */
struct outbox {
    /* The oldest `written` controls have been given to conn, but the kernel has not all of them; the others wait. */
    struct control_request *first, *last;
    struct held *held;  /* packets behind a PUBLISH; NULL = none */
    int64_t heard_ms;   /* the last PUBACK, or when we have begun to listen for one */
    uint32_t in_flight; /* bit i: packet id i + 1 waits for its PUBACK */
    uint8_t queued, written;
    bool owes_answer; /* to a question for the number of app clients */
};

bool outbox_is_empty(const struct outbox *o);

/* --- the queue of controls ---------------------------------------------------------------------*/
void outbox_add(struct outbox *o, struct control_request *req);
/* The oldest, which there is. */
struct control_request *outbox_pop(struct outbox *o);
/* The oldest that has not been written; NULL = none. */
const struct control_request *outbox_next(const struct outbox *o);

/* --- packet ids --------------------------------------------------------------------------------*/
bool outbox_has_free_id(const struct outbox *o, unsigned most);
uint16_t outbox_take_id(struct outbox *o);
bool outbox_is_in_flight(const struct outbox *o, uint16_t id);
void outbox_acked(struct outbox *o, uint16_t id);

#endif

#ifndef MUSTER_FLEET_PLACE_ORDER_H
#define MUSTER_FLEET_PLACE_ORDER_H

#include <stdint.h>

/* All places as a report tells them: each behind the one that it is in and before that one's next
 * sibling, siblings by name (bytewise). Sorted when it is first asked for after a place has come, which
 * is rarely. All zero is one that has not been asked for. */
struct fleet;

struct place_order {
    uint32_t *sorted; /* place numbers */
    uint32_t count;   /* places that there were, number 0 included */
};

void place_order_free(struct place_order *o);

/* The numbers, one less than there are places (0 is none). They stay as they are while the fleet is
 * locked. With the fleet locked for reading; several readers may ask at once. NULL: out of memory. */
const uint32_t *place_order_get(struct fleet *f);

#endif

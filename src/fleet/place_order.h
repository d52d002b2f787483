#ifndef MUSTER_FLEET_PLACE_ORDER_H
#define MUSTER_FLEET_PLACE_ORDER_H

#include <stdint.h>

/* All places in the order of a report. Each place stands behind its parent and before its parent's next sibling;
 * siblings are sorted by name (bytewise). It is sorted when a caller asks for it after a place was added, which is
 * rare. All zero is an order that nobody has asked for. */
struct fleet;

struct place_order {
    uint32_t *sorted; /* place numbers */
    uint32_t count;   /* how many places there were when it was sorted, number 0 included */
};

void place_order_free(struct place_order *o);

/* The place numbers, one less than there are places (0 is none). They stay unchanged while the fleet is locked. Call it
 * with the fleet locked for reading; several readers may ask at once. NULL: out of memory. */
const uint32_t *place_order_get(struct fleet *f);

#endif

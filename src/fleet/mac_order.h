#ifndef MUSTER_FLEET_MAC_ORDER_H
#define MUSTER_FLEET_MAC_ORDER_H

#include <roaring/roaring.h>
#include <stdbool.h>
#include <stdint.h>

/* The devices of a product by mac, then by number: the order of the reports that go row by row.
 * Nobody pays for it before the first such report: it sorts all macs then, and later ones sort in
 * what has come since. 4 bytes a device. All zero is one that has not been asked for. */
struct fleet;

struct mac_order {
    uint32_t *sorted; /* deleted devices too, until the next update */
    uint32_t count;
    uint32_t *added; /* since then */
    uint32_t added_count, added_cap;
    bool built;
};

void mac_order_free(struct mac_order *o);

/* A device has come to the product. With the fleet locked for writing. */
void mac_order_add(struct mac_order *o, uint32_t no);
/* A device's mac is another one now: sort anew. With the fleet locked for writing. */
void mac_order_forget(struct mac_order *o);

/* Brings it up to date with all devices of the product; `sorted` and `count` then stay as they are
 * while the fleet is locked. With the fleet locked for reading; several readers may do so at once. */
void mac_order_update(struct fleet *f, const roaring_bitmap_t *all, struct mac_order *o);
/* Sorts device numbers so. */
void mac_order_sort(struct fleet *f, uint32_t *list, uint64_t count);

#endif

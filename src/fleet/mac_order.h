#ifndef MUSTER_FLEET_MAC_ORDER_H
#define MUSTER_FLEET_MAC_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bitmap.h"

/* The devices of a product by mac, then by number: the order of the reports that answer row by row. The first such
 * report sorts all macs; later ones sort in the devices that were added since. Before that it costs nothing, then 4
 * bytes a device. All zero is an order that nobody has asked for. */
struct fleet;

struct mac_order {
    uint32_t *sorted; /* deleted devices too, until the next update */
    uint32_t count;
    uint32_t *added; /* added since the last update */
    uint32_t added_count, added_cap;
    bool built;
};

void mac_order_free(struct mac_order *o);

/* A device was added to the product. With the fleet locked for writing. */
void mac_order_add(struct mac_order *o, uint32_t no);
/* A device's mac has changed, so all are sorted again at the next update. With the fleet locked for writing. */
void mac_order_forget(struct mac_order *o);

/* Brings it up to date with `all`, the devices of the product. Then `sorted` and `count` stay unchanged while the fleet
 * is locked. With the fleet locked for reading; several readers may call it at once. */
void mac_order_update(struct fleet *f, const roaring_bitmap_t *all, struct mac_order *o);
/* Sorts a list of device numbers by mac, then by number. */
void mac_order_sort(struct fleet *f, uint32_t *list, uint64_t count);

#endif

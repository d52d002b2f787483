#ifndef MUSTER_FLEET_HISTORY_H
#define MUSTER_FLEET_HISTORY_H

#include "fleet/columns.h"
#include "fleet/day_sets.h"

/* What devices have done by day, for the reports (report.h): one set a day for all of them, whatever
 * their product. A set per product and day would be the smaller answer to a question about a small
 * product, but where the numbers of products are mixed it takes a bit a device and product: 208 MB
 * instead of 51 for a million devices of four products over 400 days.
 *
 * Everything here is called with the fleet locked, and ends the program when there is no memory, as
 * fleet_apply does. */
struct fleet;

struct history {
    struct day_sets active;
    struct day_sets activated;
    roaring_bitmap_t *ever_activated;
};

void history_init(struct history *h);
void history_free(struct history *h);

void history_active(struct fleet *f, int32_t day, uint32_t device);
/* The device was never active: it is being deleted. A day that changes so is folded anew. */
void history_forget(struct fleet *f, uint32_t device);
/* Sets the device's moment of activation; 0 = never. */
void history_activated(struct fleet *f, uint32_t no, struct columns_row r, uint32_t activated_at);

#endif

#ifndef MUSTER_FLEET_HISTORY_H
#define MUSTER_FLEET_HISTORY_H

#include "fleet/columns.h"
#include "fleet/day_sets.h"

/* What devices have done by day, for the reports (report.h): one set a day for all devices of all products. A set per
 * product and day would answer questions about a small product faster. But where the numbers of products are mixed, it
 * takes a bit for each device and product: 208 MB instead of 51 for a million devices of four products over 400 days.
 *
 * Everything here is called with the fleet locked. Without memory it ends the program, as fleet_apply does. */
struct fleet;

struct history {
    struct day_sets active;
    struct day_sets activated;
    roaring_bitmap_t *ever_activated;
};

void history_init(struct history *h);
void history_free(struct history *h);

void history_active(struct fleet *f, int32_t day, uint32_t device);
/* Removes the device from all days, because it is being deleted. A day that changes is folded again (retention.h). */
void history_forget(struct fleet *f, uint32_t device);
/* Sets the device's moment of activation (Unix seconds); 0 = never. */
void history_activated(struct fleet *f, uint32_t no, struct columns_row r, uint32_t activated_at);

#endif

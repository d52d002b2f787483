#ifndef MUSTER_FLEET_HISTORY_H
#define MUSTER_FLEET_HISTORY_H

#include "fleet/columns.h"
#include "fleet/day_sets.h"
#include "fleet/events.h"
#include "fleet/fleet_apply.h"
#include "fleet/mac_order.h"

/* What a product's devices have done, for the reports (report.h). By product number and not in the
 * product itself, since the journal may tell of a product that is not there any more, and that is
 * to be forgotten in its time, too. Devices that have been deleted stay in the sets: numbers are
 * never used again, and every report starts from the devices that are there.
 *
 * Everything here is called with the fleet locked; what changes anything ends the program when
 * there is no memory, as fleet_apply does. */
struct history {
    struct day_sets active;
    struct day_sets activated;
    roaring_bitmap_t *ever_activated; /* NULL = nobody yet */
    struct events events;
    struct mac_order by_mac;
};

/* Makes sure that the number has one. MU_E_NOMEM. */
MU_MUST_USE enum mu_err history_reserve(struct fleet *f, uint32_t product);
/* NULL if the number has none. */
struct history *history_of(const struct fleet *f, uint32_t product);
void histories_free(struct fleet *f);

void history_active(struct fleet *f, uint32_t product, int32_t day, uint32_t device);
/* The device's moment of activation, before it is stored in its row. */
void history_activated(struct fleet *f, uint32_t no, struct row r, uint32_t activated_at);
/* The device leaves its product for another one, or (0) for ever. */
void history_leave(struct fleet *f, uint32_t no, struct row r, uint32_t product);

#endif

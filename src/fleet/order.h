#ifndef MUSTER_FLEET_ORDER_H
#define MUSTER_FLEET_ORDER_H

#include <assert.h>

#include "fleet/columns.h"

/* The devices of a product in the order in which a search answers them: newest created_at first, then by did. It is
 * kept sorted, so that a page of a search over most of a product is read off and not sorted out of a million.
 *
 * It is an array of device numbers, oldest first. A new device is nearly always the newest, and is appended. A device
 * that belongs further back goes into a short sorted list; each entry of the list knows its place in the array. Now and
 * then the list is merged into the array. A removed device leaves a hole until the next merge. 4 bytes a device.
 *
 * All zero is an empty order. Not thread-safe. */
struct order_recent {
    uint32_t no;
    uint32_t before; /* how many entries of the array come before it */
};

struct order {
    uint32_t *sorted; /* 0 = hole */
    uint32_t count, cap;
    uint32_t holes;
    struct order_recent *recent;
    uint32_t recent_count, recent_cap;
};

/* Negative if a comes before b in the array: older, or as old and with the greater did. */
int order_compare(const struct columns *cols, uint32_t a, uint32_t b);

/* Makes sure that the next order_add finds room. MU_E_NOMEM. */
MU_MUST_USE enum mu_err order_reserve(struct order *o);
void order_add(struct order *o, const struct columns *cols, uint32_t no);
/* The device's created_at and did must still be what they were when it was added. */
void order_remove(struct order *o, const struct columns *cols, uint32_t no);
void order_free(struct order *o);

static inline uint32_t order_count(const struct order *o)
{
    assert(o->holes <= o->count);
    return o->count - o->holes + o->recent_count;
}

/* From the newest on:
 *     struct order_walk w = order_walk(o);
 *     while ((no = order_next(&w))) … */
struct order_walk {
    const struct order *o;
    uint32_t sorted, recent; /* how many of each are still to come */
};

static inline struct order_walk order_walk(const struct order *o)
{
    return (struct order_walk){ o, o->count, o->recent_count };
}

static inline uint32_t order_next(struct order_walk *w)
{
    for (;;) {
        if (w->recent && w->o->recent[w->recent - 1].before >= w->sorted)
            return w->o->recent[--w->recent].no;
        if (!w->sorted)
            return 0;
        uint32_t no = w->o->sorted[--w->sorted];
        if (no)
            return no;
    }
}

#endif

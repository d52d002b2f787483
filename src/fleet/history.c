#include "fleet/history.h"

#include <stdlib.h>

#include "fleet/fleet_internal.h"

enum mu_err history_reserve(struct fleet *f, uint32_t product)
{
    return numbered_reserve(&f->histories.at, &f->histories.count, product, sizeof(struct history));
}

struct history *history_of(const struct fleet *f, uint32_t product)
{
    return product < f->histories.count ? &f->histories.at[product] : NULL;
}

void histories_free(struct fleet *f)
{
    for (uint32_t i = 0; i < f->histories.count; i++) {
        struct history *h = &f->histories.at[i];
        day_sets_free(&h->active);
        day_sets_free(&h->activated);
        if (h->ever_activated)
            roaring_bitmap_free(h->ever_activated);
        events_free(&h->events);
        mac_order_free(&h->by_mac);
    }
    free(f->histories.at);
}

void history_active(struct fleet *f, uint32_t product, int32_t day, uint32_t device)
{
    struct day_set *set = day_sets_require(&history_of(f, product)->active, day);

    if (!set)
        fleet_out_of_memory();
    roaring_bitmap_add(set->devices, device);
    set->loose = true;
}

static int32_t day_of(const struct fleet *f, uint32_t unix_s)
{
    return f->calendar ? calendar_day(f->calendar, unix_s) : (int32_t)(unix_s / 86400);
}

static void unactivate(struct fleet *f, uint32_t no, struct history *h, uint32_t activated_at)
{
    const struct day_set *set = day_sets_find(&h->activated, day_of(f, activated_at));

    roaring_bitmap_remove(h->ever_activated, no);
    if (set)
        roaring_bitmap_remove(set->devices, no);
}

static void activate(struct fleet *f, uint32_t no, struct history *h, uint32_t activated_at)
{
    struct day_set *set = day_sets_require(&h->activated, day_of(f, activated_at));

    if (!set || (!h->ever_activated && !(h->ever_activated = roaring_bitmap_create())))
        fleet_out_of_memory();
    roaring_bitmap_add(set->devices, no);
    roaring_bitmap_add(h->ever_activated, no);
}

void history_activated(struct fleet *f, uint32_t no, struct row r, uint32_t activated_at)
{
    struct history *h = history_of(f, r.c->product[r.i]);
    uint32_t before = r.c->told[r.i].activated_at;

    if (before == activated_at)
        return;
    if (before)
        unactivate(f, no, h, before);
    if (activated_at)
        activate(f, no, h, activated_at);
}

void history_leave(struct fleet *f, uint32_t no, struct row r, uint32_t product)
{
    struct history *from = history_of(f, r.c->product[r.i]), *to = history_of(f, product);
    uint32_t activated_at = r.c->told[r.i].activated_at;

    if (activated_at)
        unactivate(f, no, from, activated_at);
    if (!product) {
        events_drop(&from->events, &f->pool, &r.c->events[r.i]);
        return;
    }
    if (activated_at)
        activate(f, no, to, activated_at);
    if (events_move(&from->events, &to->events, &f->pool, &r.c->events[r.i]) != MU_OK)
        fleet_out_of_memory();
}

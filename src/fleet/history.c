#include "fleet/history.h"

#include "fleet/fleet_internal.h"

void history_init(struct history *h)
{
    *h = (struct history){ .ever_activated = roaring_bitmap_create() };
    if (!h->ever_activated)
        fleet_out_of_memory();
}

void history_free(struct history *h)
{
    day_sets_free(&h->active);
    day_sets_free(&h->activated);
    roaring_bitmap_free(h->ever_activated);
}

void history_active(struct fleet *f, int32_t day, uint32_t device)
{
    struct day_set *set = day_sets_require(&f->history.active, day);

    if (!set)
        fleet_out_of_memory();
    roaring_bitmap_add(set->devices, device);
    set->loose = true;
}

static int32_t day_of(const struct fleet *f, uint32_t unix_s)
{
    return f->calendar ? calendar_day(f->calendar, unix_s) : (int32_t)(unix_s / 86400);
}

void history_activated(struct fleet *f, uint32_t no, struct row r, uint32_t activated_at)
{
    struct history *h = &f->history;
    uint32_t before = r.c->told[r.i].activated_at;

    if (before == activated_at)
        return;
    if (before) {
        const struct day_set *set = day_sets_find(&h->activated, day_of(f, before));
        roaring_bitmap_remove(h->ever_activated, no);
        if (set)
            roaring_bitmap_remove(set->devices, no);
    }
    if (activated_at) {
        struct day_set *set = day_sets_require(&h->activated, day_of(f, activated_at));
        if (!set)
            fleet_out_of_memory();
        roaring_bitmap_add(set->devices, no);
        roaring_bitmap_add(h->ever_activated, no);
    }
}

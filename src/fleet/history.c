#include "fleet/history.h"

#include <assert.h>
#include <roaring/roaring.h>

#include "fleet/fleet_internal.h"

/* Days of activity and activation: what changes them, and what is asked of a single device. */

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
    past_day_changes(f, day);
    struct day_set *set = day_sets_require(&f->history.active, day);
    if (!set)
        fleet_out_of_memory();
    roaring_bitmap_add(day_set_unfold(set), device);
    set->loose = true;
}

void history_forget(struct fleet *f, uint32_t device)
{
    struct day_sets *days = &f->history.active;

    for (uint32_t i = 0; i < days->count; i++)
        if (day_set_remove(&days->at[i], device))
            days->at[i].loose = true;
}

/* The devices of all products; the caller frees the bitmap. */
static roaring_bitmap_t *all_devices(const struct fleet *f)
{
    roaring_bitmap_t *all = roaring_bitmap_create();

    if (!all)
        fleet_out_of_memory();
    for (uint32_t no = 0; no < f->products.count; no++)
        if (f->products.at[no])
            roaring_bitmap_or_inplace(all, f->products.at[no]->all);
    return all;
}

void fleet_forget_strangers(struct fleet *f)
{
    struct day_sets *days = &f->history.active;

    fleet_write_lock(f);
    roaring_bitmap_t *all = all_devices(f);
    struct plain_bits known = plain_bits_of(all);
    for (uint32_t i = 0; i < days->count; i++) {
        if (day_set_count_in(&days->at[i], &known) == day_set_count(&days->at[i]))
            continue;
        roaring_bitmap_and_inplace(day_set_unfold(&days->at[i]), all);
        days->at[i].loose = true;
    }
    plain_bits_free(&known);
    roaring_bitmap_free(all);
    fleet_unlock(f);
}

bool fleet_was_active(struct fleet *f, int32_t day, uint32_t no)
{
    const struct day_set *set = day_sets_find(&f->history.active, day);
    return set && day_set_has(set, no);
}

size_t fleet_active_days(struct fleet *f, uint32_t no, int32_t *days, size_t cap)
{
    const struct day_sets *active = &f->history.active;
    size_t count = 0;

    fleet_read_lock(f);
    for (uint32_t i = 0; i < active->count && count < cap; i++) {
        if (day_set_has(&active->at[i], no))
            days[count++] = active->at[i].day;
    }
    fleet_unlock(f);
    return count;
}

void history_activated(struct fleet *f, uint32_t no, struct columns_row r, uint32_t activated_at)
{
    struct history *h = &f->history;
    uint32_t before = r.c->told[r.i].activated_at;

    assert(r.c);
    if (before == activated_at)
        return;
    r.c->told[r.i].activated_at = activated_at;
    if (before) {
        const struct day_set *set = day_sets_find(&h->activated, fleet_day(f, before));
        past_day_changes(f, fleet_day(f, before));
        roaring_bitmap_remove(h->ever_activated, no);
        if (set)
            roaring_bitmap_remove(set->devices, no);
    }
    if (activated_at) {
        past_day_changes(f, fleet_day(f, activated_at));
        struct day_set *set = day_sets_require(&h->activated, fleet_day(f, activated_at));
        if (!set)
            fleet_out_of_memory();
        roaring_bitmap_add(set->devices, no);
        roaring_bitmap_add(h->ever_activated, no);
    }
}

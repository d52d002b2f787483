#include "fleet/place_counts.h"

#include <stdlib.h>

#include "fleet/fleet_internal.h"

static uint64_t hash_cell(const struct place_counts *c, uint32_t place, uint32_t what)
{
    return hash_bytes(c->key, (uint64_t)place << 32 | what, NULL, 0);
}

static uint64_t hash_no(const void *ctx, uint32_t no)
{
    const struct place_counts *c = ctx;
    return hash_cell(c, c->at[no].place, c->at[no].what);
}

void place_counts_init(struct place_counts *c, const struct hash_key *key)
{
    *c = (struct place_counts){ .key = key, .count = 1 };
    index_init(&c->by_place, hash_no, c);
}

void place_counts_free(struct place_counts *c)
{
    free(c->at);
    index_free(&c->by_place);
}

static struct place_cell *add_cell(struct place_counts *c, uint32_t place, uint32_t what)
{
    if (index_reserve(&c->by_place) != MU_OK)
        fleet_out_of_memory();
    if (c->count >= c->cap) {
        uint32_t cap = c->cap ? c->cap * 2 : 16;
        struct place_cell *grown = realloc(c->at, cap * sizeof(*grown));
        if (!grown)
            fleet_out_of_memory();
        c->at = grown;
        c->cap = cap;
    }
    uint32_t no = c->count++;
    c->at[no] = (struct place_cell){ .place = place, .what = what };
    index_add(&c->by_place, no);
    return &c->at[no];
}

static void add(struct place_counts *c, uint32_t place, uint32_t what, uint32_t n, uint32_t special)
{
    struct index_probe probe = index_probe(&c->by_place, hash_cell(c, place, what));
    struct place_cell *cell = NULL;
    uint32_t no;

    while (!cell && (no = index_next(&probe))) {
        if (c->at[no].place == place && c->at[no].what == what)
            cell = &c->at[no];
    }
    if (!cell)
        cell = add_cell(c, place, what);
    cell->n += n;
    cell->special += special;
}

void place_counts_add_events(struct place_counts *c, const struct fleet *f, struct row r, int by)
{
    const struct events *events = &product_by_no(f, r.c->product[r.i])->events;
    uint32_t place = r.c->place[r.i], sign = (uint32_t)by;
    bool any[2] = { false }, open[2] = { false };

    for (uint32_t no = r.c->events[r.i]; no; no = events->at[no].next) {
        const struct event_tally *t = &events->at[no];
        enum fleet_event_kind kind = f->points.at[t->point].kind;
        add(c, place, COUNT_POINTS + t->point, sign * t->total, t->open ? sign : 0);
        any[kind] = true;
        open[kind] |= t->open != 0;
    }
    for (unsigned kind = EVENT_FAULT; kind <= EVENT_ALERT; kind++) {
        if (any[kind])
            add(c, place, COUNT_WITH_FAULTS + kind, sign, open[kind] ? sign : 0);
    }
}

void place_counts_device(struct fleet *f, struct row r, int by)
{
    struct place_counts *c = &product_by_no(f, r.c->product[r.i])->counts;
    uint32_t place = r.c->place[r.i], sign = (uint32_t)by;
    uint8_t flags = r.c->flags[r.i];

    if (flags & DEVICE_DISABLED)
        return;
    add(c, place, COUNT_DEVICES, sign, flags & DEVICE_ONLINE ? sign : 0);
    if (r.c->told[r.i].activated_at)
        add(c, place, COUNT_ACTIVATED, sign, 0);
    if (flags & DEVICE_FAULTY)
        add(c, place, COUNT_FAULTY, sign, 0);
    if (flags & DEVICE_ALERT)
        add(c, place, COUNT_ALERT, sign, 0);
}

void place_counts_events(struct fleet *f, struct row r, int by)
{
    if (r.c->events[r.i] && !(r.c->flags[r.i] & DEVICE_DISABLED))
        place_counts_add_events(&product_by_no(f, r.c->product[r.i])->counts, f, r, by);
}

#include "fleet/events.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* An open event, as its block of the pool keeps it. */
struct event_open {
    uint32_t opened_us[2]; /* low, high: 12 bytes, not 16 */
    uint32_t definition;
};

void events_free(struct events *e)
{
    free(e->at);
    *e = (struct events){ 0 };
}

static uint32_t find(const struct events *e, uint32_t head, uint32_t point)
{
    uint32_t no = head;

    while (no && e->at[no].point != point)
        no = e->at[no].next;
    return no;
}

static uint32_t take_free(struct events *e)
{
    uint32_t no = e->free;

    if (no) {
        assert(no < e->count && !e->at[no].device);
        e->free = e->at[no].next;
        return no;
    }
    if (!ARRAY_RESERVE(e->at, e->cap, e->count + 1))
        return 0;
    if (!e->count)
        e->at[e->count++] = (struct event_tally){ 0 };
    return e->count++;
}

static void give_back(struct events *e, uint32_t no)
{
    assert(e->at[no].device);
    e->at[no] = (struct event_tally){ .next = e->free };
    e->free = no;
}

static uint32_t store_open(struct pool *pool, const struct fleet_event *event)
{
    const struct event_open open = {
        .opened_us = { (uint32_t)event->opened_us, (uint32_t)((uint64_t)event->opened_us >> 32) },
        .definition = event->definition,
    };
    uint32_t block = pool_alloc(pool, sizeof(open));

    if (block)
        memcpy(pool_at(pool, block), &open, sizeof(open));
    return block;
}

static void close_open(struct pool *pool, struct event_tally *t)
{
    pool_free(pool, t->open, sizeof(struct event_open));
    t->open = 0;
}

enum mu_err events_add(struct events *e, struct pool *pool, uint32_t *head, const struct fleet_event *event)
{
    uint32_t open = 0, no = find(e, *head, event->point);

    if (!event->resolved_us && !(open = store_open(pool, event)))
        return MU_E_NOMEM;
    if (!no) {
        if (!(no = take_free(e))) {
            pool_free(pool, open, sizeof(struct event_open));
            return MU_E_NOMEM;
        }
        e->at[no] = (struct event_tally){ .device = event->device, .next = *head, .point = event->point };
        *head = no;
    }
    struct event_tally *t = &e->at[no];
    assert(t->device == event->device);
    t->total++;
    if (open) {
        close_open(pool, t);
        t->open = open;
    }
    return MU_OK;
}

void events_resolve(struct events *e, struct pool *pool, uint32_t head, uint32_t point)
{
    uint32_t no = find(e, head, point);

    if (no)
        close_open(pool, &e->at[no]);
}

void events_forget(struct events *e, struct pool *pool, uint32_t *head, uint32_t point)
{
    uint32_t *at = head;

    while (*at && e->at[*at].point != point)
        at = &e->at[*at].next;
    uint32_t no = *at;
    assert(!no || e->at[no].total);
    if (!no || --e->at[no].total)
        return;
    close_open(pool, &e->at[no]);
    *at = e->at[no].next;
    give_back(e, no);
}

void events_drop(struct events *e, struct pool *pool, uint32_t *head)
{
    for (uint32_t no = *head, next; no; no = next) {
        next = e->at[no].next;
        close_open(pool, &e->at[no]);
        give_back(e, no);
    }
    *head = 0;
}

enum mu_err events_move(struct events *from, struct events *to, struct pool *pool, uint32_t *head)
{
    uint32_t moved = 0;
    enum mu_err err = MU_OK;

    while (*head) {
        uint32_t old = *head, no = take_free(to);
        if (!no) {
            events_drop(from, pool, head);
            err = MU_E_NOMEM;
            break;
        }
        *head = from->at[old].next;
        to->at[no] = from->at[old];
        to->at[no].next = moved;
        moved = no;
        give_back(from, old);
    }
    *head = moved;
    return err;
}

uint32_t events_total(const struct events *e, uint32_t head)
{
    uint32_t total = 0;

    for (uint32_t no = head; no; no = e->at[no].next)
        total += e->at[no].total;
    return total;
}

size_t events_open(const struct events *e, const struct pool *pool, uint32_t head, struct fleet_event *out, size_t cap)
{
    size_t n = 0;

    for (uint32_t no = head; no && n < cap; no = e->at[no].next) {
        const struct event_tally *t = &e->at[no];
        struct event_open open;
        if (!t->open)
            continue;
        memcpy(&open, pool_at(pool, t->open), sizeof(open));
        out[n++] = (struct fleet_event){
            .device = t->device,
            .point = t->point,
            .opened_us = (int64_t)((uint64_t)open.opened_us[1] << 32 | open.opened_us[0]),
            .definition = open.definition,
        };
    }
    return n;
}

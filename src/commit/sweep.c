#include "commit/sweep.h"

#include <assert.h>
#include <roaring/roaring.h>

#include "fleet/fleet_parts.h"
#include "journal/journal_nodes.h"

/* Removes the leftovers of deleted devices from the journal, one step at a time. */

enum { SLICE_EVENTS = 20000, SOME_DEVICES = 500 }; /* takes some 20 ms */

static bool is_batch_full(const struct sweep *s)
{
    return journal_batch_bytes(s->writes) >= LIMIT_BATCH;
}

bool sweep_is_due(const struct sweep *s)
{
    const struct leftovers *left = fleet_leftovers(s->fleet);

    return s->wanted || !roaring_bitmap_is_empty(left->devices) || !roaring_bitmap_is_empty(left->with_events);
}

/* --- state and versions ---------------------------------------------------------------------- */

struct device_sweep {
    struct sweep *s;
    uint32_t last;
};

static bool forget_device(uint32_t device, void *ctx)
{
    struct device_sweep *d = ctx;

    journal_batch_forget_device(d->s->writes, d->last = device);
    return !is_batch_full(d->s);
}

static enum mu_err sweep_devices(struct sweep *s, int64_t now_us)
{
    roaring_bitmap_t *devices = fleet_leftovers(s->fleet)->devices;
    struct device_sweep d = { .s = s };

    roaring_iterate(devices, forget_device, &d);
    enum mu_err err = journal_commit(s->journal, s->writes, now_us);
    if (err == MU_OK)
        roaring_bitmap_remove_range_closed(devices, 0, d.last);
    return err;
}

/* --- events of a shared journal ---------------------------------------------------------------- */

static enum mu_err on_device_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    const struct sweep *s = ctx;

    journal_batch_forget_event(s->writes, device, e);
    return MU_OK;
}

static enum mu_err sweep_device_events(struct sweep *s, int64_t now_us)
{
    roaring_bitmap_t *devices = fleet_leftovers(s->fleet)->with_events;
    uint32_t some[SOME_DEVICES], count = 0;
    roaring_uint32_iterator_t *i = roaring_create_iterator(devices);

    if (!i)
        return MU_E_NOMEM;
    for (; i->has_value && count < SOME_DEVICES; roaring_advance_uint32_iterator(i))
        some[count++] = i->current_value;
    roaring_free_uint32_iterator(i);
    enum mu_err err = journal_device_events(s->journal, some, count, on_device_event, s);
    if (err != MU_OK) {
        journal_batch_clear(s->writes);
        return err;
    }
    if ((err = journal_commit(s->journal, s->writes, now_us)) == MU_OK)
        roaring_bitmap_remove_range_closed(devices, 0, some[count - 1]);
    return err;
}

/* --- events ---------------------------------------------------------------------------------- */

struct slice {
    struct sweep *s;
    uint32_t seen;
    int64_t last_us;
};

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    struct slice *slice = ctx;

    /* The next slice begins at a moment, so this slice takes all events of its last moment. */
    if ((slice->seen >= SLICE_EVENTS || is_batch_full(slice->s)) && e->opened_us != slice->last_us)
        return MU_E_LIMIT;
    slice->seen++;
    slice->last_us = e->opened_us;
    if (roaring_bitmap_contains(slice->s->wanted, device))
        journal_batch_forget_event(slice->s->writes, device, e);
    return MU_OK;
}

static void begin_pass(struct sweep *s)
{
    struct leftovers *left = fleet_leftovers(s->fleet);

    assert(!s->wanted);
    s->wanted = left->with_events;
    s->from_us = 0;
    if (!(left->with_events = roaring_bitmap_create()))
        fleet_out_of_memory();
}

static enum mu_err sweep_events(struct sweep *s, int64_t now_us)
{
    struct slice slice = { .s = s };

    if (!s->wanted)
        begin_pass(s);
    enum mu_err err = journal_events(s->journal, s->from_us, INT64_MAX, on_event, &slice);
    bool more = err == MU_E_LIMIT;
    if (err != MU_OK && !more) {
        journal_batch_clear(s->writes);
        return err;
    }
    if ((err = journal_commit(s->journal, s->writes, now_us)) != MU_OK)
        return err;
    s->from_us = slice.last_us + 1;
    if (!more)
        sweep_free(s);
    return MU_OK;
}

enum mu_err sweep_step(struct sweep *s, int64_t now_us)
{
    assert(sweep_is_due(s));
    if (!roaring_bitmap_is_empty(fleet_leftovers(s->fleet)->devices))
        return sweep_devices(s, now_us);
    return journal_is_shared(s->journal) ? sweep_device_events(s, now_us) : sweep_events(s, now_us);
}

void sweep_free(struct sweep *s)
{
    if (s->wanted)
        roaring_bitmap_free(s->wanted);
    s->wanted = NULL;
}

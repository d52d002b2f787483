#include "journal/fake_journal_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Filling a batch of the journal in memory. */

static struct fake_batch *fake_of(struct journal_batch *b)
{
    return (struct fake_batch *)b;
}

enum mu_err fake_batch_create(struct journal_batch **out, struct journal *j)
{
    struct fake_batch *b = calloc(1, sizeof(*b));

    fake_require(b);
    b->base.driver = j->driver;
    b->journal = fake_store(j);
    b->boot = j->boot;
    *out = &b->base;
    return MU_OK;
}

void fake_batch_clear(struct journal_batch *port)
{
    struct fake_batch *b = fake_of(port);

    fake_records_free(&b->r);
    free(b->delta.bytes);
    b->delta.bytes = NULL;
    b->err = MU_OK;
    pthread_mutex_lock(&b->journal->lock);
    fake_release_claims(b->journal, port);
    pthread_mutex_unlock(&b->journal->lock);
}

void fake_batch_destroy(struct journal_batch *b)
{
    fake_batch_clear(b);
    free(b);
}

size_t fake_batch_bytes(const struct journal_batch *b)
{
    return ((const struct fake_batch *)b)->r.bytes;
}

void fake_batch_message(struct journal_batch *port, uint32_t device, const struct journal_message *m)
{
    struct fake_batch *b = fake_of(port);

    if (m->payload_len > LIMIT_MQTT_PACKET)
        b->err = MU_E_LIMIT;
    if (m->payload_len > LIMIT_MQTT_PACKET || m->ts_us < fake_oldest_us(b->journal))
        return;
    struct fake_message *at = FAKE_APPEND(b->r.messages);
    at->device = device;
    at->m = *m;
    at->payload = malloc(m->payload_len + 1);
    fake_require(at->payload);
    if (m->payload_len)
        memcpy(at->payload, m->payload, m->payload_len);
    at->m.payload = NULL;
    b->r.bytes += 40 + m->payload_len;
}

void fake_batch_session(struct journal_batch *port, uint32_t device, const struct journal_session *s)
{
    struct fake_batch *b = fake_of(port);

    if (s->ts_us < fake_oldest_us(b->journal))
        return;
    *FAKE_APPEND(b->r.sessions) = (struct fake_session){ device, *s };
    b->r.bytes += 60;
}

void fake_batch_turn(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us, int64_t last_us)
{
    *FAKE_APPEND(fake_of(b)->r.turns) = (struct fake_turn){ device, list, from_us, last_us, last_us };
}

void fake_batch_state(struct journal_batch *port, uint32_t device, const struct journal_state *s)
{
    struct fake_batch *b = fake_of(port);
    struct fake_state *at = FAKE_APPEND(b->r.states);

    assert(s->image_len <= sizeof(at->image));
    at->device = device;
    at->s = *s;
    if (s->image)
        memcpy(at->image, s->image, s->image_len);
    at->s.image = NULL;
    b->r.bytes += 100 + s->image_len;
}

void fake_batch_followed(struct journal_batch *b, int64_t until_us)
{
    fake_of(b)->r.followed_until_us = until_us;
}

void fake_batch_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v)
{
    struct fake_batch *b = fake_of(port);

    *FAKE_APPEND(b->r.versions) = (struct fake_versions){ device, *v };
    b->r.bytes += 100;
}

void fake_batch_active(struct journal_batch *port, int32_t day, uint32_t device)
{
    struct fake_batch *b = fake_of(port);

    *FAKE_APPEND(b->r.active) = (struct fake_active){ day, device };
    b->r.bytes += 12;
}

/* The day's entries that the batch already holds go, too. */
void fake_batch_active_set(struct journal_batch *port, int32_t day, const void *set, size_t len)
{
    struct fake_batch *b = fake_of(port);
    struct fake_active_set *at = FAKE_APPEND(b->r.active_sets);

    assert(len <= sizeof(at->bytes));
    *at = (struct fake_active_set){ .day = day, .forgotten = !set, .len = len };
    if (set)
        memcpy(at->bytes, set, len);
    FAKE_KEEP(b->r.active, struct fake_active, row->day != day);
    b->r.bytes += 20 + len;
}

static void add_event(struct journal_batch *port, uint32_t device, const struct journal_event *e, bool forgotten)
{
    struct fake_batch *b = fake_of(port);
    struct fake_event *at = FAKE_APPEND(b->r.events);

    assert(e->name.len <= sizeof(at->name));
    *at = (struct fake_event){ .device = device, .forgotten = forgotten, .e = *e };
    memcpy(at->name, e->name.at, e->name.len);
    b->r.bytes += 40;
}

void fake_batch_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    add_event(b, device, e, false);
}

void fake_batch_forget_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    add_event(b, device, e, true);
}

void fake_batch_forget_device(struct journal_batch *b, uint32_t device)
{
    *FAKE_APPEND(fake_of(b)->r.forgotten) = device;
    fake_of(b)->r.bytes += 30;
}

void fake_batch_control(struct journal_batch *port, const struct journal_control *c)
{
    struct fake_batch *b = fake_of(port);
    struct fake_control *at = FAKE_APPEND(b->r.controls);
    size_t kept = c->frame_len < sizeof(at->frame) ? c->frame_len : sizeof(at->frame);

    at->c = *c;
    str_copy(at->enterprise_id, sizeof(at->enterprise_id), c->enterprise_id);
    str_copy(at->did, sizeof(at->did), c->did);
    if (kept)
        memcpy(at->frame, c->frame, kept);
    b->r.bytes += 80 + kept;
}

void fake_batch_forget_controls(struct journal_batch *b, int64_t before_us)
{
    fake_of(b)->r.controls_before_us = before_us;
    fake_of(b)->r.bytes += 30;
}

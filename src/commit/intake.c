#include "commit/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Queueing records for the committer, and deciding when to wake it. */

enum {
    FIRST_CAP = 256 * 1024,
    /* Kept free at the end of the queue: when the queue cannot grow, it still has room to note the senders that must be
     * told. */
    SLACK = 64 * 1024,
    /* A buffer that a burst has made larger than this is freed when it is hardly used any more. */
    KEEP_CAP = 4 * 1024 * 1024,
    /* This many bytes are committed without waiting for more: they fill a batch of their own (some 400 reports). */
    ENOUGH = 32 * 1024,
};

static bool grow(struct intake_records *r, size_t wanted)
{
    size_t cap = r->cap ? r->cap : FIRST_CAP;

    while (cap < wanted)
        cap *= 2;
    uint8_t *data = realloc(r->data, cap);
    if (!data)
        return false;
    r->data = data;
    r->cap = cap;
    return true;
}

enum mu_err intake_records_append(struct intake_records *r, const struct intake_record *rec)
{
    assert(rec->size >= sizeof(*rec) && rec->size % 8 == 0);
    if (r->len + rec->size > r->cap && !grow(r, r->len + rec->size))
        return MU_E_NOMEM;
    memcpy(r->data + r->len, rec, rec->size);
    r->len += rec->size;
    return MU_OK;
}

void intake_records_remove(struct intake_records *r, size_t at)
{
    size_t size = intake_records_at(r, at)->size;

    r->len -= size;
    memmove(r->data + at, r->data + at + size, r->len - at);
}

bool intake_records_join(struct intake_records *first, struct intake_records *to)
{
    if (first->len + to->len > first->cap && !grow(first, first->len + to->len))
        return false;
    struct intake_records joined = *first;
    if (to->len)
        memcpy(joined.data + joined.len, to->data, to->len);
    joined.len += to->len;
    *first = *to;
    first->len = 0;
    *to = joined;
    return true;
}

void intake_records_consume(struct intake_records *r, size_t n)
{
    assert(n <= r->len);
    if (n == 0)
        return;
    r->len -= n;
    memmove(r->data, r->data + n, r->len);
}

void intake_records_free(struct intake_records *r)
{
    free(r->data);
    *r = (struct intake_records){ 0 };
}

void intake_init(struct intake *in)
{
    *in = (struct intake){ .wakes_at = HASTE_AWAKE };
    pthread_mutex_init(&in->lock, NULL);
    pthread_cond_init(&in->wake, NULL);
}

void intake_free(struct intake *in)
{
    intake_records_free(&in->queue);
    pthread_cond_destroy(&in->wake);
    pthread_mutex_destroy(&in->lock);
}

static enum intake_haste haste_of(const struct intake_record *rec)
{
    switch ((enum intake_kind)rec->kind) {
    case INTAKE_REPORT: return rec->tag ? HASTE_TOLD : HASTE_KEPT;
    case INTAKE_LOGIN: /* its device waits; but so do many others after an outage, and they share commits */
    case INTAKE_END:
    case INTAKE_PASS: return HASTE_TOLD;
    case INTAKE_MOVED:
    case INTAKE_AUDIT: return HASTE_KEPT;
    case INTAKE_CONTROL:
    case INTAKE_VERSIONS:
    case INTAKE_HISTORY:
    case INTAKE_REFUSED: break;
    }
    return HASTE_NOW;
}

/* With the lock held. True: the caller must wake the committer when it has released the lock. */
static bool raise_haste(struct intake *in, enum intake_haste haste)
{
    assert(haste > HASTE_NONE && haste < HASTE_AWAKE);
    if (haste > in->haste)
        in->haste = haste;
    bool wake = in->haste >= in->wakes_at;
    if (wake)
        in->wakes_at = HASTE_AWAKE;
    return wake;
}

/* Room for a record, or NULL. */
static struct intake_record *take_room(struct intake *in, uint32_t size, bool beyond_slack)
{
    struct intake_records *q = &in->queue;

    if (!beyond_slack && q->len + size + SLACK > q->cap && !grow(q, q->len + size + SLACK))
        return NULL;
    if (q->len + size > q->cap)
        return NULL;
    struct intake_record *rec = intake_records_at(q, q->len);
    q->len += size;
    atomic_fetch_add_explicit(&in->waiting, size, memory_order_relaxed);
    return rec;
}

void intake_put(struct intake *in, const struct intake_record *head, const void *first, size_t first_len,
                const void *second, size_t second_len)
{
    size_t len = first_len + second_len;
    uint32_t size = (uint32_t)((sizeof(*head) + len + 7) & ~(size_t)7);
    bool refused = false;

    pthread_mutex_lock(&in->lock);
    struct intake_record *rec = take_room(in, size, false);
    if (!rec && intake_is_kept(head)) {
        rec = take_room(in, size, true);
    } else if (!rec) {
        size = sizeof(*head);
        rec = take_room(in, size, true);
        refused = true;
    }
    if (rec) {
        *rec = *head;
        rec->size = size;
        if (refused) {
            rec->kind = INTAKE_REFUSED;
            rec->body_len = 0;
        } else {
            rec->body_len = (uint32_t)len;
            if (first_len)
                memcpy(rec->body, first, first_len);
            if (second_len)
                memcpy(rec->body + first_len, second, second_len);
        }
    } else {
        in->lost++;
    }
    bool wake = raise_haste(in, in->queue.len >= ENOUGH ? HASTE_NOW : haste_of(head));
    pthread_mutex_unlock(&in->lock);
    if (wake)
        pthread_cond_signal(&in->wake);
}

void intake_hurry(struct intake *in)
{
    pthread_mutex_lock(&in->lock);
    bool wake = raise_haste(in, HASTE_NOW);
    pthread_mutex_unlock(&in->lock);
    if (wake)
        pthread_cond_signal(&in->wake);
}

bool intake_has_room(struct intake *in, struct commit_sink *sink)
{
    bool room = atomic_load_explicit(&in->waiting, memory_order_relaxed) < LIMIT_INTAKE;

    if (room)
        return true;
    pthread_mutex_lock(&in->lock);
    /* Asked again under the lock under which room is given back, so that the news cannot be missed. */
    room = atomic_load_explicit(&in->waiting, memory_order_relaxed) < LIMIT_INTAKE;
    if (!room && !sink->starved) {
        sink->starved = true;
        sink->next_starved = in->starved;
        in->starved = sink;
    }
    pthread_mutex_unlock(&in->lock);
    return room;
}

void intake_swap(struct intake *in, struct intake_records *empty)
{
    struct intake_records full = in->queue;

    if (empty->cap > KEEP_CAP && full.len < empty->cap / 8)
        intake_records_free(empty);
    empty->len = 0;
    in->queue = *empty;
    in->haste = HASTE_NONE;
    *empty = full;
}

struct commit_sink *intake_release(struct intake *in, size_t n)
{
    struct commit_sink *starved = NULL;

    pthread_mutex_lock(&in->lock);
    size_t before = atomic_fetch_sub_explicit(&in->waiting, n, memory_order_relaxed);
    assert(n <= before);
    if (before - n <= LIMIT_INTAKE / 2) {
        starved = in->starved;
        in->starved = NULL;
        for (struct commit_sink *s = starved; s; s = s->next_starved)
            s->starved = false;
    }
    pthread_mutex_unlock(&in->lock);
    return starved;
}

/* Each watcher has a queue of events, one after the other in a run of bytes, that it swaps for an empty one. */

#include "commit/watch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"

/* Watchers: their queues, and telling them events. */

struct watcher {
    struct watch *watch;
    struct watch_filter filter;
    struct buf queue;
    /* events lost behind those in the queue; after one is lost, all are until the queue has been taken */
    uint64_t lost;
    struct watcher *next;
};

enum mu_err watch_create(struct watch **out)
{
    struct watch *w = *out = calloc(1, sizeof(*w));

    if (!w)
        return MU_E_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    return MU_OK;
}

void watch_destroy(struct watch *w)
{
    if (!w)
        return;
    assert(!w->first);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* --- telling ------------------------------------------------------------------------------------------ */

static size_t padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

bool watch_note(struct buf *events, const struct watch_event *e, const void *body, size_t body_len)
{
    size_t size = padded(sizeof(*e) + body_len);
    struct watch_event *at = (struct watch_event *)(void *)buf_reserve(events, size);

    if (!at)
        return false;
    *at = *e;
    at->size = (uint32_t)size;
    at->body_len = (uint32_t)body_len;
    if (body_len)
        memcpy(at->body, body, body_len);
    events->len += size;
    return true;
}

const struct watch_event *watch_next(const struct buf *events, size_t *at)
{
    if (*at == events->len)
        return NULL;
    const struct watch_event *e = (const struct watch_event *)(const void *)(events->data + *at);
    assert(e->size >= sizeof(*e) && e->size <= events->len - *at);
    *at += e->size;
    return e;
}

static bool wants(const struct watch_filter *f, const struct watch_event *e)
{
    if (f->product && f->product != e->product)
        return false;
    return !f->did[0] || strcmp(f->did, e->did) == 0 || (e->mac[0] && strcmp(f->mac, e->mac) == 0);
}

static void put(struct watcher *r, const struct watch_event *e)
{
    if (!wants(&r->filter, e))
        return;
    if (r->lost == 0)
        buf_append(&r->queue, e, e->size);
    if (r->queue.err != MU_OK)
        r->lost++;
}

void watch_tell(struct watch *w, const struct buf *events, uint64_t lost)
{
    pthread_mutex_lock(&w->lock);
    for (struct watcher *r = w->first; r; r = r->next) {
        const struct watch_event *e;
        for (size_t at = 0; (e = watch_next(events, &at));)
            put(r, e);
        r->lost += lost;
    }
    pthread_mutex_unlock(&w->lock);
}

void watch_tell_one(struct watch *w, const struct watch_event *e)
{
    struct watch_event one = *e;

    one.size = (uint32_t)padded(sizeof(one));
    pthread_mutex_lock(&w->lock);
    for (struct watcher *r = w->first; r; r = r->next)
        put(r, &one);
    pthread_mutex_unlock(&w->lock);
}

/* --- watching ------------------------------------------------------------------------------------------ */

enum mu_err watch_begin(struct watch *w, const struct watch_filter *filter, struct watcher **out)
{
    struct watcher *r = *out = calloc(1, sizeof(*r));

    if (!r)
        return MU_E_NOMEM;
    r->watch = w;
    r->filter = *filter;
    buf_init(&r->queue, LIMIT_WATCH_QUEUE);
    pthread_mutex_lock(&w->lock);
    r->next = w->first;
    w->first = r;
    atomic_fetch_add_explicit(&w->watchers, 1, memory_order_relaxed);
    pthread_mutex_unlock(&w->lock);
    return MU_OK;
}

void watch_end(struct watcher *r)
{
    struct watch *w = r->watch;
    struct watcher **at = &w->first;

    pthread_mutex_lock(&w->lock);
    assert(atomic_load_explicit(&w->watchers, memory_order_relaxed));
    while (*at != r) {
        assert(*at);
        at = &(*at)->next;
    }
    *at = r->next;
    atomic_fetch_sub_explicit(&w->watchers, 1, memory_order_relaxed);
    pthread_mutex_unlock(&w->lock);
    buf_free(&r->queue);
    free(r);
}

uint64_t watch_take(struct watcher *r, struct buf *events)
{
    uint64_t lost;

    buf_clear(events);
    pthread_mutex_lock(&r->watch->lock);
    struct buf taken = r->queue;
    r->queue = *events;
    r->queue.max = LIMIT_WATCH_QUEUE;
    lost = r->lost;
    r->lost = 0;
    pthread_mutex_unlock(&r->watch->lock);
    *events = taken;
    events->err = MU_OK;
    return lost;
}

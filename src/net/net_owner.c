#include "net/net_owner.h"
#include "base/unit_test.h"

#include <pthread.h>
#include <stdlib.h>

#include "net/net_testing.h"

/* The owner that tests give to a connection: it records its calls, under a lock that the test's thread takes too. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

size_t owner_take(struct owner *o, const uint8_t *bytes, size_t len)
{
    buf_append(&o->got, bytes, len);
    return len;
}

static void enter(struct owner *o)
{
    pthread_mutex_lock(&lock);
    o->inside = true;
}

static void leave(struct owner *o)
{
    o->inside = false;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static size_t data(struct conn *c, const uint8_t *bytes, size_t len)
{
    struct owner *o = (struct owner *)c;

    enter(o);
    o->data_calls++;
    size_t used = o->on_data ? o->on_data(o, bytes, len) : owner_take(o, bytes, len);
    leave(o);
    return used;
}

static void drained(struct conn *c)
{
    struct owner *o = (struct owner *)c;

    enter(o);
    o->drained_calls++;
    if (o->on_drained)
        o->on_drained(o);
    leave(o);
}

static void closed(struct conn *c, enum conn_end end)
{
    struct owner *o = (struct owner *)c;

    if (o->inside) {
        o->told_inside = true; /* the lock is held by this thread */
        return;
    }
    pthread_mutex_lock(&lock);
    o->closed_calls++;
    o->end = end;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static const struct conn_ops owner_ops = { .data = data, .drained = drained, .closed = closed };

struct owner *owner_new(struct loop *loop)
{
    struct owner *o = calloc(1, sizeof(*o));

    assert_non_null(o);
    o->loop = loop;
    o->shared = (struct conn_owner){ .loop = loop, .ops = owner_ops };
    buf_init(&o->got, 64 * 1024 * 1024);
    return o;
}

void owner_free(struct owner *o)
{
    assert_int_equal(o->closed_calls, 1);
    assert_false(o->told_inside);
    assert_int_equal(o->got.err, MU_OK);
    buf_free(&o->got);
    free(o);
}

struct opening {
    struct owner *o;
    int fd;
    const struct transport *via;
    enum mu_err err;
};

static void open_now(void *arg)
{
    struct opening *a = arg;
    a->err = conn_open(&a->o->c, &a->o->shared, a->fd, a->via);
}

enum mu_err owner_open(struct owner *o, int fd, const struct transport *via, uint32_t in_max, uint32_t out_max)
{
    struct opening a = { o, fd, via, MU_OK };

    o->shared.in_max = in_max;
    o->shared.out_max = out_max;
    on_loop(o->loop, open_now, &a);
    return a.err;
}

void owner_wait_got(struct owner *o, size_t len)
{
    pthread_mutex_lock(&lock);
    while (o->got.len < len)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void owner_wait_counter(const unsigned *counter, unsigned value)
{
    pthread_mutex_lock(&lock);
    while (*counter < value)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

unsigned owner_counter(const unsigned *counter)
{
    pthread_mutex_lock(&lock);
    unsigned value = *counter;
    pthread_mutex_unlock(&lock);
    return value;
}

void owner_wait_drained(struct owner *o, unsigned calls)
{
    owner_wait_counter(&o->drained_calls, calls);
}

void owner_wait_closed(struct owner *o)
{
    owner_wait_counter(&o->closed_calls, 1);
}

void owner_end(struct owner *o)
{
    on_loop(o->loop, owner_close_now, o);
    owner_wait_closed(o);
    assert_int_equal(o->end, CONN_WE_CLOSED);
}

/* --- on its loop -----------------------------------------------------------------------------*/

void owner_close_now(void *arg)
{
    conn_close(&((struct owner *)arg)->c);
}

void owner_pause_now(void *arg)
{
    conn_pause(&((struct owner *)arg)->c);
}

void owner_resume_now(void *arg)
{
    conn_resume(&((struct owner *)arg)->c);
}

void owner_look_for_buffers(void *arg)
{
    struct owner *o = arg;
    o->holds_buffers = o->c.in || o->c.out;
}

void owner_write_now(void *writing)
{
    struct owner_writing *w = writing;
    size_t at = 0;

    while (at < w->len && w->err == MU_OK) {
        size_t n = w->chunk && w->len - at > w->chunk ? w->chunk : w->len - at;
        w->err = conn_write(&w->o->c, w->bytes + at, n);
        at += n;
    }
    w->unsent = conn_unsent(&w->o->c);
    if (w->close)
        conn_close_when_sent(&w->o->c);
}

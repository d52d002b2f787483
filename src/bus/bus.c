/* The bus over PostgreSQL. A message is a NOTIFY on the channel of its node, or on that of all nodes:
 * "<from> <kind> <body in base64>". All that waits goes out in one statement. */
#include "bus/bus.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/array.h"
#include "base/log.h"
#include "base/thread.h"
#include "postgres/pg.h"

/* WAITING_MAX: messages that wait for the server; more are of no use to anybody. */
enum { WAITING_MAX = 100000, AT_ONCE = 1000, IDLE_MS = 1000, AGAIN_MS = 200, CHANNEL_MAX = 40, STATEMENT_S = 5 };
/* Two numbers, two spaces, and the body. */
enum { TEXT_MAX = 30 + (BUS_BODY_MAX + 2) / 3 * 4 };

struct waiting {
    char channel[CHANNEL_MAX];
    char *text; /* malloc'ed */
};

struct bus {
    struct bus_options options;
    struct pg *pg;
    pthread_t thread;
    int wake_fd;
    char set[120]; /* what its connection sets */
    _Atomic uint64_t sent, received, lost;
    unsigned opened; /* the connection whose messages have been announced by on_gap */

    pthread_mutex_t lock; /* guards the rest */
    struct waiting *waiting;
    uint32_t count, cap;
    bool stopping;
};

/* --- messages as texts ------------------------------------------------------------------------------*/

static char *text_of(const struct bus *bus, uint8_t kind, const void *body, size_t len)
{
    char *text = malloc(TEXT_MAX);

    if (text) {
        int at = snprintf(text, TEXT_MAX, "%" PRIu64 " %u ", bus->options.boot, kind);
        EVP_EncodeBlock((unsigned char *)text + at, body, (int)len);
    }
    return text;
}

/* false: it is none of ours. */
static bool read_text(const char *text, struct bus_message *m, uint8_t room[TEXT_MAX])
{
    unsigned kind;
    int at = 0;

    if (sscanf(text, "%" SCNu64 " %u %n", &m->from, &kind, &at) != 2 || !at || kind > UINT8_MAX)
        return false;
    text += at;
    size_t len = strlen(text);
    if (len % 4 || len > TEXT_MAX)
        return false;
    int decoded = EVP_DecodeBlock(room, (const unsigned char *)text, (int)len);
    if (decoded < 0)
        return false;
    m->kind = (uint8_t)kind;
    m->body = room;
    m->len = (size_t)decoded - (len && text[len - 1] == '=') - (len && text[len - 2] == '=');
    return true;
}

static void on_notified(void *ctx, struct str payload)
{
    struct bus *bus = ctx;
    struct bus_message m;
    uint8_t room[TEXT_MAX];

    if (!read_text(payload.at, &m, room) || m.from == bus->options.boot)
        return;
    atomic_fetch_add_explicit(&bus->received, 1, memory_order_relaxed);
    bus->options.on_message(bus->options.ctx, &m);
}

/* --- sending ----------------------------------------------------------------------------------------*/

static void wake(struct bus *bus)
{
    if (eventfd_write(bus->wake_fd, 1) != 0)
        abort(); /* cannot happen: it takes far more */
}

void bus_send(struct bus *bus, uint64_t to, uint8_t kind, const void *body, size_t len)
{
    assert(len <= BUS_BODY_MAX);
    char *text = text_of(bus, kind, body, len);
    bool taken = false;

    pthread_mutex_lock(&bus->lock);
    if (text && bus->count < WAITING_MAX && ARRAY_RESERVE(bus->waiting, bus->cap, bus->count + 1)) {
        struct waiting *w = &bus->waiting[bus->count++];
        w->text = text;
        if (to)
            snprintf(w->channel, sizeof(w->channel), "muster_%" PRIu64, to);
        else
            snprintf(w->channel, sizeof(w->channel), "muster");
        taken = true;
    }
    pthread_mutex_unlock(&bus->lock);
    if (taken) {
        wake(bus);
        return;
    }
    free(text);
    atomic_fetch_add_explicit(&bus->lost, 1, memory_order_relaxed);
}

/* Takes the first messages out of the queue; returns how many. */
static size_t take(struct bus *bus, struct waiting out[AT_ONCE])
{
    pthread_mutex_lock(&bus->lock);
    size_t n = bus->count < AT_ONCE ? bus->count : AT_ONCE;
    if (n) { /* else there may be no queue yet */
        memcpy(out, bus->waiting, n * sizeof(*out));
        memmove(bus->waiting, bus->waiting + n, (bus->count - n) * sizeof(*out));
        bus->count -= (uint32_t)n;
    }
    pthread_mutex_unlock(&bus->lock);
    return n;
}

/* What cannot be sent is lost: its sender has other means, and it would be stale when the server is back. */
static enum mu_err send_waiting(struct bus *bus)
{
    struct waiting list[AT_ONCE];
    struct str channels[AT_ONCE], texts[AT_ONCE];
    enum mu_err err = MU_OK;
    size_t n;

    while (err == MU_OK && (n = take(bus, list))) {
        for (size_t i = 0; i < n; i++) {
            channels[i] = str_of(list[i].channel);
            texts[i] = str_of(list[i].text);
        }
        err = pg_run(bus->pg, "SELECT pg_notify(c, t) FROM unnest($1::text[], $2::text[]) AS m(c, t)",
                     PG_VALUES(pg_strs(channels, n), pg_strs(texts, n)), NULL);
        atomic_fetch_add_explicit(err == MU_OK ? &bus->sent : &bus->lost, n, memory_order_relaxed);
        for (size_t i = 0; i < n; i++)
            free(list[i].text);
    }
    return err;
}

/* --- the thread -------------------------------------------------------------------------------------*/

static bool is_stopping(struct bus *bus)
{
    pthread_mutex_lock(&bus->lock);
    bool stopping = bus->stopping;
    pthread_mutex_unlock(&bus->lock);
    return stopping;
}

static void *run(void *ctx)
{
    struct bus *bus = ctx;
    eventfd_t unused;

    while (!is_stopping(bus)) {
        enum mu_err err = pg_wait_notified(bus->pg, bus->wake_fd, IDLE_MS, on_notified, bus);
        (void)eventfd_read(bus->wake_fd, &unused);
        if (err == MU_OK)
            err = send_waiting(bus);
        if (pg_opened(bus->pg) != bus->opened) {
            bus->opened = pg_opened(bus->pg);
            bus->options.on_gap(bus->options.ctx);
        }
        if (err != MU_OK)
            usleep(AGAIN_MS * 1000);
    }
    (void)!send_waiting(bus);
    return NULL;
}

enum mu_err bus_start(struct bus **out, const struct bus_options *options)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    assert(options->boot && options->on_message && options->on_gap);
    if (!bus)
        return MU_E_NOMEM;
    bus->options = *options;
    pthread_mutex_init(&bus->lock, NULL);
    /* Nothing that it commits must last. */
    snprintf(bus->set, sizeof(bus->set), "SET synchronous_commit TO off; LISTEN muster; LISTEN muster_%" PRIu64,
             options->boot);
    bus->pg = pg_new(&(struct pg_settings){ .uri = options->uri,
                                            .schema = "pg_catalog",
                                            .event = "bus_failed",
                                            .statement_s = STATEMENT_S,
                                            .set = bus->set });
    bus->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out = bus;
    if (bus->pg && bus->wake_fd >= 0 && thread_start(&bus->thread, "bus", run, bus) == MU_OK)
        return MU_OK;
    bus->stopping = true;
    bus_stop(bus);
    *out = NULL;
    return MU_E_NOMEM;
}

void bus_stop(struct bus *bus)
{
    if (!bus)
        return;
    if (!bus->stopping) {
        pthread_mutex_lock(&bus->lock);
        bus->stopping = true;
        pthread_mutex_unlock(&bus->lock);
        wake(bus);
        pthread_join(bus->thread, NULL);
    }
    for (uint32_t i = 0; i < bus->count; i++)
        free(bus->waiting[i].text);
    free(bus->waiting);
    pg_close(bus->pg);
    if (bus->wake_fd >= 0)
        close(bus->wake_fd);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

struct bus_figures bus_figures(struct bus *bus)
{
    return (struct bus_figures){
        .sent = atomic_load_explicit(&bus->sent, memory_order_relaxed),
        .received = atomic_load_explicit(&bus->received, memory_order_relaxed),
        .lost = atomic_load_explicit(&bus->lost, memory_order_relaxed),
    };
}

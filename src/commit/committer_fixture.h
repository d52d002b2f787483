#ifndef MUSTER_COMMIT_COMMITTER_FIXTURE_H
#define MUSTER_COMMIT_COMMITTER_FIXTURE_H

/* What the committer's tests share: a committer over twenty devices, between a journal and a registry that do what the
 * test says. Include it behind cmocka.h. */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commit/committer.h"
#include "journal/fake_journal.h"
#include "registry/fake_registry.h"
#include "fleet/fleet_apply.h"

enum { FIXTURE_DEVICES = 20, BOOT = 7 };
static const int64_t T0 = 1700000000000000; /* 2023-11-14 22:13:20 UTC, in Shanghai the 15th */

static struct fleet *f;
static struct registry *reg;
static struct journal *j;
static struct calendar *calendar;
static struct committer *c;
static struct watch *watching; /* NULL = nobody is told; before start() */

/* --- a sink that keeps what it is told ------------------------------------------------------- */

struct told {
    uint64_t owner, tag;
    enum mu_err err;
};
struct test_sink {
    struct commit_sink sink;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct told told[20000];
    size_t count, flushes, flushed_at; /* flushed_at: how many answers there were at the last flush */
};

static inline void on_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    struct test_sink *s = (struct test_sink *)sink;
    pthread_mutex_lock(&s->lock);
    s->told[s->count++ % 20000] = (struct told){ owner, tag, err };
    pthread_mutex_unlock(&s->lock);
}

static inline void on_flush(struct commit_sink *sink)
{
    struct test_sink *s = (struct test_sink *)sink;
    pthread_mutex_lock(&s->lock);
    s->flushes++;
    s->flushed_at = s->count;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static inline void sink_init(struct test_sink *s)
{
    memset(s, 0, sizeof(*s));
    s->sink = (struct commit_sink){ .done = on_done, .flush = on_flush };
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
}

/* Waits until n answers have been flushed. */
static inline void wait_told(struct test_sink *s, size_t n)
{
    pthread_mutex_lock(&s->lock);
    while (s->flushed_at < n)
        pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static struct test_sink sink;

/* --- a committer over twenty devices --------------------------------------------------------- */

static unsigned told_pause_ms, kept_pause_ms; /* before start() */

static inline void start(void)
{
    struct committer_options options = { .fleet = f,
                                         .registry = reg,
                                         .journal = j,
                                         .calendar = calendar,
                                         .watch = watching,
                                         .activity_days = 100000, /* T0 is long ago */
                                         .retry_ms = 20,
                                         .alive_ms = 60000,
                                         .told_pause_ms = told_pause_ms,
                                         .kept_pause_ms = kept_pause_ms };
    assert_int_equal(committer_start(&c, &options), MU_OK);
}

static inline int setup(void **state)
{
    (void)state;
    struct product_row product = fake_product(1);

    reg = fake_registry_new();
    j = fake_journal_new(BOOT);
    product.definition = 1;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 1, fake_definition);
    product = fake_product(2); /* without a definition */
    fake_put_product(reg, &product);
    for (uint32_t no = 1; no <= FIXTURE_DEVICES; no++) {
        struct device_row row = fake_device(no, no == FIXTURE_DEVICES ? 2 : 1);
        fake_put_device(reg, &row);
    }
    sink_init(&sink);
    if (calendar_open(&calendar, "Asia/Shanghai") != MU_OK || fleet_create(&f) != MU_OK)
        return -1;
    start();
    return 0;
}

static inline void stop(void)
{
    committer_stop(c);
    c = NULL;
}

static inline int teardown(void **state)
{
    (void)state;
    stop();
    fleet_destroy(f);
    calendar_free(calendar);
    fake_journal_free(j);
    fake_registry_free(reg);
    return 0;
}

/* Starts the program again on the same stores, after a crash or a stop. */
static inline void restart(void)
{
    stop();
    fleet_destroy(f);
    assert_int_equal(fleet_create(&f), MU_OK);
    start();
}

static uint64_t next_tag;

static inline void report(uint32_t device, int64_t ts_us, const void *frame, size_t len)
{
    committer_report(c,
                     &(struct commit_item){
                         .sink = &sink.sink, .owner = device, .tag = ++next_tag, .device = device, .ts_us = ts_us },
                     frame, len);
}

/* Reports a frame of the fixture's definition. */
static inline void report_state(uint32_t device, int64_t ts_us, uint8_t on, uint8_t level, uint8_t alert, uint8_t fault)
{
    const uint8_t frame[] = { 0, 0, 0, 3, 8, 0, 0, 0x91, 4, on, level, alert, fault };
    report(device, ts_us, frame, sizeof(frame));
}

/* Whose sender is not told. */
static inline void login(uint32_t device, uint64_t session, int64_t ts_us, bool takeover)
{
    committer_login(c, &(struct commit_item){ .device = device, .ts_us = ts_us },
                    &(struct commit_login){ .session = session, .takeover = takeover, .keep_alive = 125 });
}

static inline void login_told(uint32_t device, uint64_t session, int64_t ts_us)
{
    committer_login(c,
                    &(struct commit_item){
                        .sink = &sink.sink, .owner = device, .tag = ++next_tag, .device = device, .ts_us = ts_us },
                    &(struct commit_login){ .session = session, .keep_alive = 125 });
}

static inline void end(uint32_t device, uint64_t session, int64_t ts_us, enum end_reason reason)
{
    committer_end(c, &(struct commit_end){ device, session, ts_us, 42, reason, { .count = 3 } });
}

/* Waits until everything handed over so far has been processed. */
static inline void settle(void)
{
    report_state(1, T0, 0, 0, 0, 0);
    pthread_mutex_lock(&sink.lock);
    while (!sink.flushed_at || sink.told[(sink.flushed_at - 1) % 20000].tag != next_tag)
        pthread_cond_wait(&sink.changed, &sink.lock);
    pthread_mutex_unlock(&sink.lock);
}

static inline struct fleet_device device(uint32_t no)
{
    struct fleet_device d;
    assert_true(fleet_device_by_no(f, no, &d));
    return d;
}

static inline const struct fake_records *records(void)
{
    return fake_journal_records(j);
}

static inline struct journal_message message(size_t i)
{
    assert_in_range(i, 0, records()->messages.count - 1);
    return records()->messages.at[i].m;
}

static inline struct journal_session session(size_t i)
{
    assert_in_range(i, 0, records()->sessions.count - 1);
    return records()->sessions.at[i].s;
}

static inline struct journal_state state_of(uint32_t no)
{
    for (size_t i = 0; i < records()->states.count; i++) {
        if (records()->states.at[i].device == no)
            return records()->states.at[i].s;
    }
    fail_msg("no state of device %u", no);
    return (struct journal_state){ 0 };
}

#define COMMITTER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

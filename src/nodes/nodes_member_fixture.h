#ifndef MUSTER_NODES_NODES_MEMBER_FIXTURE_H
#define MUSTER_NODES_NODES_MEMBER_FIXTURE_H

#include "nodes/nodes.h"

#include "base/unit_test.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "fleet/fleet_apply.h"
#include "journal/fake_journal.h"
#include "journal/journal_nodes.h"
#include "journal/postgres_journal.h"
#include "model/calendar.h"
#include "nodes/nodes_fixture.h"
#include "postgres/pg_fixture.h"
#include "registry/fake_registry.h"

/* Two nodes over one journal, with the real bus: each has a fleet and a committer of its own. A test runs over the journal in
 * memory and over PostgreSQL. */

enum { NODES_DEVICES = 20, FIRST_START = 1 };
/* No node is over because the machine is busy, but where a test waits for that. */
enum { LEASE_MS = 60000, SHORT_LEASE_MS = 6000 };

static char uri[PG_FIXTURE_URI];
static bool in_postgres; /* else the journal is in memory */
static int64_t lease_ms;
static struct registry *reg;
static struct calendar *calendar;

struct member {
    uint64_t boot;
    struct fleet *f;
    struct journal *j;
    struct nodes *nodes;
    struct committer *c;
    struct answer answers[NODES_DEVICES + 1];
    uint64_t session[NODES_DEVICES + 1]; /* that the test holds on this node; 0 = none */
    _Atomic bool deaf;                   /* does not do what others ask */
    _Atomic bool over, silent;
    pthread_t pausing;
    _Atomic int asked;
    _Atomic enum mu_err control_err;
    struct control_request *_Atomic unanswered;
};

static struct member a, b;

static inline int64_t now_us(void)
{
    return clock_wall_us();
}

/* Keeps the node's committer from committing, as if the process were stopped. */
static inline void wait_here(void *ctx)
{
    struct member *m = ctx;
    while (atomic_load(&m->silent))
        usleep(1000);
}

static inline void *pause_committer(void *ctx)
{
    struct member *m = ctx;
    committer_pause(m->c, wait_here, m);
    return NULL;
}

static inline void be_silent(struct member *m)
{
    atomic_store(&m->silent, true);
    assert_int_equal(pthread_create(&m->pausing, NULL, pause_committer, m), 0);
}

static inline void be_heard(struct member *m)
{
    if (atomic_exchange(&m->silent, false))
        pthread_join(m->pausing, NULL);
}

/* --- sessions of a node, as access would have them --------------------------------------------------*/

static inline void wait_for(struct answer *answer, int count)
{
    while (atomic_load(&answer->count) < count)
        usleep(100);
}

static inline struct commit_item item(struct member *m, uint32_t device)
{
    return (struct commit_item){ .sink = &m->answers[device].sink, .tag = 1, .device = device, .ts_us = now_us() };
}

static inline void begin_login(struct member *m, uint32_t device)
{
    static uint64_t last;
    struct commit_item at = item(m, device);

    m->session[device] = (uint64_t)now_us() + ++last;
    committer_login(m->c, &at, &(struct commit_login){ .session = m->session[device], .keep_alive = 125 });
}

static inline enum mu_err login(struct member *m, uint32_t device)
{
    int count = atomic_load(&m->answers[device].count);

    begin_login(m, device);
    wait_for(&m->answers[device], count + 1);
    return atomic_load(&m->answers[device].err);
}

static inline void end(struct member *m, uint32_t device, enum end_reason reason)
{
    uint64_t session = m->session[device];

    m->session[device] = 0;
    committer_end(m->c,
                  &(struct commit_end){ .device = device, .session = session, .ts_us = now_us(), .reason = reason });
}

static inline enum mu_err report(struct member *m, uint32_t device, uint8_t level, uint8_t alert, uint8_t fault)
{
    const uint8_t frame[] = { 0, 0, 0, 3, 8, 0, 0, 0x91, 4, 1, level, alert, fault };
    struct commit_item at = item(m, device);
    int count = atomic_load(&m->answers[device].count);

    committer_report(m->c, &at, frame, sizeof(frame));
    wait_for(&m->answers[device], count + 1);
    return atomic_load(&m->answers[device].err);
}

static inline void on_end_session(void *ctx, uint32_t device)
{
    struct member *m = ctx;

    atomic_fetch_add(&m->asked, 1);
    if (!atomic_load(&m->deaf) && m->session[device])
        end(m, device, END_FORCE);
}

static inline void on_over(void *ctx)
{
    atomic_store(&((struct member *)ctx)->over, true);
}

static inline void local_send(void *ctx, struct control_request *req)
{
    struct member *m = ctx;

    if (atomic_load(&m->deaf)) {
        assert_null(atomic_exchange(&m->unanswered, req));
        return;
    }
    assert_int_equal(req->frame_len, 3);
    assert_memory_equal(req->frame, "abc", 3);
    assert_true(req->enterprise == 5 && req->request == 6);
    req->done(req, m->session[req->device] ? atomic_load(&m->control_err) : MU_E_OFFLINE);
}

static inline bool local_is_connected(void *ctx, uint32_t device)
{
    return ((struct member *)ctx)->session[device] != 0;
}

/* --- nodes ------------------------------------------------------------------------------------------*/

static inline void begin_start(struct member *m, uint64_t boot, struct journal *j)
{
    struct nodes_options options = {
        .uri = uri, .lease_ms = lease_ms, .registry = reg, .ctx = m, .end_session = on_end_session, .over = on_over
    };

    *m = (struct member){ .boot = boot, .j = j };
    for (uint32_t i = 0; i <= NODES_DEVICES; i++)
        m->answers[i].sink = ANSWER_SINK;
    assert_int_equal(fleet_create(&m->f), MU_OK);
    options.fleet = m->f;
    options.journal = j;
    assert_int_equal(nodes_create(&m->nodes, &options), MU_OK);
}

static inline void end_start(struct member *m)
{
    struct control_port local = { .ctx = m, .send = local_send, .is_connected = local_is_connected };

    assert_int_equal(committer_start(&m->c, &(struct committer_options){ .fleet = m->f,
                                                                         .registry = reg,
                                                                         .journal = m->j,
                                                                         .calendar = calendar,
                                                                         .retry_ms = 20,
                                                                         .alive_ms = 200,
                                                                         .nodes = nodes_for_committer(m->nodes) }),
                     MU_OK);
    assert_int_equal(nodes_start(m->nodes, m->c, &local), MU_OK);
}

static inline void start(struct member *m, uint64_t boot, struct journal *j)
{
    begin_start(m, boot, j);
    end_start(m);
}

static inline void stop(struct member *m)
{
    if (!m->f)
        return;
    be_heard(m);
    nodes_stop(m->nodes);
    struct control_request *unanswered = atomic_load(&m->unanswered);
    if (unanswered)
        unanswered->done(unanswered, MU_E_CLOSED);
    committer_stop(m->c);
    nodes_destroy(m->nodes);
    fleet_destroy(m->f);
    journal_close(m->j);
    m->f = NULL;
}

static inline struct journal *open_first(void)
{
    struct postgres_journal_options options = { .shared = true, .clock_patience_s = -1 };
    struct journal *j;
    char why[300] = "";

    if (!in_postgres)
        return fake_journal_new_shared(FIRST_START);
    if (postgres_journal_open(&j, uri, &options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

static inline struct journal *open_next(uint64_t boot)
{
    return in_postgres ? open_first() : fake_journal_join(a.j, boot);
}

static inline void migrate(void)
{
    struct pg_settings settings = { .uri = uri, .schema = journal_schema.name, .event = "test_failed" };
    char why[300] = "";
    unsigned from;
    struct pg *pg;

    if (pg_open(&pg, &settings, why, sizeof(why)) != MU_OK ||
        pg_schema_migrate(pg, &journal_schema, &from, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    pg_close(pg);
}

static inline int start_two(int64_t lease)
{
    struct product_row product = fake_product(1);

    lease_ms = lease;
    pg_fixture_database(uri);
    migrate();
    reg = fake_registry_new();
    product.definition = 1;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 1, fake_definition);
    for (uint32_t no = 1; no < NODES_DEVICES; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
    }
    assert_int_equal(calendar_open(&calendar, "UTC"), MU_OK);
    start(&a, FIRST_START, open_first());
    start(&b, FIRST_START + 1, open_next(FIRST_START + 1));
    return 0;
}

static inline int two(void **state)
{
    (void)state;
    return start_two(LEASE_MS);
}

static inline int two_with_short_leases(void **state)
{
    (void)state;
    return start_two(SHORT_LEASE_MS);
}

static inline int none(void **state)
{
    (void)state;
    stop(&b);
    stop(&a);
    fake_registry_free(reg);
    calendar_free(calendar);
    return 0;
}

static inline struct fleet_device device(struct member *m, uint32_t no)
{
    struct fleet_device d;

    assert_true(fleet_device_by_no(m->f, no, &d));
    return d;
}

/* The other node shows it soon; the test's timeout ends it otherwise. */
#define WAIT_UNTIL(condition) \
    while (!(condition))      \
    usleep(1000)

/* --- running ----------------------------------------------------------------------------------------*/

#define TEST(f)             cmocka_unit_test_setup_teardown(f, two, none)
#define TEST_SHORT_LEASE(f) cmocka_unit_test_setup_teardown(f, two_with_short_leases, none)

static inline int start_in_postgres(void **state)
{
    in_postgres = true;
    return pg_fixture_start(state);
}

/* What main returns. */
static inline int run_over_both(const struct CMUnitTest *tests, size_t count)
{
    return _cmocka_run_group_tests("in memory", tests, count, pg_fixture_start, pg_fixture_stop) +
           _cmocka_run_group_tests("in PostgreSQL", tests, count, start_in_postgres, pg_fixture_stop);
}

#endif

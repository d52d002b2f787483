/* Several nodes over one journal in memory, with the real bus: each has a fleet and a committer of its own. */
#include "nodes/nodes.h"

#include "base/unit_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commit/device_image.h"
#include "commit/retention.h"
#include "fleet/fleet_apply.h"
#include "fleet/fleet_parts.h"
#include "journal/fake_journal.h"
#include "journal/journal_nodes.h"
#include "journal/postgres_journal.h"
#include "model/calendar.h"
#include "nodes/nodes_fixture.h"
#include "postgres/pg_fixture.h"
#include "registry/fake_registry.h"

enum { DEVICES = 20, FIRST_START = 1 };
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
    struct answer answers[DEVICES + 1];
    uint64_t session[DEVICES + 1]; /* that the test holds on this node; 0 = none */
    _Atomic bool deaf;             /* does not do what others ask */
    _Atomic bool over, silent;
    pthread_t pausing;
    _Atomic int asked;
    _Atomic enum mu_err control_err;
    struct control_request *_Atomic unanswered;
};

static struct member a, b;

static int64_t now_us(void)
{
    return clock_wall_us();
}

/* Keeps the node's committer from committing, as if the process were stopped. */
static void wait_here(void *ctx)
{
    struct member *m = ctx;
    while (atomic_load(&m->silent))
        usleep(1000);
}

static void *pause_committer(void *ctx)
{
    struct member *m = ctx;
    committer_pause(m->c, wait_here, m);
    return NULL;
}

static void be_silent(struct member *m)
{
    atomic_store(&m->silent, true);
    assert_int_equal(pthread_create(&m->pausing, NULL, pause_committer, m), 0);
}

static void be_heard(struct member *m)
{
    if (atomic_exchange(&m->silent, false))
        pthread_join(m->pausing, NULL);
}

/* --- sessions of a node, as access would have them --------------------------------------------------*/

static void wait_for(struct answer *answer, int count)
{
    while (atomic_load(&answer->count) < count)
        sched_yield();
}

static struct commit_item item(struct member *m, uint32_t device)
{
    return (struct commit_item){ .sink = &m->answers[device].sink, .tag = 1, .device = device, .ts_us = now_us() };
}

static void begin_login(struct member *m, uint32_t device)
{
    static uint64_t last;
    struct commit_item at = item(m, device);

    m->session[device] = (uint64_t)now_us() + ++last;
    committer_login(m->c, &at, &(struct commit_login){ .session = m->session[device], .keep_alive = 125 });
}

static enum mu_err login(struct member *m, uint32_t device)
{
    int count = atomic_load(&m->answers[device].count);

    begin_login(m, device);
    wait_for(&m->answers[device], count + 1);
    return atomic_load(&m->answers[device].err);
}

static void end(struct member *m, uint32_t device, enum end_reason reason)
{
    uint64_t session = m->session[device];

    m->session[device] = 0;
    committer_end(m->c,
                  &(struct commit_end){ .device = device, .session = session, .ts_us = now_us(), .reason = reason });
}

static enum mu_err report(struct member *m, uint32_t device, uint8_t level, uint8_t alert, uint8_t fault)
{
    const uint8_t frame[] = { 0, 0, 0, 3, 8, 0, 0, 0x91, 4, 1, level, alert, fault };
    struct commit_item at = item(m, device);
    int count = atomic_load(&m->answers[device].count);

    committer_report(m->c, &at, frame, sizeof(frame));
    wait_for(&m->answers[device], count + 1);
    return atomic_load(&m->answers[device].err);
}

static void on_end_session(void *ctx, uint32_t device)
{
    struct member *m = ctx;

    atomic_fetch_add(&m->asked, 1);
    if (!atomic_load(&m->deaf) && m->session[device])
        end(m, device, END_FORCE);
}

static void on_over(void *ctx)
{
    atomic_store(&((struct member *)ctx)->over, true);
}

static void local_send(void *ctx, struct control_request *req)
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

static bool local_is_connected(void *ctx, uint32_t device)
{
    return ((struct member *)ctx)->session[device] != 0;
}

/* --- nodes ------------------------------------------------------------------------------------------*/

static void begin_start(struct member *m, uint64_t boot, struct journal *j)
{
    struct nodes_options options = {
        .uri = uri, .lease_ms = lease_ms, .registry = reg, .ctx = m, .end_session = on_end_session, .over = on_over
    };

    *m = (struct member){ .boot = boot, .j = j };
    for (uint32_t i = 0; i <= DEVICES; i++)
        m->answers[i].sink = ANSWER_SINK;
    assert_int_equal(fleet_create(&m->f), MU_OK);
    options.fleet = m->f;
    options.journal = j;
    assert_int_equal(nodes_create(&m->nodes, &options), MU_OK);
}

static void end_start(struct member *m)
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

static void start(struct member *m, uint64_t boot, struct journal *j)
{
    begin_start(m, boot, j);
    end_start(m);
}

static void stop(struct member *m)
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

static struct journal *open_first(void)
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

static struct journal *open_next(uint64_t boot)
{
    return in_postgres ? open_first() : fake_journal_join(a.j, boot);
}

static void migrate(void)
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

static int start_two(int64_t lease)
{
    struct product_row product = fake_product(1);

    lease_ms = lease;
    pg_fixture_database(uri);
    migrate();
    reg = fake_registry_new();
    product.definition = 1;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 1, fake_definition);
    for (uint32_t no = 1; no < DEVICES; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
    }
    assert_int_equal(calendar_open(&calendar, "UTC"), MU_OK);
    start(&a, FIRST_START, open_first());
    start(&b, FIRST_START + 1, open_next(FIRST_START + 1));
    return 0;
}

static int two(void **state)
{
    (void)state;
    return start_two(LEASE_MS);
}

static int two_with_short_leases(void **state)
{
    (void)state;
    return start_two(SHORT_LEASE_MS);
}

static int none(void **state)
{
    (void)state;
    stop(&b);
    stop(&a);
    fake_registry_free(reg);
    calendar_free(calendar);
    return 0;
}

static struct fleet_device device(struct member *m, uint32_t no)
{
    struct fleet_device d;

    assert_true(fleet_device_by_no(m->f, no, &d));
    return d;
}

/* The other node shows it soon; the test's timeout ends it otherwise. */
#define WAIT_UNTIL(condition) \
    while (!(condition))      \
    usleep(1000)

/* --- following --------------------------------------------------------------------------------------*/

static void what_one_node_commits_the_other_shows(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_online);
    assert_true(device(&b, 1).open_boot == a.boot && device(&b, 1).activated_at == device(&a, 1).activated_at);
    assert_int_equal(report(&a, 1, 50, 1, 0), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_alert);
    struct fleet_device at_a = device(&a, 1), at_b = device(&b, 1);
    assert_true(at_b.last_report == at_a.last_report && at_b.last_message_us == at_a.last_message_us &&
                !at_b.is_faulty);
    assert_true(fleet_was_active(b.f, (int32_t)(at_a.last_report / 86400), 1));
    struct fleet_event event;
    assert_int_equal(fleet_open_events(b.f, 1, &event, 1), 1);
    assert_int_equal(report(&a, 1, 50, 0, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_faulty && !device(&b, 1).is_alert);
    assert_int_equal(fleet_open_events(b.f, 1, &event, 1), 1);
    end(&a, 1, END_TCP_CLOSED);
    WAIT_UNTIL(!device(&b, 1).is_online);
}

static void a_node_that_joins_later_shows_what_was_before(void **state)
{
    struct member late;

    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(login(&b, 2), MU_OK);
    assert_int_equal(report(&b, 2, 50, 1, 0), MU_OK);
    start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    assert_true(device(&late, 1).is_online && device(&late, 2).is_online && device(&late, 2).is_alert);
    assert_int_equal(login(&a, 3), MU_OK);
    WAIT_UNTIL(device(&late, 3).is_online);
    assert_int_equal(login(&late, 4), MU_OK);
    WAIT_UNTIL(device(&a, 4).is_online && device(&b, 4).is_online);
    end(&late, 4, END_TCP_CLOSED);
    stop(&late);
    WAIT_UNTIL(!device(&a, 4).is_online);
}

static void what_is_registered_through_one_node_is_known_to_all_when_it_is_answered(void **state)
{
    struct fleet_device d;
    char did[DID_LEN + 1];

    (void)state;
    for (uint32_t no = DEVICES; no < DEVICES + 100; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
        assert_int_equal(committer_follow_registry(a.c), MU_OK);
        fake_did(did, no);
        assert_true(fleet_device_by_did(b.f, str_of(did), &d));
    }
}

/* --- starting ---------------------------------------------------------------------------------------*/

static enum mu_err find_boot(void *ctx, const struct journal_node *node)
{
    struct journal_node *wanted = ctx;

    if (node->boot == wanted->boot)
        *wanted = *node;
    return MU_OK;
}

/* Its last sign of life; -1: it is over. */
static int64_t alive_us(uint64_t boot)
{
    struct journal_node node = { .boot = boot, .alive_us = -1 };

    assert_int_equal(journal_nodes(a.j, find_boot, &node), MU_OK);
    return node.alive_us;
}

static bool lives(uint64_t boot)
{
    return alive_us(boot) >= 0;
}

static void a_start_that_takes_longer_than_a_lease_is_not_over(void **state)
{
    struct member late;
    int64_t began_ms = clock_mono_ms();

    (void)state;
    begin_start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    WAIT_UNTIL(clock_mono_ms() - began_ms > SHORT_LEASE_MS + NODES_ALIVE_MS);
    assert_true(lives(late.boot));
    end_start(&late);
    assert_int_equal(login(&late, 3), MU_OK);
    WAIT_UNTIL(device(&a, 3).is_online);
    stop(&late);
}

static void a_start_that_dies_before_it_is_ready_is_over_after_its_lease(void **state)
{
    (void)state;
    struct journal *j = open_next(FIRST_START + 2);

    assert_true(lives(FIRST_START + 2));
    WAIT_UNTIL(!lives(FIRST_START + 2));
    journal_close(j);
}

static void end_boot(uint64_t boot)
{
    while (lives(boot))
        (void)!journal_end_boot(a.j, boot, alive_us(boot));
}

static void a_start_that_others_have_ended_learns_it_before_it_is_ready(void **state)
{
    struct member late;

    (void)state;
    begin_start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    end_boot(late.boot);
    WAIT_UNTIL(atomic_load(&late.over));
    stop(&late);
}

static size_t known_to(const struct member *m)
{
    struct node_view seen[NODES_SHOWN];

    return nodes_view(m->nodes, seen, NODES_SHOWN);
}

static void a_write_does_not_wait_for_a_node_that_still_starts(void **state)
{
    struct device_row row = fake_device(DEVICES, 1);
    struct member late;

    (void)state;
    begin_start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    WAIT_UNTIL(known_to(&a) == 3);
    int64_t began_ms = clock_mono_ms();
    fake_put_device(reg, &row);
    assert_int_equal(committer_follow_registry(a.c), MU_OK);
    assert_true(clock_mono_ms() - began_ms < LEASE_MS / 2);
    end_start(&late);
    stop(&late);
}

struct registrations {
    _Atomic bool stop;
    _Atomic uint32_t acknowledged; /* the device that was registered last */
};

static void *register_devices(void *ctx)
{
    struct registrations *w = ctx;

    for (uint32_t no = DEVICES; !atomic_load(&w->stop); no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
        assert_int_equal(committer_follow_registry(a.c), MU_OK);
        atomic_store(&w->acknowledged, no);
    }
    return NULL;
}

static void a_node_that_has_started_knows_all_that_others_have_acknowledged(void **state)
{
    struct registrations w = { 0 };
    struct fleet_device d;
    struct member late;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, register_devices, &w), 0);
    WAIT_UNTIL(atomic_load(&w.acknowledged));
    for (uint64_t boot = FIRST_START + 2; boot < FIRST_START + 5; boot++) {
        start(&late, boot, open_next(boot));
        for (int64_t until_ms = clock_mono_ms() + 300; clock_mono_ms() < until_ms;) {
            uint32_t no = atomic_load(&w.acknowledged);
            assert_true(fleet_device_by_no(late.f, no, &d));
        }
        stop(&late);
        end_boot(boot);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
}

struct starter {
    struct member *own;
    struct journal *journal;
    uint64_t boot;
    uint32_t first;             /* of the devices that it registers */
    _Atomic bool answers, done; /* it has started; it answers nothing more */
    struct starter *beside;
};

/* What one of them acknowledges, the other knows as soon as it answers. */
static void *start_and_register(void *ctx)
{
    struct starter *s = ctx;
    struct fleet_device d;

    start(s->own, s->boot, s->journal);
    atomic_store(&s->answers, true);
    for (uint32_t no = s->first; no < s->first + 30; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
        assert_int_equal(committer_follow_registry(s->own->c), MU_OK);
        assert_true(!atomic_load(&s->beside->answers) || fleet_device_by_no(s->beside->own->f, no, &d));
    }
    atomic_store(&s->done, true);
    WAIT_UNTIL(atomic_load(&s->beside->done));
    return NULL;
}

static void two_that_start_together_know_what_each_acknowledges(void **state)
{
    struct member members[2];
    struct starter s[2] = { { .boot = FIRST_START + 2, .first = DEVICES }, { .boot = FIRST_START + 3, .first = 1000 } };
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        s[i].own = &members[i];
        s[i].beside = &s[1 - i];
        s[i].journal = open_next(s[i].boot);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start_and_register, &s[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        stop(&members[i]);
        end_boot(s[i].boot);
    }
}

/* --- sessions ---------------------------------------------------------------------------------------*/

struct seen {
    struct journal_session sessions[100];
    size_t session_count;
    uint64_t messages[100];
    size_t message_count;
};

static enum mu_err on_session(void *ctx, const struct journal_session *s)
{
    struct seen *seen = ctx;
    seen->sessions[seen->session_count++] = *s;
    return MU_OK;
}

static enum mu_err on_message(void *ctx, const struct journal_message *m)
{
    struct seen *seen = ctx;
    seen->messages[seen->message_count++] = m->number;
    return MU_OK;
}

static struct seen records(struct member *m, uint32_t no)
{
    struct journal_window all = { .to_us = INT64_MAX, .limit = 100 };
    struct seen seen = { .session_count = 0 };
    uint64_t total;

    assert_int_equal(journal_sessions(m->j, no, &all, on_session, &seen, &total), MU_OK);
    assert_int_equal(journal_messages(m->j, no, &all, on_message, &seen, &total), MU_OK);
    return seen;
}

static void a_device_moves_after_its_old_node_has_ended_its_session(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct member *from = i % 2 ? &b : &a, *to = i % 2 ? &a : &b;
        if (!i)
            assert_int_equal(login(from, 1), MU_OK);
        assert_int_equal(report(from, 1, (uint8_t)i, 0, 0), MU_OK);
        assert_int_equal(login(to, 1), MU_OK);
        assert_int_equal(from->session[1], 0);
        assert_true(device(to, 1).is_online && device(to, 1).open_boot == to->boot);
    }
    struct seen seen = records(&a, 1);
    assert_int_equal(seen.session_count, 41);
    for (size_t i = 0; i < seen.session_count; i++) {
        const struct journal_session *s = &seen.sessions[i];
        assert_true(s->number == i + 1 && s->end == (i % 2 == 1));
        assert_true(!s->end || s->reason == END_FORCE);
    }
    assert_int_equal(seen.message_count, 20);
    for (size_t i = 0; i < seen.message_count; i++)
        assert_int_equal(seen.messages[i], i + 1);
}

static void a_login_whose_connection_breaks_while_it_waits_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    atomic_store(&a.deaf, true);
    begin_login(&b, 1);
    WAIT_UNTIL(atomic_load(&a.asked) > 0);
    end(&b, 1, END_TCP_CLOSED);
    wait_for(&b.answers[1], 1);
    assert_int_equal(atomic_load(&b.answers[1].err), MU_E_CLOSED);
    assert_true(device(&a, 1).is_online);
    end(&a, 1, END_TCP_CLOSED);
    assert_int_equal(login(&b, 1), MU_OK);
    assert_int_equal(records(&b, 1).session_count, 3);
}

/* All at once, as after a network has come back: half of the devices go from one node to the other, half the other way. */
static void devices_that_go_both_ways_at_once_are_all_let_in(void **state)
{
    enum { HALF = DEVICES / 2 };

    (void)state;
    for (uint32_t no = 1; no < DEVICES; no++)
        assert_int_equal(login(no < HALF ? &a : &b, no), MU_OK);
    for (int round = 0; round < 40; round++) {
        for (uint32_t no = 1; no < DEVICES; no++)
            begin_login((no < HALF) == (round % 2 == 0) ? &b : &a, no);
        for (uint32_t no = 1; no < DEVICES; no++) {
            struct member *to = (no < HALF) == (round % 2 == 0) ? &b : &a;
            wait_for(&to->answers[no], round / 2 + 1 + (to == (no < HALF ? &a : &b)));
            assert_int_equal(atomic_load(&to->answers[no].err), MU_OK);
        }
    }
}

/* What the other node commits meanwhile is no reason to ask the store again. */
static void a_login_that_waits_asks_the_store_once_a_second(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    atomic_store(&a.deaf, true);
    int64_t began_ms = clock_mono_ms();
    begin_login(&b, 1);
    WAIT_UNTIL(atomic_load(&a.asked) > 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(login(&a, 2), MU_OK);
        end(&a, 2, END_TCP_CLOSED);
    }
    if (!in_postgres)
        assert_in_range(fake_journal_claims(b.j), 1, 2 + (clock_mono_ms() - began_ms) / 1000);
    end(&a, 1, END_TCP_CLOSED);
    wait_for(&b.answers[1], 1);
    assert_int_equal(atomic_load(&b.answers[1].err), MU_OK);
}

static void when_a_node_dies_its_devices_are_offline_and_can_log_in_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(login(&a, 2), MU_OK);
    WAIT_UNTIL(device(&b, 2).is_online);
    be_silent(&a);
    atomic_store(&a.deaf, true);
    assert_int_equal(login(&b, 1), MU_OK); /* it waits for the end of the lease */
    WAIT_UNTIL(!device(&b, 2).is_online);
    struct seen seen = records(&b, 1);
    assert_int_equal(seen.session_count, 3);
    assert_true(seen.sessions[1].end && seen.sessions[1].reason == END_EXCEPTION);
    assert_true(!seen.sessions[2].end && seen.sessions[2].number == 3);
    be_heard(&a);
    WAIT_UNTIL(atomic_load(&a.over));
    assert_int_equal(report(&a, 1, 9, 0, 0), MU_E_OVER);
}

/* --- reading a device of another node ----------------------------------------------------------------*/

/* The level that a control through this node starts from; -1: none. */
static int level_at(struct member *m, uint32_t no)
{
    struct point_value values[4];
    struct device_image image;
    struct fleet_device d = device(m, no);
    int level = -1;

    assert_int_equal(device_image_read(m->f, m->j, &d, &image), MU_OK);
    if (image.definition) {
        datapoint_state_values(image.definition->plan, image.bytes.data, values);
        level = values[1].set ? (int)values[1].x : -1;
    }
    device_image_free(&image);
    return level;
}

/* Its state is written only now and then, when it reports as often as here. */
static void what_was_acknowledged_through_one_node_is_read_through_another_at_once(void **state)
{
    (void)state;
    assert_int_equal(level_at(&b, 1), -1);
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(level_at(&b, 1), -1);
    for (uint8_t level = 1; level <= 50; level++) {
        assert_int_equal(report(&a, 1, level, 0, 0), MU_OK);
        assert_int_equal(level_at(&a, 1), level);
        assert_int_equal(level_at(&b, 1), level);
        assert_int_equal(records(&b, 1).message_count, level);
    }
    assert_int_equal(login(&b, 1), MU_OK);
    assert_int_equal(level_at(&b, 1), 50);
    assert_int_equal(report(&b, 1, 51, 0, 0), MU_OK);
    assert_int_equal(level_at(&a, 1), 51);
    assert_int_equal(level_at(&b, 1), 51);
}

/* --- keeping house ----------------------------------------------------------------------------------*/

enum { KEEP_DAYS = 400 };
static const int64_t DAY_US = INT64_C(86400) * 1000000;

static enum mu_err count_entry(void *ctx, int32_t day, uint32_t no)
{
    (void)day;
    (void)no;
    ++*(unsigned *)ctx;
    return MU_OK;
}

static unsigned single_entries(void)
{
    unsigned count = 0;
    struct journal_visitor v = { .ctx = &count, .active = count_entry };

    assert_int_equal(journal_visit(a.j, &v), MU_OK);
    return count;
}

/* A node folds what is on record, whether or not it has followed it: the one that folds here follows nobody. */
static void a_finished_day_is_folded_with_what_all_nodes_have_written(void **state)
{
    struct member late;
    int32_t today;

    (void)state;
    be_silent(&b);
    for (uint32_t no = 1; no <= 3; no++) {
        assert_int_equal(login(&a, no), MU_OK);
        assert_int_equal(report(&a, no, 1, 0, 0), MU_OK);
        today = (int32_t)(device(&a, no).last_report / 86400);
        assert_int_equal(retention_keep_days(b.j, today, KEEP_DAYS), MU_OK);
        assert_int_equal(single_entries(), 1);
        assert_int_equal(retention_keep_days(b.j, today + 1, KEEP_DAYS), MU_OK);
        assert_int_equal(single_entries(), 0);
    }
    be_heard(&b);
    start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    for (uint32_t no = 1; no <= 3; no++)
        assert_true(fleet_was_active(late.f, today, no));
    assert_false(fleet_was_active(late.f, today, 4));
    stop(&late);

    assert_int_equal(retention_keep_days(b.j, today + KEEP_DAYS, KEEP_DAYS), MU_OK);
    start(&late, FIRST_START + 3, open_next(FIRST_START + 3));
    assert_false(fleet_was_active(late.f, today, 1));
    stop(&late);
}

/* All events of a device that a node's index counts. */
static uint32_t events_at(const struct member *m, uint32_t no)
{
    const struct events *events = &catalog_product(m->f, 1)->events;
    uint32_t count = 0;

    fleet_read_lock(m->f);
    for (uint32_t i = 1; i < events->count; i++)
        count += events->at[i].device == no ? events->at[i].total : 0;
    fleet_unlock(m->f);
    return count;
}

static void run_retention(void *ctx)
{
    const struct member *m = ctx;
    struct retention r = { .fleet = m->f,
                           .journal = m->j,
                           .today = (int32_t)(now_us() / DAY_US),
                           .now_us = now_us() + (KEEP_DAYS + 1) * DAY_US,
                           .keep_days = KEEP_DAYS,
                           .nodes = nodes_for_committer(m->nodes) };

    assert_int_equal(journal_batch_create(&r.writes, m->j), MU_OK);
    assert_int_equal(retention_run(&r), MU_OK);
    journal_batch_destroy(r.writes);
}

static void one_node_drops_old_events_and_all_forget_them(void **state)
{
    (void)state;
    assert_true(nodes_keeps_house(a.nodes) && !nodes_keeps_house(b.nodes));
    for (uint32_t no = 1; no <= 2; no++) {
        struct member *m = no == 1 ? &a : &b;
        assert_int_equal(login(m, no), MU_OK);
        assert_int_equal(report(m, no, 1, 1, 1), MU_OK);
        assert_int_equal(report(m, no, 1, 0, 1), MU_OK);
        WAIT_UNTIL(events_at(&a, no) == 2 && events_at(&b, no) == 2 && !device(&a, no).is_alert);
    }
    committer_pause(b.c, run_retention, &b);
    assert_int_equal(events_at(&b, 2), 2);
    committer_pause(a.c, run_retention, &a);
    for (uint32_t no = 1; no <= 2; no++) {
        WAIT_UNTIL(events_at(&a, no) == 1 && events_at(&b, no) == 1); /* the fault is open */
    }
    assert_int_equal(report(&b, 2, 1, 1, 0), MU_OK);
    WAIT_UNTIL(events_at(&a, 2) == 2);
    assert_int_equal(events_at(&b, 2), 2);
}

/* --- controls ---------------------------------------------------------------------------------------*/

struct control {
    struct control_request req;
    _Atomic int done;
    enum mu_err err;
};

static void on_control_done(struct control_request *req, enum mu_err err)
{
    struct control *c = (struct control *)req;

    c->err = err;
    atomic_store(&c->done, 1);
}

static enum mu_err control(struct member *m, uint32_t device_no)
{
    struct control_port port = nodes_control_port(m->nodes);
    struct control c = { .req = { .device = device_no,
                                  .enterprise = 5,
                                  .request = 6,
                                  .frame = (const uint8_t *)"abc",
                                  .frame_len = 3,
                                  .done = on_control_done } };

    port.send(port.ctx, &c.req);
    WAIT_UNTIL(atomic_load(&c.done));
    return c.err;
}

static void a_control_reaches_a_device_of_another_node_and_its_outcome_comes_back(void **state)
{
    struct control_port port = nodes_control_port(b.nodes);

    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_online);
    assert_true(port.is_connected(port.ctx, 1));
    assert_false(port.is_connected(port.ctx, 2));
    assert_int_equal(control(&b, 1), MU_OK);
    assert_int_equal(control(&a, 1), MU_OK);
    assert_int_equal(control(&b, 2), MU_E_OFFLINE);
    atomic_store(&a.control_err, MU_E_LIMIT);
    assert_int_equal(control(&b, 1), MU_E_LIMIT);
}

static void a_control_to_a_node_that_does_not_answer_fails(void **state)
{
    (void)state;
    assert_int_equal(login(&a, 1), MU_OK);
    WAIT_UNTIL(device(&b, 1).is_online);
    atomic_store(&a.deaf, true);
    be_silent(&a);
    assert_int_equal(control(&b, 1), MU_E_CLOSED);
}

/* --- quotas -----------------------------------------------------------------------------------------*/

static enum quota_taken call(struct member *m, uint32_t limit)
{
    char id[ID_HEX_LEN + 1];
    struct quota_view v;
    bool ask;

    fake_hex(id, 1);
    struct fleet_enterprise *e = fleet_enterprise_by_id(m->f, str_of(id));
    assert_non_null(e);
    enum quota_taken taken = quota_take_shared(e->quota, &e->share, limit, clock_wall_s(), &v, &ask);
    if (ask)
        nodes_ask_quota(m->nodes);
    return taken;
}

static void a_quota_is_spent_over_all_nodes_and_not_more(void **state)
{
    enum { LIMIT = 3600 };
    struct enterprise_row row = fake_enterprise(1);
    uint32_t allowed = 0, refused = 0;

    (void)state;
    row.hourly_quota = LIMIT;
    fake_put_enterprise(reg, &row);
    assert_int_equal(committer_follow_registry(a.c), MU_OK);
    if (clock_wall_s() % 3600 >= 3540) /* the test is about one hour */
        sleep((unsigned)(3601 - clock_wall_s() % 3600));
    for (uint32_t i = 0; refused < 300 && i < 1000000; i++) {
        if (call(i % 4 ? &a : &b, LIMIT) == QUOTA_TAKEN) {
            allowed++;
            refused = 0;
        } else {
            refused++;
            usleep(10000); /* long enough for what an idle node gives back: three seconds in all */
        }
    }
    assert_in_range(allowed, LIMIT - LIMIT / 50, LIMIT + 2);
}

/* What answers come late, or not at all, allows nobody more. */
static void a_quota_is_not_exceeded_while_nobody_grants(void **state)
{
    enum { LIMIT = 3600 };
    struct enterprise_row row = fake_enterprise(1);
    uint32_t allowed = 0;

    (void)state;
    row.hourly_quota = LIMIT;
    fake_put_enterprise(reg, &row);
    assert_int_equal(committer_follow_registry(a.c), MU_OK);
    if (clock_wall_s() % 3600 > 3590) /* the test is about one hour */
        sleep(11);
    for (uint32_t i = 0; allowed < LIMIT - 10; i++)
        if (call(i % 2 ? &a : &b, LIMIT) == QUOTA_TAKEN)
            allowed++;
        else
            usleep(1000);
    if (in_postgres)
        pg_fixture_sql(uri, "ALTER TABLE journal.calls RENAME TO away");
    else
        fake_journal_fail(a.j, MU_E_IO);
    for (uint32_t i = 0; i < 400; i++) {
        allowed += call(i % 2 ? &a : &b, LIMIT) == QUOTA_TAKEN;
        usleep(1000);
    }
    assert_in_range(allowed, LIMIT - 10, LIMIT + 2);
    if (!in_postgres)
        fake_journal_fail(a.j, MU_OK);
}

#define TEST(f)             cmocka_unit_test_setup_teardown(f, two, none)
#define TEST_SHORT_LEASE(f) cmocka_unit_test_setup_teardown(f, two_with_short_leases, none)

static int start_in_postgres(void **state)
{
    in_postgres = true;
    return pg_fixture_start(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_one_node_commits_the_other_shows),
        TEST(a_node_that_joins_later_shows_what_was_before),
        TEST(what_is_registered_through_one_node_is_known_to_all_when_it_is_answered),
        TEST_SHORT_LEASE(a_start_that_takes_longer_than_a_lease_is_not_over),
        TEST_SHORT_LEASE(a_start_that_dies_before_it_is_ready_is_over_after_its_lease),
        TEST(a_start_that_others_have_ended_learns_it_before_it_is_ready),
        TEST(a_write_does_not_wait_for_a_node_that_still_starts),
        TEST(two_that_start_together_know_what_each_acknowledges),
        TEST(a_node_that_has_started_knows_all_that_others_have_acknowledged),
        TEST(a_device_moves_after_its_old_node_has_ended_its_session),
        TEST(a_login_whose_connection_breaks_while_it_waits_leaves_nothing),
        TEST(devices_that_go_both_ways_at_once_are_all_let_in),
        TEST(a_login_that_waits_asks_the_store_once_a_second),
        TEST_SHORT_LEASE(when_a_node_dies_its_devices_are_offline_and_can_log_in_elsewhere),
        TEST(what_was_acknowledged_through_one_node_is_read_through_another_at_once),
        TEST(a_finished_day_is_folded_with_what_all_nodes_have_written),
        TEST(one_node_drops_old_events_and_all_forget_them),
        TEST(a_control_reaches_a_device_of_another_node_and_its_outcome_comes_back),
        TEST(a_control_to_a_node_that_does_not_answer_fails),
        TEST(a_quota_is_spent_over_all_nodes_and_not_more),
        TEST(a_quota_is_not_exceeded_while_nobody_grants),
    };
    return cmocka_run_group_tests_name("nodes, in memory", tests, pg_fixture_start, pg_fixture_stop) +
           cmocka_run_group_tests_name("nodes, in PostgreSQL", tests, start_in_postgres, pg_fixture_stop);
}

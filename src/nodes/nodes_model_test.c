/* Several nodes over one journal in memory, driven step by step in a random order: sessions that begin, end and move,
 * reports, versions, histories, clocks that differ, nodes that are killed and start again, and nodes that follow the others
 * late, one before another, or while they commit something themselves. There is no bus, and no node follows by itself. At
 * the end all follow to the last delta. Then each index must be what a new node reads from the journal, and the journal
 * must hold what the devices did: no event twice, none with another end. */
#include "nodes/nodes_private.h"

#include "base/unit_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commit/device_image.h"
#include "commit/retention.h"
#include "fleet/fleet_parts.h"
#include "journal/fake_journal.h"
#include "model/calendar.h"
#include "nodes/nodes_fixture.h"
#include "registry/fake_registry.h"

enum { DEVICES = 6, NODES = 3, SEEDS = 60, STEPS = 600, POINTS = 5, TEXT = 16000 };

struct model_node {
    struct fleet *f;
    struct journal *j;
    struct nodes *nodes;
    struct committer *c;
    struct answer answer;
    uint64_t session[DEVICES + 1]; /* that this node holds; 0 = none */
    int64_t ahead_us;              /* its clock */
};

/* What a device did. */
struct known {
    struct model_node *holder;
    uint64_t reports, sessions;
    uint64_t forgotten; /* events that this message or one before resolved are no longer kept */
    struct journal_versions versions;
    bool told[VERSION_COUNT]; /* by the device itself */
};

static struct model_node nodes[NODES], late;
static struct known devices[DEVICES + 1];
static struct journal *first; /* keeps the store */
static uint32_t last_definition;
static uint64_t last_boot, last_session, last_text;
static struct registry *reg;
static struct calendar *calendar;
static unsigned seed, step, state;

static unsigned any(unsigned below)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

/* --- one node ---------------------------------------------------------------------------------------*/

static void on_end_session(void *ctx, uint32_t device)
{
    (void)ctx;
    (void)device;
}

static void on_over(void *ctx)
{
    (void)ctx;
}

static struct commit_item item(struct model_node *m, uint32_t no)
{
    return (
        struct commit_item){ .sink = &m->answer.sink, .tag = 1, .device = no, .ts_us = clock_wall_us() + m->ahead_us };
}

static void answered(struct model_node *m, int count)
{
    committer_hurry(m->c);
    while (atomic_load(&m->answer.count) < count)
        usleep(100);
    if (atomic_load(&m->answer.err) != MU_OK)
        fail_msg("seed %u, step %u: %s", seed, step, mu_err_text(atomic_load(&m->answer.err)));
}

/* Hands something over by `call` and waits until it is committed. */
#define COMMIT(m, call)                               \
    do {                                              \
        int count_ = atomic_load(&(m)->answer.count); \
        call;                                         \
        answered(m, count_ + 1);                      \
    } while (0)

/* To be followed by committer_start and show_living. */
static void join(struct model_node *m)
{
    struct nodes_options options = { .registry = reg, .ctx = m, .end_session = on_end_session, .over = on_over };

    *m = (struct model_node){ .j = fake_journal_join(first, ++last_boot) };
    m->ahead_us = (int64_t[]){ 0, 0, 20, 90 }[any(4)] * 1000000;
    m->answer.sink = ANSWER_SINK;
    assert_int_equal(fleet_create(&m->f), MU_OK);
    options.fleet = m->f;
    options.journal = m->j;
    assert_int_equal(nodes_create(&m->nodes, &options), MU_OK);
    nodes_stop(m->nodes); /* what its thread does is done here */
}

static void load(struct model_node *m)
{
    struct committer_options options = { .fleet = m->f,
                                         .registry = reg,
                                         .journal = m->j,
                                         .calendar = calendar,
                                         .alive_ms = 3600 * 1000,
                                         .ask_ms = 1,
                                         .retry_ms = 1,
                                         .told_pause_ms = 1,
                                         .kept_pause_ms = 1,
                                         .nodes = nodes_for_committer(m->nodes) };

    assert_int_equal(committer_start(&m->c, &options), MU_OK);
    m->nodes->committer = m->c;
}

static void stop(struct model_node *m)
{
    if (!m->c)
        return;
    committer_stop(m->c);
    nodes_destroy(m->nodes);
    fleet_destroy(m->f);
    journal_close(m->j);
    *m = (struct model_node){ 0 };
}

static struct model_node *any_node(void)
{
    struct model_node *m;

    do
        m = &nodes[any(NODES)];
    while (!m->c);
    return m;
}

/* --- what devices do --------------------------------------------------------------------------------*/

static void end(uint32_t no, enum end_reason reason)
{
    struct model_node *m = devices[no].holder;
    struct commit_item at = item(m, no);

    committer_end(m->c,
                  &(struct commit_end){ .device = no, .session = m->session[no], .ts_us = at.ts_us, .reason = reason });
    COMMIT(m, committer_pass(m->c, &at));
    m->session[no] = 0;
    devices[no].holder = NULL;
    devices[no].sessions++;
}

static void wait_until_it_waits(struct model_node *m)
{
    struct committer_figures figures;

    do
        committer_get_figures(m->c, &figures);
    while (!figures.waiting_logins);
}

/* Returns how many answers there were before. */
static int begin_login(uint32_t no, struct model_node *m)
{
    struct commit_item at = item(m, no);
    int count = atomic_load(&m->answer.count);

    m->session[no] = (uint64_t)at.ts_us + ++last_session;
    committer_login(m->c, &at, &(struct commit_login){ .session = m->session[no], .keep_alive = 125 });
    committer_hurry(m->c);
    return count;
}

/* The store fails after the claim has got the device's state, or at the commit. */
static void login_in_vain(uint32_t no, struct model_node *m)
{
    fake_journal_fail(first, MU_E_IO);
    int count = begin_login(no, m);
    while (atomic_load(&m->answer.count) == count)
        usleep(100);
    assert_int_equal(atomic_load(&m->answer.err), MU_E_IO);
    m->session[no] = 0;
    fake_journal_fail(first, MU_OK);
    while (committer_failing(m->c) != MU_OK)
        usleep(500);
}

/* With or without an order to end the old session first: another node's session makes the login wait. */
static void login(uint32_t no, struct model_node *m)
{
    struct model_node *old = devices[no].holder;
    bool waits = old && old != m && m->ahead_us < CLOCK_STEP_US && any(2);
    if (old && !waits)
        end(no, old == m ? END_FORCE : END_TCP_CLOSED);
    int count = begin_login(no, m);
    if (waits) {
        wait_until_it_waits(m);
        end(no, END_FORCE);
    }
    answered(m, count + 1);
    devices[no].holder = m;
    devices[no].sessions++;
}

enum { LEVEL = 4, ALERT = 8, FAULT = 16 }; /* bits of the points in fake_definition_2 */

/* Some of the points, each only if it is told. */
static void begin_report(uint32_t no)
{
    struct model_node *m = devices[no].holder;
    struct commit_item at = item(m, no);
    uint8_t told = (uint8_t)((1 + any(7)) << 2), bits = (uint8_t)((any(3) == 0) | (any(3) == 0) << 1);
    uint8_t frame[] = { 0, 0, 0, 3, 0, 0, 0, 0x91, 0x14, told, 0, 0 };
    size_t len = 10;

    if (told & (ALERT | FAULT))
        frame[len++] = (told & ALERT) && (told & FAULT) ? bits : bits & 1;
    if (told & LEVEL)
        frame[len++] = (uint8_t)any(256);
    frame[4] = (uint8_t)(len - 5);
    committer_report(m->c, &at, frame, len);
}

static void report(uint32_t no)
{
    COMMIT(devices[no].holder, begin_report(no));
    devices[no].reports++;
}

static void tell_versions(uint32_t no)
{
    struct model_node *m = any_node();
    struct commit_item at = item(m, no);
    struct journal_versions v = { 0 };
    unsigned which = any(VERSION_COUNT);

    snprintf(v.text[which], sizeof(v.text[which]), "%" PRIu64, ++last_text);
    COMMIT(m, committer_versions(m->c, &at, &v));
    memcpy(devices[no].versions.text[which], v.text[which], sizeof(v.text[which]));
    devices[no].told[which] = true;
}

/* Nodes that have not followed each other may both take in another past version: then the first one stays. */
static void tell_history(uint32_t no)
{
    struct model_node *m = any_node();
    struct commit_item at = item(m, no);
    int64_t now = at.ts_us / 1000000;
    struct commit_history h = { .activated_at = now - 1000 - any(1000) };
    int32_t days[] = { (int32_t)(now / 86400) - (int32_t)any(10) };
    unsigned which = any(VERSION_COUNT);

    if (any(2))
        h.last_report = now - 500 - any(10);
    if (any(2))
        h.online_latest = now - 500 - any(10);
    snprintf(h.versions.text[which], sizeof(h.versions.text[which]), "past %" PRIu64, ++last_text);
    COMMIT(m, committer_history(m->c, &at, &h, days, any(2)));
    if (!devices[no].versions.text[which][0])
        memcpy(devices[no].versions.text[which], h.versions.text[which], sizeof(h.versions.text[which]));
}

static void do_something(uint32_t no)
{
    switch (any(8)) {
    case 0:
    case 1: login(no, any_node()); break;
    case 2:
        if (devices[no].holder)
            end(no, END_TCP_CLOSED);
        break;
    case 3: tell_versions(no); break;
    case 4:
        if (any(3) == 0)
            tell_history(no);
        else if (!devices[no].holder && any(2))
            login_in_vain(no, any_node());
        break;
    default:
        for (unsigned n = devices[no].holder ? 1 + any(3) : 0; n; n--)
            report(no);
    }
}

/* --- what nodes do ----------------------------------------------------------------------------------*/

static void do_meanwhile(void *ctx)
{
    (void)ctx;
    for (unsigned n = any(4); n; n--)
        do_something(1 + any(DEVICES));
}

static void follow(struct model_node *m, struct other_node *of)
{
    assert_int_equal(nodes_follow_deltas(m->nodes, of->boot, &of->position, UINT64_MAX), MU_OK);
}

static void follow_somebody(struct model_node *m)
{
    if (any(2))
        nodes_look(m->nodes);
    if (!m->nodes->count)
        return;
    if (any(3) == 0)
        fake_journal_meanwhile(m->j, do_meanwhile, NULL);
    follow(m, &m->nodes->at[any(m->nodes->count)]);
    fake_journal_meanwhile(m->j, NULL, NULL);
}

static enum mu_err count_message(void *ctx, const struct journal_message *m)
{
    (void)m;
    ++*(uint64_t *)ctx;
    return MU_OK;
}

/* Of reports that nobody has acknowledged some may be on record: those that came first. */
static void count_reports(uint32_t no, uint64_t sent)
{
    struct journal_window all = { .to_us = INT64_MAX, .limit = UINT64_MAX };
    uint64_t total, count = 0;

    assert_int_equal(journal_messages(first, no, &all, count_message, &count, &total), MU_OK);
    assert_in_range(count, devices[no].reports, devices[no].reports + sent);
    devices[no].reports = count;
}

/* Nobody sees its devices leave. Until it is declared over, everybody looks. */
static void kill_node(struct model_node *m)
{
    for (unsigned i = 0; i < NODES; i++)
        if (nodes[i].c)
            nodes_look(nodes[i].nodes);
    for (uint32_t no = 1; no <= DEVICES; no++) {
        if (devices[no].holder != m)
            continue;
        begin_report(no);
        begin_report(no);
    }
    usleep(any(2000));
    fake_journal_end(m->j);
    for (uint32_t no = 1; no <= DEVICES; no++) {
        if (devices[no].holder != m)
            continue;
        count_reports(no, 2);
        devices[no].holder = NULL;
        devices[no].sessions++; /* its end is on record before the next login */
    }
    stop(m);
}

static void start_node(struct model_node *m)
{
    join(m);
    do_meanwhile(NULL);
    fake_journal_meanwhile(m->j, do_meanwhile, NULL);
    load(m);
    do_meanwhile(NULL);
    nodes_show_living(m->nodes);
}

static void restart_node(struct model_node *m)
{
    unsigned live = 0;

    for (unsigned i = 0; i < NODES; i++)
        live += nodes[i].c != NULL;
    if (!m->c)
        start_node(m);
    else if (live > 1)
        kill_node(m);
}

/* The same points; but nothing is known yet of a state under it. */
static void put_definition(void)
{
    struct product_row product = fake_product(1);

    product.definition = ++last_definition;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, product.definition, fake_definition_2);
}

/* Of the nodes only one follows it now. */
static void define_again(struct model_node *m)
{
    put_definition();
    assert_int_equal(committer_look_at_registry(m->c), MU_OK);
}

static void run_retention(void *ctx)
{
    const struct model_node *m = ctx;
    struct commit_nodes port = *nodes_for_committer(m->nodes);
    struct retention r = { .fleet = m->f,
                           .journal = m->j,
                           .today = (int32_t)(clock_wall_us() / 86400000000),
                           .keep_days = 400,
                           .nodes = &port };

    r.now_us = clock_wall_us() + INT64_C(401) * 86400000000;
    assert_int_equal(journal_batch_create(&r.writes, m->j), MU_OK);
    assert_int_equal(retention_run(&r), MU_OK);
    journal_batch_destroy(r.writes);
}

/* All events that were resolved go. */
static void drop_events(void)
{
    struct model_node *m = any_node();

    nodes_look(m->nodes);
    if (!nodes_keeps_house(m->nodes))
        return;
    committer_pause(m->c, run_retention, m);
    for (uint32_t no = 1; no <= DEVICES; no++)
        devices[no].forgotten = devices[no].reports;
}

/* --- what must be so at the end ---------------------------------------------------------------------*/

static void follow_all(void)
{
    for (unsigned i = 0; i < 2 * NODES; i++) {
        struct model_node *m = &nodes[i % NODES];
        if (!m->c)
            continue;
        assert_int_equal(committer_look_at_registry(m->c), MU_OK);
        nodes_look(m->nodes);
        for (uint32_t k = 0; k < m->nodes->count; k++)
            follow(m, &m->nodes->at[k]);
        nodes_look(m->nodes);
    }
}

#define SAY(...) (void)snprintf(out + strlen(out), TEXT - strlen(out), __VA_ARGS__)

static void say_events(const struct model_node *m, uint32_t no, char *out)
{
    const struct events *events = &catalog_product(m->f, 1)->events;
    struct fleet_event open[4];
    size_t open_count = fleet_open_events(m->f, no, open, 4);
    struct journal_event point;

    for (uint32_t of = 1; of <= 2; of++)
        for (uint32_t i = 1; i < events->count; i++) {
            struct fleet_event e = { .device = events->at[i].device, .point = events->at[i].point };
            if (e.device != no)
                continue;
            point = fleet_event_record(m->f, &e);
            if (point.alert == (of == 1))
                SAY("%s: %u events\n", point.alert ? "alert" : "fault", events->at[i].total);
        }
    for (uint32_t of = 1; of <= 2; of++)
        for (size_t i = 0; i < open_count; i++) {
            point = fleet_event_record(m->f, &open[i]);
            if (point.alert == (of == 1))
                SAY("%s open since %" PRId64 " under %u\n", point.alert ? "alert" : "fault", point.opened_us,
                    point.definition);
        }
}

static void say_image(const struct model_node *m, const struct fleet_device *d, char *out)
{
    struct point_value values[POINTS];
    struct device_image image;

    assert_int_equal(device_image_read(m->f, m->j, d, &image), MU_OK);
    if (image.definition) {
        datapoint_state_values(image.definition->plan, image.bytes.data, values);
        for (int i = 0; i < POINTS; i++)
            SAY("point %d: %d %g\n", i, values[i].set, values[i].set ? (double)values[i].x : 0);
    }
    device_image_free(&image);
}

/* All that a node's index has of a device. */
static void say_device(const struct model_node *m, uint32_t no, char out[TEXT])
{
    const struct fleet_product *unused;
    struct fleet_progress p;
    struct fleet_device d;
    int32_t days[40];

    out[0] = '\0';
    assert_true(fleet_device_by_no(m->f, no, &d) && fleet_progress_get(m->f, no, &p, &unused));
    SAY("device %u: %s%s%s%s, start %" PRIu64 "\n", no, d.is_online ? "online" : "offline",
        d.is_faulty ? " faulty" : "", d.is_alert ? " alert" : "", d.numbers_reports ? " numbers" : "", d.open_boot);
    SAY("%" PRIu64 " messages, %" PRIu64 " sessions\n", p.messages, p.sessions);
    SAY("activated %" PRId64 ", online %" PRId64 ", report %" PRId64 ", message %" PRId64 ", session %" PRId64 "\n",
        d.activated_at, d.online_latest, d.last_report, d.last_message_us, d.last_session_us);
    for (int i = 0; i < VERSION_COUNT; i++)
        SAY("version %d: %s\n", i, d.versions.text[i]);
    size_t count = fleet_active_days(m->f, no, days, 40);
    for (size_t i = 0; i < count; i++)
        SAY("active %d\n", days[i]);
    say_events(m, no, out);
    say_image(m, &d, out);
}

struct event_list {
    struct journal_event at[STEPS * 8];
    size_t count;
};
static struct event_list listed;

static int by_moment(const void *left, const void *right)
{
    const struct journal_event *a = left, *b = right;
    int order = (a->opened_us > b->opened_us) - (a->opened_us < b->opened_us);
    return order ? order : a->alert - b->alert;
}

static void say_listed(char out[TEXT])
{
    out[0] = '\0';
    qsort(listed.at, listed.count, sizeof(listed.at[0]), by_moment);
    for (size_t i = 0; i < listed.count; i++)
        if (listed.at[i].resolved_us >= 0)
            SAY("%s %" PRId64 " to %" PRId64 "\n", listed.at[i].alert ? "alert" : "fault", listed.at[i].opened_us,
                listed.at[i].resolved_us);
}

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    (void)ctx;
    (void)device;
    assert_true(listed.count < sizeof(listed.at) / sizeof(listed.at[0]));
    listed.at[listed.count++] = *e;
    return MU_OK;
}

static void say_recorded_events(uint32_t no, char out[TEXT])
{
    listed.count = 0;
    assert_int_equal(journal_device_events(first, &no, 1, on_event, NULL), MU_OK);
    say_listed(out);
}

struct seen_message {
    uint64_t number; /* first: by_number */
    int64_t ts_us;
    uint32_t definition;
    uint8_t told, bits;
};
static struct {
    struct seen_message at[STEPS * 8];
    size_t count;
} seen_messages;

/* The events that follow from the messages on record. */
struct followed_events {
    uint64_t count, forgotten;
    uint32_t definition;
    bool raised[2]; /* fault, alert */
    size_t open[2]; /* 1 + index in `listed` */
};

static void follow_point(struct followed_events *f, const struct seen_message *m, bool alert)
{
    size_t open = f->open[alert];

    if (f->raised[alert] && !open) {
        (void)on_event(NULL, 0, &(struct journal_event){ .opened_us = m->ts_us, .alert = alert });
        f->open[alert] = listed.count;
    } else if (!f->raised[alert] && open) {
        struct journal_event *e = &listed.at[open - 1];
        int64_t resolved_us = m->ts_us > e->opened_us ? m->ts_us : e->opened_us;
        e->resolved_us = m->number > f->forgotten ? resolved_us : -1;
        f->open[alert] = 0;
    }
}

static void follow_message(struct followed_events *f, const struct seen_message *m)
{
    if (m->number != ++f->count)
        fail_msg("seed %u: message %" PRIu64 " at place %" PRIu64, seed, m->number, f->count);
    if (m->definition != f->definition)
        f->raised[0] = f->raised[1] = false;
    f->definition = m->definition;
    if (m->told & ALERT)
        f->raised[true] = m->bits & 1;
    if (m->told & FAULT)
        f->raised[false] = m->bits >> (m->told & ALERT ? 1 : 0) & 1;
    follow_point(f, m, true);
    follow_point(f, m, false);
}

static enum mu_err on_message(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    assert_true(m->decoded && seen_messages.count < sizeof(seen_messages.at) / sizeof(seen_messages.at[0]));
    seen_messages.at[seen_messages.count++] = (struct seen_message){ m->number, m->ts_us, m->definition, m->payload[9],
                                                                     m->payload_len > 10 ? m->payload[10] : 0 };
    return MU_OK;
}

/* Where clocks differ, a later record may have an earlier moment. */
static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void say_due_events(uint32_t no, char out[TEXT])
{
    struct followed_events f = { .forgotten = devices[no].forgotten };
    struct journal_window all = { .to_us = INT64_MAX, .limit = UINT64_MAX };
    uint64_t total;

    listed.count = 0;
    seen_messages.count = 0;
    assert_int_equal(journal_messages(first, no, &all, on_message, NULL, &total), MU_OK);
    qsort(seen_messages.at, seen_messages.count, sizeof(seen_messages.at[0]), by_number);
    for (size_t i = 0; i < seen_messages.count; i++)
        follow_message(&f, &seen_messages.at[i]);
    assert_int_equal(f.count, devices[no].reports);
    say_listed(out);
}

struct seen_session {
    uint64_t number; /* first: by_number */
    bool end;
};
static struct {
    struct seen_session at[STEPS * 8];
    size_t count;
} seen_sessions;

static enum mu_err on_session(void *ctx, const struct journal_session *s)
{
    (void)ctx;
    assert_true(seen_sessions.count < sizeof(seen_sessions.at) / sizeof(seen_sessions.at[0]));
    seen_sessions.at[seen_sessions.count++] = (struct seen_session){ s->number, s->end };
    return MU_OK;
}

static void check_sessions(uint32_t no)
{
    struct journal_window all = { .to_us = INT64_MAX, .limit = UINT64_MAX };
    uint64_t total;

    seen_sessions.count = 0;
    assert_int_equal(journal_sessions(first, no, &all, on_session, NULL, &total), MU_OK);
    qsort(seen_sessions.at, seen_sessions.count, sizeof(seen_sessions.at[0]), by_number);
    for (size_t i = 0; i < seen_sessions.count; i++)
        if (seen_sessions.at[i].number != i + 1 || seen_sessions.at[i].end != (i % 2 == 1))
            fail_msg("seed %u: session record %" PRIu64 " at place %zu", seed, seen_sessions.at[i].number, i + 1);
    /* the end of a session whose node was killed may have to be written yet */
    assert_in_range(devices[no].sessions - seen_sessions.count, 0, 1);
}

static void check_same(const char *what, unsigned node, uint32_t no, const char *is, const char *due)
{
    if (strcmp(is, due) != 0)
        fail_msg("seed %u, node %u, device %u: %s is\n%s--- but should be\n%s", seed, node, no, what, is, due);
}

static void check_all(void)
{
    static char is[TEXT], due[TEXT];
    struct fleet_device d;

    follow_all();
    join(&late);
    load(&late);
    nodes_show_living(late.nodes);
    for (uint32_t no = 1; no <= DEVICES; no++) {
        check_sessions(no);
        say_recorded_events(no, is);
        say_due_events(no, due);
        check_same("the events on record", 0, no, is, due);
        assert_true(fleet_device_by_no(late.f, no, &d));
        for (int i = 0; i < VERSION_COUNT; i++)
            check_same("a version", 0, no, d.versions.text[i], devices[no].versions.text[i]);
        say_device(&late, no, due);
        for (unsigned i = 0; i < NODES; i++) {
            if (!nodes[i].c)
                continue;
            say_device(&nodes[i], no, is);
            check_same("the index", i, no, is, due);
        }
    }
    kill_node(&late);
}

/* --- the test ---------------------------------------------------------------------------------------*/

static void make_registry(void)
{
    last_definition = 0;
    reg = fake_registry_new();
    put_definition();
    for (uint32_t no = 1; no <= DEVICES; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
    }
}

static void run_steps(void)
{
    make_registry();
    state = seed * 2654435761U;
    memset(devices, 0, sizeof(devices));
    last_boot = 1;
    first = fake_journal_new_shared(last_boot);
    fake_journal_end(first); /* it is no node */
    for (unsigned i = 0; i < NODES; i++) {
        join(&nodes[i]);
        load(&nodes[i]);
        nodes_show_living(nodes[i].nodes);
    }
    for (step = 0; step < STEPS; step++) {
        switch (any(20)) {
        case 0: restart_node(&nodes[any(NODES)]); break;
        case 1:
            if (any(2))
                drop_events();
            else
                define_again(any_node());
            break;
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
        case 7: follow_somebody(any_node()); break;
        default: do_something(1 + any(DEVICES));
        }
        if (step % 100 == 99)
            check_all();
    }
    for (unsigned i = 0; i < NODES; i++)
        stop(&nodes[i]);
    journal_close(first);
    fake_registry_free(reg);
}

static void indexes_are_what_is_on_record_and_that_is_what_devices_did(void **unused)
{
    (void)unused;
    assert_int_equal(calendar_open(&calendar, "UTC"), MU_OK);
    for (seed = 1; seed <= SEEDS; seed++)
        run_steps();
    calendar_free(calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes_are_what_is_on_record_and_that_is_what_devices_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

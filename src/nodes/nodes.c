#include "nodes/nodes.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "nodes/nodes_private.h"

/* The cluster as this node sees it: which nodes live, what they say, and the thread that does what has to be done. */

enum { LOOK_MS = 1000, TICK_MS = 100, RETRY_MS = 200 };

/* --- the nodes that live ----------------------------------------------------------------------------*/

struct seen_node {
    struct journal_node row;
    char name[NODES_NAME + 1];
};

struct seen_nodes {
    struct seen_node *at;
    uint32_t count, cap;
};

/* Only what needs no quoting anywhere. */
static void copy_name(char out[NODES_NAME + 1], struct str name)
{
    str_copy(out, NODES_NAME + 1, name);
    for (char *at = out; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(".-_", *at))
            *at = '_';
}

static enum mu_err on_node(void *ctx, const struct journal_node *row)
{
    struct seen_nodes *seen = ctx;

    if (!ARRAY_RESERVE(seen->at, seen->cap, seen->count + 1))
        return MU_E_NOMEM;
    struct seen_node *node = &seen->at[seen->count++];
    node->row = *row;
    copy_name(node->name, row->name);
    return MU_OK;
}

struct other_node *nodes_find(struct nodes *n, uint64_t boot)
{
    for (uint32_t i = 0; i < n->count; i++)
        if (n->at[i].boot == boot)
            return &n->at[i];
    return NULL;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* With the lock held. */
static enum mu_err see(struct nodes *n, const struct seen_node *seen, int64_t now_ms)
{
    const struct journal_node *row = &seen->row;
    struct other_node *node = nodes_find(n, row->boot);

    if (!node) {
        if (!ARRAY_RESERVE(n->at, n->cap, n->count + 1))
            return MU_E_NOMEM;
        node = &n->at[n->count++];
        *node = (struct other_node){ .boot = row->boot, .changed_ms = now_ms };
        memcpy(node->name, seen->name, sizeof(node->name));
        log_event(LOG_INFO, "node_joined", "boot=%" PRIu64 " name=%s", row->boot, node->name);
    }
    if (node->alive_us != row->alive_us || node->seen_in != n->looks - 1)
        node->changed_ms = now_ms;
    node->alive_us = row->alive_us;
    node->seen_in = n->looks;
    node->wanted = larger(node->wanted, row->delta);
    node->registry = larger(node->registry, row->registry);
    n->registry_wanted = larger(n->registry_wanted, row->registry);
    return MU_OK;
}

static enum mu_err look_at_nodes(struct nodes *n)
{
    struct seen_nodes seen = { 0 };
    struct registry_place place = { 0 };
    enum mu_err err = journal_nodes(n->options.journal, on_node, &seen);
    int64_t now_ms = clock_mono_ms();

    /* A command that is no node may have changed it, too. */
    if (err == MU_OK)
        err = registry_get_place(n->options.registry, &place);
    pthread_mutex_lock(&n->lock);
    n->looks++;
    n->registry_wanted = larger(n->registry_wanted, place.change);
    for (uint32_t i = 0; i < seen.count && err == MU_OK; i++)
        if (seen.at[i].row.boot != n->boot)
            err = see(n, &seen.at[i], now_ms);
        else
            memcpy(n->name, seen.at[i].name, sizeof(n->name));
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
    free(seen.at);
    return err;
}

/* It was looked at without a gap for a whole lease, and has given no sign of life in that time. A database that nobody
 * could reach is a gap, so it makes nobody over; and no two clocks are compared. */
static bool is_silent(const struct nodes *n, const struct other_node *node)
{
    return node->seen_in == n->looks && clock_mono_ms() - node->changed_ms >= n->options.lease_ms;
}

static void end_if_silent(struct nodes *n, const struct other_node *node)
{
    if (!is_silent(n, node) || journal_end_boot(n->options.journal, node->boot, node->alive_us) != MU_OK)
        return;
    log_event(LOG_WARN, "node_over", "boot=%" PRIu64 " hint=\"it has given no sign of life for %lld ms\"", node->boot,
              (long long)n->options.lease_ms);
    bus_send(n->bus, 0, BUS_LOOK, NULL, 0);
    n->look_now = true;
}

/* A start that is not listed any more is over, whoever has said so. Its last deltas are taken in first. */
static void leave_if_over(struct nodes *n, struct other_node node)
{
    if (node.seen_in == n->looks || nodes_follow_deltas(n, node.boot, &node.position, UINT64_MAX) != MU_OK)
        return;
    fleet_boot_is_over(n->options.fleet, node.boot);
    pthread_mutex_lock(&n->lock);
    *nodes_find(n, node.boot) = n->at[n->count - 1];
    n->count--;
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
    nodes_fail_controls(n, node.boot, 0);
    log_event(LOG_INFO, "node_left", "boot=%" PRIu64, node.boot);
}

static void greet(struct nodes *n, struct other_node *node)
{
    if (!node->greeted && n->bus)
        bus_send(n->bus, node->boot, BUS_SEEN, NULL, 0);
    node->greeted = n->bus != NULL;
}

static void look(struct nodes *n)
{
    if (look_at_nodes(n) != MU_OK) {
        n->looks++; /* a gap */
        return;
    }
    /* Only this thread adds and removes nodes, so it may read them without the lock. */
    for (uint32_t i = n->count; i-- > 0;) {
        greet(n, &n->at[i]);
        end_if_silent(n, &n->at[i]);
        leave_if_over(n, n->at[i]);
    }
}

/* --- the thread -------------------------------------------------------------------------------------*/

static enum mu_err follow(struct nodes *n, struct other_node *node, uint64_t upto)
{
    uint64_t position = node->position;
    enum mu_err err = nodes_follow_deltas(n, node->boot, &position, upto);

    pthread_mutex_lock(&n->lock);
    node->position = position;
    pthread_mutex_unlock(&n->lock);
    if (err == MU_E_NOT_FOUND) {
        log_event(LOG_ERROR, "node_behind",
                  "of=%" PRIu64 " hint=\"this node stood still for so long that it cannot follow: start it again\"",
                  node->boot);
        n->options.over(n->options.ctx);
    }
    return err;
}

static bool follow_all(struct nodes *n)
{
    bool ok = true;

    for (uint32_t i = 0; i < n->count; i++) {
        struct other_node *node = &n->at[i];
        pthread_mutex_lock(&n->lock);
        uint64_t wanted = node->wanted;
        pthread_mutex_unlock(&n->lock);
        ok = (wanted <= node->position || follow(n, node, wanted) == MU_OK) && ok;
    }
    return nodes_follow_registry(n) == MU_OK && ok;
}

/* With the lock held. */
static bool is_due(const struct nodes *n)
{
    bool due = n->stopping || n->look_now || atomic_load(&n->quota_asked) ||
               n->registry_wanted > committer_followed(n->committer);

    for (uint32_t i = 0; i < n->count && !due; i++)
        due = n->at[i].wanted > n->at[i].position;
    return due;
}

/* Sleeps until something is due, or the next tick; false: it is time to end. */
static bool rest(struct nodes *n, int64_t until_ms)
{
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

    pthread_mutex_lock(&n->lock);
    while (!is_due(n) && pthread_cond_timedwait(&n->wake, &n->lock, &until) == 0)
        ;
    bool go_on = !n->stopping;
    pthread_mutex_unlock(&n->lock);
    return go_on;
}

static bool take_look(struct nodes *n)
{
    pthread_mutex_lock(&n->lock);
    bool now = n->look_now;
    n->look_now = false;
    pthread_mutex_unlock(&n->lock);
    return now;
}

static void *run(void *ctx)
{
    struct nodes *n = ctx;
    int64_t next_look_ms = 0;

    while (rest(n, clock_mono_ms() + TICK_MS)) {
        int64_t now_ms = clock_mono_ms();
        nodes_fail_controls(n, 0, now_ms);
        nodes_grant_quotas(n);
        if (take_look(n) || now_ms >= next_look_ms) {
            look(n);
            nodes_give_back_quotas(n);
            next_look_ms = now_ms + LOOK_MS;
        }
        /* While the store fails, there is no hurry. */
        if (!follow_all(n))
            usleep(RETRY_MS * 1000);
    }
    return NULL;
}

/* --- what others say --------------------------------------------------------------------------------*/

static void wake(struct nodes *n)
{
    pthread_cond_signal(&n->wake);
}

void nodes_wake(struct nodes *n)
{
    pthread_mutex_lock(&n->lock);
    wake(n);
    pthread_mutex_unlock(&n->lock);
}

static void look_soon(struct nodes *n)
{
    pthread_mutex_lock(&n->lock);
    n->look_now = true;
    wake(n);
    pthread_mutex_unlock(&n->lock);
}

/* From here on the others can be heard. */
static void on_gap(void *ctx)
{
    struct nodes *n = ctx;

    if (n->bus) /* it may be heard before nodes_start has it */
        bus_send(n->bus, 0, BUS_LOOK, NULL, 0);
    look_soon(n);
}

/* Who listens anew may have missed that it was seen. */
static void on_look(struct nodes *n, uint64_t from)
{
    pthread_mutex_lock(&n->lock);
    struct other_node *node = nodes_find(n, from);
    if (node)
        node->greeted = false;
    pthread_mutex_unlock(&n->lock);
    look_soon(n);
}

static void on_seen(struct nodes *n, uint64_t from)
{
    pthread_mutex_lock(&n->lock);
    struct other_node *node = nodes_find(n, from);
    if (node)
        node->greets = true;
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
}

static void on_number(struct nodes *n, const struct bus_message *m, uint64_t number)
{
    pthread_mutex_lock(&n->lock);
    struct other_node *from = nodes_find(n, m->from);
    if (m->kind == BUS_REGISTRY)
        n->registry_wanted = larger(n->registry_wanted, number);
    else if (!from)
        n->look_now = true;
    else if (m->kind == BUS_DELTA)
        from->wanted = larger(from->wanted, number);
    else
        from->registry = larger(from->registry, number);
    wake(n);
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
}

static void on_message(void *ctx, const struct bus_message *m)
{
    struct nodes *n = ctx;
    struct bytes in = bytes_of(m->body, m->len);

    if (atomic_load(&n->stopped))
        return;
    switch ((enum bus_kind)m->kind) {
    case BUS_LOOK: on_look(n, m->from); break;
    case BUS_SEEN: on_seen(n, m->from); break;
    case BUS_DELTA:
    case BUS_REGISTRY:
    case BUS_FOLLOWED: {
        uint64_t number = bytes_u64be(&in);
        if (!in.bad)
            on_number(n, m, number);
        break;
    }
    case BUS_END_SESSION: {
        uint32_t device = bytes_u32be(&in);
        uint64_t login = bytes_u64be(&in);
        /* A request that comes late means a session that has ended already. */
        if (!in.bad && fleet_session_is(n->options.fleet, device, login))
            n->options.end_session(n->options.ctx, device);
        break;
    }
    case BUS_CONTROL: nodes_take_control(n, m); break;
    case BUS_ANSWER: nodes_take_answer(n, m); break;
    }
}

/* --- what the committer says ------------------------------------------------------------------------*/

static void send_number(struct nodes *n, enum bus_kind kind, uint64_t number)
{
    uint8_t body[8];

    bytes_put_u64be(body, number);
    bus_send(n->bus, 0, (uint8_t)kind, body, sizeof(body));
}

static void on_committed(void *ctx, uint64_t delta)
{
    struct nodes *n = ctx;

    pthread_mutex_lock(&n->lock);
    bool others = n->count > 0;
    pthread_mutex_unlock(&n->lock);
    /* A node that comes meanwhile looks by itself. */
    if (n->bus && others)
        send_number(n, BUS_DELTA, delta);
}

static void on_held(void *ctx, uint32_t device, uint64_t boot, uint64_t login)
{
    struct nodes *n = ctx;
    uint8_t body[12];

    bytes_put_u32be(body, device);
    bytes_put_u64be(body + 4, login);
    if (n->bus)
        bus_send(n->bus, boot, BUS_END_SESSION, body, sizeof(body));
}

static void on_over(void *ctx)
{
    struct nodes *n = ctx;

    log_event(LOG_ERROR, "node_over",
              "boot=%" PRIu64 " hint=\"this node could not commit for too long, and others took over: start it again\"",
              n->boot);
    n->options.over(n->options.ctx);
}

static bool keeps_house(void *ctx)
{
    return nodes_keeps_house(ctx);
}

/* With the lock held. */
static bool all_have_followed(const struct nodes *n, uint64_t change)
{
    uint32_t i = 0;

    while (i < n->count && n->at[i].registry >= change)
        i++;
    return i == n->count;
}

/* Waits until every node shows a change of the registry, but not longer than a node may be silent. */
static void wait_until_followed(void *ctx, uint64_t change)
{
    struct nodes *n = ctx;
    int64_t until_ms = clock_mono_ms() + n->options.lease_ms, now_ms;

    pthread_mutex_lock(&n->lock);
    if (!all_have_followed(n, change) && change > n->registry_asked) {
        n->registry_asked = change;
        send_number(n, BUS_REGISTRY, change);
    }
    while (!all_have_followed(n, change) && (now_ms = clock_mono_ms()) < until_ms) {
        int64_t next_ms = now_ms + RETRY_MS;
        struct timespec next = { .tv_sec = next_ms / 1000, .tv_nsec = next_ms % 1000 * 1000000 };
        /* Who cannot be heard on the bus says it in the store. */
        if (pthread_cond_timedwait(&n->told, &n->lock, &next) != 0) {
            n->look_now = true;
            wake(n);
        }
    }
    pthread_mutex_unlock(&n->lock);
}

struct commit_nodes *nodes_for_committer(struct nodes *n)
{
    return &n->for_committer;
}

/* --- starting and ending ----------------------------------------------------------------------------*/

static enum mu_err note_positions(struct nodes *n)
{
    enum mu_err err = look_at_nodes(n);

    for (uint32_t i = 0; i < n->count; i++)
        n->at[i].position = n->at[i].wanted;
    return err;
}

enum mu_err nodes_create(struct nodes **out, const struct nodes_options *options)
{
    struct nodes *n = calloc(1, sizeof(*n));
    pthread_condattr_t attr;

    if (!n)
        return MU_E_NOMEM;
    n->options = *options;
    if (!n->options.lease_ms)
        n->options.lease_ms = NODES_LEASE_MS;
    n->boot = journal_boot(options->journal).number;
    n->for_committer = (struct commit_nodes){ .ctx = n,
                                              .committed = on_committed,
                                              .held = on_held,
                                              .keeps_house = keeps_house,
                                              .over = on_over,
                                              .wait_until_followed = wait_until_followed };
    pthread_mutex_init(&n->lock, NULL);
    pthread_mutex_init(&n->controls_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&n->wake, &attr);
    pthread_cond_init(&n->told, &attr);
    pthread_condattr_destroy(&attr);
    enum mu_err err = note_positions(n);
    if (err == MU_OK) {
        *out = n;
    } else {
        nodes_destroy(n);
    }
    return err;
}

/* With the lock held. */
static bool all_see_us(const struct nodes *n)
{
    uint32_t i = 0;

    while (i < n->count && n->at[i].greets)
        i++;
    return i == n->count;
}

/* Whoever sees us waits with its answers until we have followed the registry. So what was written before that is what
 * we look at afterwards, and nothing is missed. Who cannot be heard looks by itself, once a second. */
static void wait_until_seen(struct nodes *n)
{
    int64_t until_ms = clock_mono_ms() + 2 * LOOK_MS + TICK_MS;
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

    pthread_mutex_lock(&n->lock);
    while (!all_see_us(n) && pthread_cond_timedwait(&n->told, &n->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&n->lock);
}

enum mu_err nodes_start(struct nodes *n, struct committer *c, const struct control_port *local)
{
    struct bus_options bus = {
        .uri = n->options.uri, .boot = n->boot, .ctx = n, .on_message = on_message, .on_gap = on_gap
    };
    struct bus *b = NULL;
    enum mu_err err;

    assert(!n->running);
    n->committer = c;
    n->local = *local;
    for (uint32_t i = 0; i < n->count; i++)
        fleet_boot_lives(n->options.fleet, n->at[i].boot);
    err = bus_start(&b, &bus);
    n->bus = b;
    if (err == MU_OK)
        bus_send(b, 0, BUS_LOOK, NULL, 0);
    if (err != MU_OK || (err = thread_start(&n->thread, "nodes", run, n)) != MU_OK)
        return err;
    n->running = true;
    wait_until_seen(n);
    return committer_look_at_registry(c);
}

bool nodes_is_late(const struct nodes *n)
{
    return clock_mono_ms() - committer_committed_ms(n->committer) > n->options.lease_ms / 2;
}

bool nodes_keeps_house(struct nodes *n)
{
    bool first = true;

    pthread_mutex_lock(&n->lock);
    for (uint32_t i = 0; i < n->count; i++)
        first = first && n->at[i].boot > n->boot;
    pthread_mutex_unlock(&n->lock);
    return first;
}

void nodes_stop(struct nodes *n)
{
    if (!n)
        return;
    atomic_store(&n->stopped, true);
    if (n->running) {
        pthread_mutex_lock(&n->lock);
        n->stopping = true;
        wake(n);
        pthread_mutex_unlock(&n->lock);
        pthread_join(n->thread, NULL);
        n->running = false;
    }
    nodes_fail_controls(n, 0, INT64_MAX);
}

void nodes_destroy(struct nodes *n)
{
    if (!n)
        return;
    assert(!n->running);
    bus_stop(n->bus);
    free(n->at);
    pthread_cond_destroy(&n->wake);
    pthread_cond_destroy(&n->told);
    pthread_mutex_destroy(&n->lock);
    pthread_mutex_destroy(&n->controls_lock);
    free(n);
}

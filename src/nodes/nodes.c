#include "nodes/nodes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "nodes/nodes_private.h"

/* The thread that does what has to be done, and how this node joins the others and leaves them. */

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
    bool due = n->stopping || n->look_now || atomic_load(&n->quota_asked) || n->registry_wanted > n->registry_said;

    for (uint32_t i = 0; i < n->count && !due; i++)
        due = n->at[i].wanted > n->at[i].position;
    return due;
}

/* Until this node joins, nothing is committed. Its index may take longer to build than a lease. */
static bool stay_alive_until_joined(struct nodes *n)
{
    bool over = false;

    pthread_mutex_lock(&n->lock);
    while (!n->joined && !n->stopping && !over) {
        if (thread_wait(&n->wake, &n->lock, clock_mono_us() + NODES_ALIVE_MS * 1000))
            continue;
        pthread_mutex_unlock(&n->lock);
        over = journal_stay_alive(n->options.journal) == MU_E_OVER;
        pthread_mutex_lock(&n->lock);
    }
    bool joined = n->joined && !n->stopping;
    pthread_mutex_unlock(&n->lock);
    if (over)
        n->for_committer.over(n);
    return joined;
}

/* Sleeps until something is due, or the next tick; false: it is time to end. */
static bool rest(struct nodes *n)
{
    int64_t until_us = clock_mono_us() + NODES_TICK_MS * 1000;

    pthread_mutex_lock(&n->lock);
    while (!is_due(n) && thread_wait(&n->wake, &n->lock, until_us))
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

    if (!stay_alive_until_joined(n))
        return NULL;
    while (rest(n)) {
        int64_t now_ms = clock_mono_ms();
        nodes_fail_controls(n, 0, now_ms);
        bool granted = nodes_grant_quotas(n);
        if (take_look(n) || now_ms >= next_look_ms) {
            nodes_look(n);
            nodes_give_back_quotas(n);
            next_look_ms = now_ms + NODES_LOOK_MS;
        }
        /* While the store fails, there is no hurry. */
        if (!follow_all(n) || !granted)
            usleep(NODES_RETRY_MS * 1000);
    }
    return NULL;
}

/* --- starting and ending ----------------------------------------------------------------------------*/

static enum mu_err note_positions(struct nodes *n)
{
    enum mu_err err = nodes_look_at_all(n);

    for (uint32_t i = 0; i < n->count; i++)
        n->at[i].position = n->at[i].wanted;
    return err;
}

struct commit_nodes *nodes_for_committer(struct nodes *n)
{
    return &n->for_committer;
}

enum mu_err nodes_create(struct nodes **out, const struct nodes_options *options)
{
    struct nodes *n = calloc(1, sizeof(*n));

    if (!n)
        return MU_E_NOMEM;
    n->options = *options;
    if (!n->options.lease_ms)
        n->options.lease_ms = NODES_LEASE_MS;
    n->boot = journal_boot(options->journal).number;
    n->for_committer = nodes_hear_committer(n);
    pthread_mutex_init(&n->lock, NULL);
    pthread_mutex_init(&n->controls_lock, NULL);
    pthread_cond_init(&n->wake, NULL);
    pthread_cond_init(&n->told, NULL);
    enum mu_err err = note_positions(n);
    if (err == MU_OK && (err = thread_start(&n->thread, "nodes", run, n)) == MU_OK) {
        n->running = true;
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

    while (i < n->count && (!n->at[i].ready || n->at[i].greets))
        i++;
    return i == n->count;
}

/* Whoever sees us waits with its answers until we have followed the registry. So what was written before that is what
 * we look at afterwards, and nothing is missed. Who cannot be heard looks by itself, once a second. Of two nodes that
 * start together, the one that is ready later sees the other here, and that one sees it before it answers. */
static void wait_until_seen(struct nodes *n)
{
    int64_t until_us = clock_mono_us() + (2 * NODES_LOOK_MS + NODES_TICK_MS) * 1000;

    pthread_mutex_lock(&n->lock);
    while (!all_see_us(n) && thread_wait(&n->told, &n->lock, until_us))
        ;
    pthread_mutex_unlock(&n->lock);
}

enum mu_err nodes_start(struct nodes *n, struct committer *c, const struct control_port *local)
{
    struct bus_options bus = {
        .uri = n->options.uri, .boot = n->boot, .ctx = n, .on_message = nodes_on_message, .on_gap = nodes_on_gap
    };
    struct bus *b = NULL;
    enum mu_err err;

    assert(n->running && !n->joined);
    n->committer = c;
    n->local = *local;
    /* This start is ready. Who was not until now sees that when it looks itself. */
    if ((err = nodes_look_at_all(n)) != MU_OK)
        return err;
    nodes_show_living(n);
    err = bus_start(&b, &bus);
    n->bus = b;
    if (err != MU_OK)
        return err;
    bus_send(b, 0, BUS_LOOK, NULL, 0);
    pthread_mutex_lock(&n->lock);
    n->joined = true;
    pthread_cond_signal(&n->wake);
    pthread_mutex_unlock(&n->lock);
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
        pthread_cond_signal(&n->wake);
        pthread_cond_broadcast(&n->told);
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

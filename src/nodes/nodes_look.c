#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/log.h"
#include "nodes/nodes_private.h"

/* Which nodes live: looking at the starts that are not over, and declaring over who has been silent for too long. */

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

/* With the lock held. late: this node gives no sign of life itself. What keeps it from that (somebody has locked a
 * table, a standby is away) may keep the others, too. */
static enum mu_err see(struct nodes *n, const struct seen_node *seen, int64_t now_ms, bool late)
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
    if (node->alive_us != row->alive_us || node->seen_in != n->looks - 1 || late)
        node->changed_ms = now_ms;
    node->alive_us = row->alive_us;
    node->seen_in = n->looks;
    node->ready = row->ready;
    node->wanted = nodes_larger(node->wanted, row->delta);
    node->registry = nodes_larger(node->registry, row->registry);
    n->registry_wanted = nodes_larger(n->registry_wanted, row->registry);
    return MU_OK;
}

enum mu_err nodes_look_at_all(struct nodes *n)
{
    struct seen_nodes seen = { 0 };
    struct registry_place place = { 0 };
    enum mu_err err = journal_nodes(n->options.journal, on_node, &seen);
    bool late = n->committer && nodes_is_late(n);
    int64_t now_ms = clock_mono_ms();

    /* A command that is no node may have changed it, too. */
    if (err == MU_OK)
        err = registry_get_place(n->options.registry, &place);
    for (uint32_t i = 0; i < seen.count; i++)
        if (!seen.at[i].row.ready && seen.at[i].row.boot != n->boot)
            journal_keep_deltas(n->options.journal);
    pthread_mutex_lock(&n->lock);
    n->looks++;
    n->registry_wanted = nodes_larger(n->registry_wanted, place.change);
    for (uint32_t i = 0; i < seen.count && err == MU_OK; i++)
        if (seen.at[i].row.boot != n->boot)
            err = see(n, &seen.at[i], now_ms, late);
        else
            memcpy(n->name, seen.at[i].name, sizeof(n->name));
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
    free(seen.at);
    return err;
}

/* It was looked at without a gap for a whole lease, and has given no sign of life in that time. A database that nobody
 * could reach is a gap, and so is one that lets this node commit nothing either: they make nobody over. And no two
 * clocks are compared. */
static bool is_silent(const struct nodes *n, const struct other_node *node)
{
    return node->seen_in == n->looks && clock_mono_ms() - node->changed_ms >= n->options.lease_ms;
}

static void end_if_silent(struct nodes *n, const struct other_node *node)
{
    if (!is_silent(n, node))
        return;
    enum mu_err err = journal_end_boot(n->options.journal, node->boot, node->alive_us);
    if (err == MU_E_EXISTS) {
        pthread_mutex_lock(&n->lock);
        nodes_find(n, node->boot)->changed_ms = clock_mono_ms();
        pthread_mutex_unlock(&n->lock);
    }
    if (err != MU_OK)
        return;
    log_event(LOG_WARN, "node_over", "boot=%" PRIu64 " hint=\"it has given no sign of life for %lld ms\"", node->boot,
              (long long)n->options.lease_ms);
    bus_send(n->bus, 0, BUS_LOOK, NULL, 0);
    pthread_mutex_lock(&n->lock);
    n->look_now = true;
    pthread_mutex_unlock(&n->lock);
}

/* Only the committer's thread changes the fleet (fleet_apply.h). */
struct boots {
    struct fleet *fleet;
    const struct other_node *at;
    uint32_t count;
    void (*show)(struct fleet *f, uint64_t boot);
};

static void show_boots(void *ctx)
{
    const struct boots *b = ctx;

    for (uint32_t i = 0; i < b->count; i++)
        b->show(b->fleet, b->at[i].boot);
}

void nodes_show_living(struct nodes *n)
{
    committer_pause(n->committer, show_boots, &(struct boots){ n->options.fleet, n->at, n->count, fleet_boot_lives });
}

/* A start that is not listed any more is over, whoever has said so. Its last deltas are taken in first. */
static void leave_if_over(struct nodes *n, struct other_node node)
{
    if (node.seen_in == n->looks || nodes_follow_deltas(n, node.boot, &node.position, UINT64_MAX) != MU_OK)
        return;
    committer_pause(n->committer, show_boots, &(struct boots){ n->options.fleet, &node, 1, fleet_boot_is_over });
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
    pthread_mutex_lock(&n->lock);
    bool due = node->ready && !node->greeted && n->bus;
    node->greeted |= due;
    pthread_mutex_unlock(&n->lock);
    if (due)
        bus_send(n->bus, node->boot, BUS_SEEN, NULL, 0);
}

void nodes_look(struct nodes *n)
{
    if (nodes_look_at_all(n) != MU_OK) {
        n->looks++; /* a gap */
        return;
    }
    /* Only this thread adds and removes nodes; what the others say of themselves changes at any time. */
    for (uint32_t i = n->count; i-- > 0;) {
        greet(n, &n->at[i]);
        pthread_mutex_lock(&n->lock);
        struct other_node node = n->at[i];
        pthread_mutex_unlock(&n->lock);
        end_if_silent(n, &node);
        leave_if_over(n, node);
    }
}

#ifndef MUSTER_NODES_NODES_PRIVATE_H
#define MUSTER_NODES_NODES_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "bus/bus.h"
#include "fleet/fleet_apply.h"
#include "journal/journal_nodes.h"
#include "nodes/nodes.h"

/* What the files of this folder share.
 *
 *   nodes.c           this node's thread, its start and its end
 *   nodes_look.c      which nodes live
 *   nodes_said.c      what the others say, and the committer
 *   nodes_follow.c    following the others: their deltas, the registry
 *   nodes_control.c   controls that go to another node, and those that come from one
 *   nodes_view.c      what operators see of the nodes
 *   nodes_quota.c     quotas that nodes count together
 *
 * The bus's thread and the workers only note what is wanted; the thread of this room does it, and may block. */

/* The kinds of messages, and their bodies (numbers are big-endian). */
enum bus_kind {
    BUS_LOOK,        /* a node has come or is over; no body */
    BUS_SEEN,        /* the sender knows the receiver: it waits for it from now on; no body */
    BUS_DELTA,       /* the sender has committed a delta: its number, 8 bytes */
    BUS_REGISTRY,    /* follow the registry to this change: 8 bytes */
    BUS_FOLLOWED,    /* the sender has followed it: 8 bytes */
    BUS_END_SESSION, /* the sender has a login: the device, 4 bytes, and the number of the login that is to end, 8 */
    BUS_CONTROL,     /* nodes_control.c */
    BUS_ANSWER,
};

struct other_node {
    uint64_t boot;
    char name[NODES_NAME + 1];
    uint64_t position, wanted; /* deltas: taken, and known to be there */
    bool ready;                /* it has read everything, and answers calls soon: it is waited for */
    uint64_t registry;         /* the last change that it is known to have followed */
    int64_t alive_us;          /* its last sign of life that was seen */
    int64_t changed_ms;        /* when that was, by our monotonic clock */
    uint64_t seen_in;          /* the last look that met it */
    bool greeted, greets;      /* it has been told that it was seen; it has said that it sees us */
};

struct remote_control;

struct nodes {
    struct nodes_options options;
    struct commit_nodes for_committer;
    struct committer *committer;
    struct control_port local;
    _Atomic(struct bus *) bus; /* from nodes_start on */
    uint64_t boot;             /* of this node */
    pthread_t thread;
    bool running;
    _Atomic bool quota_asked;
    _Atomic bool stopped;          /* nothing that others ask is done any more */
    uint64_t looks, registry_said; /* the thread's own */

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t wake;  /* the thread sleeps here */
    pthread_cond_t told;  /* a node has followed, or is gone, or calls were granted */
    bool stopping, look_now;
    bool joined; /* the committer runs, and its commits are signs of life */
    struct other_node *at;
    uint32_t count, cap;
    char name[NODES_NAME + 1];                /* of this node */
    uint64_t registry_wanted, registry_asked; /* of this node; of the others */

    pthread_mutex_t controls_lock; /* guards the rest */
    uint64_t last_control;
    struct remote_control *controls; /* sent to others, and not answered yet; the latest first */
};

enum { NODES_LOOK_MS = 1000, NODES_TICK_MS = 100, NODES_RETRY_MS = 200 };

static inline uint64_t nodes_larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* nodes_look.c. With the lock held; NULL: there is no such node. */
struct other_node *nodes_find(struct nodes *n, uint64_t boot);
/* On the thread, or before it runs: looks at the starts that are not over. Returns the stores' errors. */
MU_MUST_USE enum mu_err nodes_look_at_all(struct nodes *n);
/* Before the thread runs: shows which devices are online at the nodes that were seen. */
void nodes_show_living(struct nodes *n);
/* On the thread: looks, and does what follows from it. */
void nodes_look(struct nodes *n);

/* nodes_said.c. For the bus, and for the committer. */
void nodes_on_gap(void *ctx);
void nodes_on_message(void *ctx, const struct bus_message *m);
struct commit_nodes nodes_hear_committer(struct nodes *n);
/* Has the thread look what is to do. Any thread. */
void nodes_wake(struct nodes *n);

/* nodes_follow.c. On the thread. Takes in a node's deltas up to one, as far as they are there; MU_E_NOT_FOUND: some are
 * gone already. */
MU_MUST_USE enum mu_err nodes_follow_deltas(struct nodes *n, uint64_t boot, uint64_t *position, uint64_t upto);
/* Tells others how far the registry was followed. */
MU_MUST_USE enum mu_err nodes_follow_registry(struct nodes *n);

/* nodes_control.c. A control that another node sent, and the answer to one of ours. */
void nodes_take_control(struct nodes *n, const struct bus_message *m);
void nodes_take_answer(struct nodes *n, const struct bus_message *m);
/* Answers the controls that a node will not answer any more; boot 0: those whose time is over. */
void nodes_fail_controls(struct nodes *n, uint64_t boot, int64_t now_ms);

/* nodes_quota.c. On the thread. False: the store has failed, and it is asked again. */
bool nodes_grant_quotas(struct nodes *n);
void nodes_give_back_quotas(struct nodes *n);
#endif

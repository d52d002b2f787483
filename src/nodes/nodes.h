#ifndef MUSTER_NODES_NODES_H
#define MUSTER_NODES_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "commit/committer.h"
#include "commit/control_request.h"

/* What makes several processes over one store a cluster. This node follows what the others change, notices when one of
 * them is gone, asks for devices that another one holds, and carries controls to the node that has the session. All
 * nodes are alike, and none is asked for permission.
 *
 * What must not be lost is in the store, and this looks at it once a second by itself. The bus (bus/bus.h) only says
 * earlier that there is something to look at. */
struct nodes;

/* A node that has given no sign of life for so long is over: its sessions have ended. After half of it, a node that
 * could not give one stops answering. */
#define NODES_LEASE_MS 10000
#define NODES_ALIVE_MS 1000 /* the longest time between two signs of life, if all is well */

struct nodes_options {
    const char *uri;
    int64_t lease_ms; /* 0: NODES_LEASE_MS */
    struct fleet *fleet;
    struct registry *registry;
    struct journal *journal;
    void *ctx;
    void (*end_session)(void *ctx, uint32_t device); /* ends the device's session here, if there is one; never blocks */
    /* Others have declared this node over. It can acknowledge nothing any more, and what it shows is no longer true: the
     * process ends. On the committer's thread. */
    void (*over)(void *ctx);
};

/* Before the committer starts: notes how far the deltas of the others are, so that what is read afterwards misses none.
 * Returns the journal's errors. */
MU_MUST_USE enum mu_err nodes_create(struct nodes **out, const struct nodes_options *options);
/* What the committer calls (committer_options.nodes). */
struct commit_nodes *nodes_for_committer(struct nodes *n);
/* After the committer has started: shows which devices are online elsewhere, and begins to follow. `local` are the
 * sessions of this process. MU_E_NOMEM. */
MU_MUST_USE enum mu_err nodes_start(struct nodes *n, struct committer *c, const struct control_port *local);
/* Reaches devices on all nodes. */
struct control_port nodes_control_port(struct nodes *n);
/* An enterprise's share of its quota asks for more calls (quota_take_shared). ctx: the nodes. Any thread, never blocks. */
void nodes_ask_quota(void *nodes);
/* Waits until the share has its answer. False: there is none by then, on the monotonic clock. Not on a loop. */
bool nodes_await_quota(void *nodes, const struct quota_share *s, int64_t until_ms);
/* The last sign of life is more than half a lease ago. Any thread. */
bool nodes_is_late(const struct nodes *n);
/* What is done once for all nodes, this one does: of those that live it started first. For a moment there may be none, or
 * two. Any thread. */
bool nodes_keeps_house(struct nodes *n);
/* What operators see of the nodes that live. Any thread. */
enum { NODES_NAME = 64, NODES_SHOWN = 64 };
struct node_view {
    uint64_t boot;
    char name[NODES_NAME + 1]; /* of its machine */
    bool own;                  /* it is this one */
    int64_t silent_ms;         /* since its last sign of life; at the lease's end it is over */
    uint64_t behind;           /* its commits that this node does not show yet */
};
struct nodes_figures {
    uint64_t sent, received, lost; /* messages of the bus */
    int64_t lease_ms;
};
/* This one first; at most cap. Returns how many. */
size_t nodes_view(struct nodes *n, struct node_view *out, size_t cap);
struct nodes_figures nodes_get_figures(struct nodes *n);
/* Before the committer stops, and before what `local` reaches. NULL is allowed. */
void nodes_stop(struct nodes *n);
void nodes_destroy(struct nodes *n); /* NULL is allowed */

#endif

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "nodes/nodes_private.h"

/* What operators see of the nodes. */

static struct node_view view_other(const struct other_node *node, int64_t now_ms)
{
    struct node_view view = { .boot = node->boot, .silent_ms = now_ms - node->changed_ms };

    memcpy(view.name, node->name, sizeof(view.name));
    view.behind = node->wanted > node->position ? node->wanted - node->position : 0;
    return view;
}

size_t nodes_view(struct nodes *n, struct node_view *out, size_t cap)
{
    int64_t now_ms = clock_mono_ms();
    size_t count = 0;

    assert(cap);
    out[count] = (struct node_view){ .boot = n->boot, .own = true };
    out[count].silent_ms = now_ms - committer_committed_ms(n->committer);
    pthread_mutex_lock(&n->lock);
    memcpy(out[count++].name, n->name, sizeof(n->name));
    for (uint32_t i = 0; i < n->count && count < cap; i++)
        out[count++] = view_other(&n->at[i], now_ms);
    pthread_mutex_unlock(&n->lock);
    return count;
}

struct nodes_figures nodes_get_figures(struct nodes *n)
{
    struct bus_figures bus = bus_figures(n->bus);

    return (struct nodes_figures){
        .sent = bus.sent, .received = bus.received, .lost = bus.lost, .lease_ms = n->options.lease_ms
    };
}

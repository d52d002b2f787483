/* Metrics of the other nodes, where several servers share a database. */

#include "serve/metrics_private.h"

#include <inttypes.h>

/* Begins a line for a node; its value follows. */
static void begin_line(struct buf *page, const char *metric, const struct node_view *node)
{
    buf_printf(page, "%s{boot=\"%" PRIu64 "\",node=\"%s\"} ", metric, node->boot, node->name);
}

void metrics_write_nodes(struct metrics *m, struct buf *page)
{
    struct nodes *n = m->from.stores->nodes;
    struct node_view nodes[NODES_SHOWN];
    struct committer_figures c;

    if (!n)
        return;
    size_t count = nodes_view(n, nodes, NODES_SHOWN);
    struct nodes_figures f = nodes_get_figures(n);
    committer_get_figures(m->from.stores->committer, &c);
    metrics_one(page, "muster_nodes", "gauge", "Nodes that live, this one too.", count);
    metrics_head(page, "muster_node_silent_seconds", "gauge", "Time since a node's last sign of life.");
    for (size_t i = 0; i < count; i++) {
        begin_line(page, "muster_node_silent_seconds", &nodes[i]);
        buf_printf(page, "%.3f\n", (double)nodes[i].silent_ms / 1000);
    }
    metrics_head(page, "muster_node_behind_commits", "gauge",
                 "Commits of another node that this one does not show yet.");
    for (size_t i = 0; i < count; i++) {
        begin_line(page, "muster_node_behind_commits", &nodes[i]);
        buf_printf(page, "%" PRIu64 "\n", nodes[i].behind);
    }
    metrics_one(page, "muster_node_waiting_logins", "gauge",
                "Logins that wait until another node has ended the device's session.", c.waiting_logins);
    metrics_head(page, "muster_node_messages_total", "counter", "Messages between nodes.");
    metrics_sample(page, "muster_node_messages_total", "outcome", "sent", f.sent);
    metrics_sample(page, "muster_node_messages_total", "outcome", "received", f.received);
    metrics_sample(page, "muster_node_messages_total", "outcome", "lost", f.lost);
}

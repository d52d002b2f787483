#include "base/clock.h"
#include "nodes/nodes_private.h"

/* Quotas that nodes count together (model/quota.h): asks for more calls, and gives back what nobody uses here. */

static void ask(struct nodes *n, struct fleet_enterprise *e, struct journal_grant *g)
{
    const struct enterprise_row *row = atomic_load(&e->row);

    g->enterprise = e->no;
    g->limit = row->hourly_quota;
    if (journal_grant_calls(n->options.journal, g) == MU_OK)
        quota_share_grant(&e->share, g->hour, g->calls, g->total);
    else
        quota_share_not_granted(&e->share);
}

static void serve(void *ctx, struct fleet_enterprise *e)
{
    struct journal_grant g = { .hour = (uint32_t)(clock_wall_s() / 3600), .wanted = atomic_load(&e->share.wanted) };

    if (g.wanted)
        ask(ctx, e, &g);
}

static void give_back(void *ctx, struct fleet_enterprise *e)
{
    struct journal_grant g = { .hour = (uint32_t)(clock_wall_s() / 3600) };

    g.wanted = -(int64_t)quota_share_spare(&e->share, e->quota, g.hour);
    if (g.wanted)
        ask(ctx, e, &g);
}

void nodes_grant_quotas(struct nodes *n)
{
    if (atomic_exchange(&n->quota_asked, false))
        fleet_visit_enterprises(n->options.fleet, serve, n);
}

void nodes_give_back_quotas(struct nodes *n)
{
    fleet_visit_enterprises(n->options.fleet, give_back, n);
}

void nodes_ask_quota(void *nodes)
{
    struct nodes *n = nodes;

    if (!atomic_exchange(&n->quota_asked, true))
        nodes_wake(n);
}

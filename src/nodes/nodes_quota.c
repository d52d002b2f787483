#include "base/clock.h"
#include "base/thread.h"
#include "nodes/nodes_private.h"

/* Quotas that nodes count together (model/quota.h): asks for more calls, and gives back what nobody uses here. */

static enum mu_err ask(struct nodes *n, struct fleet_enterprise *e, struct journal_grant *g)
{
    const struct enterprise_row *row = atomic_load(&e->row);

    g->enterprise = e->no;
    g->limit = row->hourly_quota;
    enum mu_err err = journal_grant_calls(n->options.journal, g);
    if (err == MU_OK)
        quota_share_grant(&e->share, e->quota, g->hour, g->calls, g->total);
    return err;
}

static void serve(void *ctx, struct fleet_enterprise *e)
{
    struct nodes *n = ctx;
    struct journal_grant g = { .hour = (uint32_t)(clock_wall_s() / 3600), .wanted = atomic_load(&e->share.wanted) };

    if (!g.wanted)
        return;
    if (ask(n, e, &g) != MU_OK) {
        atomic_store(&n->quota_asked, true);
        return;
    }
    pthread_mutex_lock(&n->lock);
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
}

static void give_back(void *ctx, struct fleet_enterprise *e)
{
    struct journal_grant g = { .hour = (uint32_t)(clock_wall_s() / 3600) };

    g.wanted = -(int64_t)quota_share_spare(&e->share, e->quota, atomic_load(&e->row)->hourly_quota, g.hour);
    if (g.wanted)
        (void)ask(ctx, e, &g); /* if it fails, these calls are lost: nobody is allowed more */
}

bool nodes_grant_quotas(struct nodes *n)
{
    if (!atomic_exchange(&n->quota_asked, false))
        return true;
    fleet_visit_enterprises(n->options.fleet, serve, n);
    return !atomic_load(&n->quota_asked);
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

bool nodes_await_quota(void *nodes, const struct quota_share *s, int64_t until_ms)
{
    struct nodes *n = nodes;

    pthread_mutex_lock(&n->lock);
    while (quota_share_asks(s) && !n->stopping && thread_wait(&n->told, &n->lock, until_ms * 1000))
        ;
    bool answered = !quota_share_asks(s);
    pthread_mutex_unlock(&n->lock);
    return answered && clock_mono_ms() < until_ms;
}

#include "journal/postgres_internal.h"

#include <assert.h>

/* Connections for reading. A thread takes one for a page or a visit; a connection that broke opens itself again. */

/* A visit or a check reads for as long as it takes; a page that takes so long is not waited for. */
enum { STATEMENT_S = 60, IDLE_S = 600 };

/* Every statement reads in the order of an index, and the best plan does not depend on the values. To make one for a
 * table with a partition for each day takes longer than a page does. And a day that was empty when it was looked at last
 * must not be read as if it still were. */
static const char settled_plans[] = "SET plan_cache_mode TO force_generic_plan; "
                                    "SET enable_seqscan TO off; SET enable_bitmapscan TO off";
/* Citus cannot plan a statement for several servers before it knows the values. It makes the plan so dear that PostgreSQL
 * prefers one for the values, if it is left the choice. And the plans that count are made by the workers. A connection is new
 * because the coordinator has restarted, perhaps: then nobody has the lock of a commit that is not finished. */
static const char where_spread[] = "SELECT recover_prepared_transactions(); SET plan_cache_mode TO auto";

enum mu_err postgres_pool_init(struct postgres_pool *p)
{
    *p = (struct postgres_pool){ 0 };
    return pthread_mutex_init(&p->lock, NULL) == 0 && pthread_cond_init(&p->given_back, NULL) == 0 ? MU_OK : MU_E_NOMEM;
}

void postgres_pool_free(struct postgres_pool *p)
{
    assert(p->idle_count == p->open);
    for (unsigned i = 0; i < p->idle_count; i++)
        pg_close(p->idle[i]);
    pthread_cond_destroy(&p->given_back);
    pthread_mutex_destroy(&p->lock);
}

void postgres_pool_reserve(struct postgres_journal *j)
{
    pthread_mutex_lock(&j->pool.lock);
    j->pool.committer = pthread_self();
    j->pool.has_committer = true;
    pthread_mutex_unlock(&j->pool.lock);
}

/* With the lock held. NULL: one is to be made. */
static struct pg *take_idle(struct postgres_pool *p, bool reserved)
{
    while (!reserved && p->taken == POSTGRES_READERS)
        pthread_cond_wait(&p->given_back, &p->lock);
    if (!reserved)
        p->taken++;
    if (p->idle_count)
        return p->idle[--p->idle_count];
    p->open++;
    assert(p->open <= POSTGRES_READERS + 1);
    return NULL;
}

/* With the lock held. */
static void leave(struct postgres_pool *p, bool reserved)
{
    if (reserved)
        return;
    p->taken--;
    pthread_cond_signal(&p->given_back);
}

struct pg *postgres_take(struct postgres_journal *j)
{
    struct postgres_pool *p = &j->pool;
    struct pg_settings settings = { .uri = j->uri,
                                    .schema = "journal",
                                    .event = "journal_failed",
                                    .statement_s = STATEMENT_S,
                                    .idle_s = IDLE_S,
                                    .set = j->spread ? where_spread : settled_plans };

    pthread_mutex_lock(&p->lock);
    bool reserved = p->has_committer && pthread_equal(p->committer, pthread_self()) && !p->committers;
    struct pg *pg = take_idle(p, reserved);
    if (!pg && !(pg = pg_new(&settings))) {
        p->open--;
        leave(p, reserved);
    } else if (reserved) {
        p->committers = pg;
    }
    pthread_mutex_unlock(&p->lock);
    return pg;
}

void postgres_give_back(struct postgres_journal *j, struct pg *pg)
{
    struct postgres_pool *p = &j->pool;

    if (!pg)
        return;
    pg_rollback(pg);
    pthread_mutex_lock(&p->lock);
    p->idle[p->idle_count++] = pg;
    leave(p, pg == p->committers);
    if (pg == p->committers)
        p->committers = NULL;
    pthread_mutex_unlock(&p->lock);
}

#include "journal/postgres_internal.h"

#include <stdlib.h>

/* Starts of a journal that several nodes share: which of them are over. */

static struct postgres_boot *find_boot(const struct postgres_journal *j, uint64_t number)
{
    for (uint32_t i = j->boot_count; i-- > 0;)
        if (j->boots[i].number == number)
            return &j->boots[i];
    return NULL;
}

static void keep_boot(struct postgres_journal *j, const struct postgres_boot *b)
{
    pthread_mutex_lock(&j->boots_lock);
    struct postgres_boot *at = find_boot(j, b->number);
    if (at)
        *at = *b;
    else if (ARRAY_RESERVE(j->boots, j->boot_cap, j->boot_count + 1))
        j->boots[j->boot_count++] = *b;
    pthread_mutex_unlock(&j->boots_lock);
}

static enum mu_err on_asked(void *ctx, struct pg_row *row)
{
    struct postgres_boot b = { .number = (uint64_t)pg_col_int(row) };

    b.alive_us = pg_col_int(row);
    b.over = pg_col_int(row);
    keep_boot(ctx, &b);
    return MU_OK;
}

/* A start that the store does not know is over. */
enum mu_err postgres_ask_boots(struct postgres_journal *j, struct pg *pg, const int64_t *numbers, size_t count)
{
    return pg_each(pg,
                   "SELECT number, coalesce(moment, 0), started IS NULL OR over IS NOT NULL "
                   "FROM unnest($1::bigint[]) AS asked (number) LEFT JOIN boot USING (number)",
                   PG_VALUES(pg_ints(numbers, count)), on_asked, j);
}

static bool look_up(struct postgres_journal *j, uint64_t number, struct postgres_boot *out)
{
    pthread_mutex_lock(&j->boots_lock);
    const struct postgres_boot *at = find_boot(j, number);
    *out = at ? *at : (struct postgres_boot){ .number = number };
    pthread_mutex_unlock(&j->boots_lock);
    return at != NULL;
}

bool postgres_boot_known_over(struct postgres_journal *j, uint64_t boot)
{
    struct postgres_boot b;

    return look_up(j, boot, &b) && b.over;
}

/* What is over stays over, and is asked for only once. Without an answer a start is not over. */
bool postgres_boot_is_over(struct journal *port, uint64_t boot, int64_t *since_us)
{
    struct postgres_journal *j = postgres_of(port);
    struct postgres_boot b;
    bool known = look_up(j, boot, &b);

    if (known ? !b.over : j->shared) {
        struct pg *pg = postgres_take(j);
        if (pg && postgres_ask_boots(j, pg, &(int64_t){ (int64_t)boot }, 1) == MU_OK)
            known = look_up(j, boot, &b);
        postgres_give_back(j, pg);
    }
    *since_us = b.alive_us;
    return b.over || (!known && !j->shared);
}

struct nodes_read {
    journal_node_fn row;
    void *ctx;
};

static enum mu_err on_node(void *ctx, struct pg_row *row)
{
    const struct nodes_read *r = ctx;
    struct journal_node node = { .boot = (uint64_t)pg_col_int(row) };

    node.name = pg_col_str(row);
    node.alive_us = pg_col_int(row);
    node.ready = pg_col_int(row);
    node.delta = (uint64_t)pg_col_int(row);
    node.registry = (uint64_t)pg_col_int(row);
    return r->row(r->ctx, &node);
}

enum mu_err postgres_nodes(struct journal *port, journal_node_fn row, void *ctx)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    enum mu_err err = MU_E_NOMEM;

    if (pg)
        err = pg_each(pg,
                      "SELECT number, name, (extract(epoch FROM alive) * 1000000)::bigint, batch > 0, delta, registry "
                      "FROM boot WHERE over IS NULL ORDER BY number",
                      NULL, 0, on_node, &(struct nodes_read){ row, ctx });
    postgres_give_back(j, pg);
    return postgres_error(err);
}

/* The committer's connection belongs to another thread. */
enum mu_err postgres_stay_alive(struct journal *port)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    uint64_t changed = 0;
    enum mu_err err = MU_E_NOMEM;

    if (pg)
        err = pg_run(pg, "UPDATE boot SET alive = clock_timestamp() WHERE number = $1 AND over IS NULL",
                     PG_VALUES(pg_int((int64_t)j->base.boot)), &changed);
    postgres_give_back(j, pg);
    return err == MU_OK && !changed ? MU_E_OVER : postgres_error(err);
}

#define ITS_SESSIONS \
    "pg_stat_activity WHERE datname = current_database() AND usename = current_user AND application_name "

/* A commit of that start locks its row, too: one of the two comes first, and the other sees it.
 *
 * In the middle of a COPY, or of statements that were not all sent, the server looks at none of its time limits: if the
 * sender stands still, it would keep the transaction, and its locks. */
static const char end_it[] =
    "WITH ended AS (UPDATE boot SET over = alive WHERE number = $1 AND over IS NULL AND "
    "(extract(epoch FROM alive) * 1000000)::bigint = $2 AND "
    "NOT EXISTS (SELECT FROM " ITS_SESSIONS "= " PG_NAME_COMMITS " AND wait_event_type = 'Lock') RETURNING number) "
    "SELECT (SELECT count(pg_terminate_backend(pid)) FROM " ITS_SESSIONS "IN (" PG_NAME_COMMITS
    ", " PG_NAME_WRITES_REGISTRY ") AND state <> 'idle') FROM ended AS boot";

static enum mu_err end_it_now(struct pg *pg, uint64_t boot, int64_t alive_us)
{
    int64_t unused;

    return pg_get(pg, end_it, PG_VALUES(pg_int((int64_t)boot), pg_int(alive_us)), pg_read_int, &unused, NULL);
}

/* Who sees that it is over believes all that it has committed. */
static enum mu_err end_and_finish(struct pg *pg, uint64_t boot, int64_t alive_us)
{
    enum mu_err err = pg_begin(pg, PG_WRITE);

    if (err == MU_OK && (err = pg_queue(pg, "SET LOCAL lock_timeout TO '500ms'", NULL, 0)) == MU_OK &&
        (err = end_it_now(pg, boot, alive_us)) == MU_OK && (err = postgres_finish_commits(pg, boot)) == MU_OK)
        return pg_commit(pg);
    pg_rollback(pg);
    return err;
}

enum mu_err postgres_end_boot(struct journal *port, uint64_t boot, int64_t alive_us)
{
    struct postgres_journal *j = postgres_of(port);
    struct pg *pg = postgres_take(j);
    int64_t unused;
    enum mu_err err = MU_E_NOMEM;

    if (pg)
        err = j->spread ? end_and_finish(pg, boot, alive_us) : end_it_now(pg, boot, alive_us);
    postgres_give_back(j, pg);
    if (err != MU_E_NOT_FOUND)
        return postgres_error(err);
    return postgres_boot_is_over(port, boot, &unused) ? MU_OK : MU_E_EXISTS;
}

/* Commits where Citus spreads the tables.
 *
 * Citus prepares a transaction on each worker, commits it on the coordinator, where `boot` and `delta` are, and then on each
 * worker. So for a moment the coordinator says that a batch is there, and who reads rows of a device still sees what was
 * before. If a worker cannot be reached at that moment, or the coordinator dies, it stays so until somebody calls
 * recover_prepared_transactions(), which Citus does by itself only once a minute.
 *
 * So a start has a lock of its own from before its commit until it knows that all of it is there: COMMIT came back without a
 * warning, or the call did. Who reads rows of devices that others write takes this lock for a moment. And the call is made
 * wherever that is not known: on every new connection (that of a reader is in postgres_pool.c), after a batch that failed, and
 * when a start is declared over. It leaves out what a process of the coordinator is still committing; such a process has the
 * lock. */
#include "journal/postgres_internal.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"

enum { LOG_EVERY_MS = 5000, LOG_AT_ONCE = 2 };

static void say_unfinished(const char *warning)
{
    static struct log_limit limit;
    uint32_t suppressed;

    if (log_limit_may(&limit, LOG_EVERY_MS, LOG_AT_ONCE, clock_mono_ms(), &suppressed))
        log_event(LOG_WARN, "journal_unfinished",
                  "warning=%s suppressed=%u hint=\"a commit may not be on all servers yet; it is tried again\"",
                  LOG_Q(warning, -1), suppressed);
}

enum mu_err postgres_finish_commits(struct pg *pg, uint64_t boot)
{
    int64_t unused;
    const char *warning;
    enum mu_err err = pg_run(pg, "SELECT pg_advisory_xact_lock(hashtext('muster.commit'), $1)",
                             PG_VALUES(pg_int((int64_t)boot)), NULL);

    if (err != MU_OK)
        return err;
    pg_warning(pg);
    err = pg_get(pg, "SELECT recover_prepared_transactions()", NULL, 0, pg_read_int, &unused, NULL);
    /* It only warns of a worker that it cannot reach. */
    if (err != MU_OK || !(warning = pg_warning(pg)))
        return err;
    say_unfinished(warning);
    return MU_E_CLOSED;
}

static enum mu_err unlock_commit(struct postgres_journal *j)
{
    enum mu_err err = pg_run(j->writer, "SELECT pg_advisory_unlock(hashtext('muster.commit'), $1)",
                             PG_VALUES(pg_int((int64_t)j->base.boot)), NULL);

    j->committing_in = 0;
    return err;
}

enum mu_err postgres_finish_own(struct postgres_journal *j)
{
    enum mu_err err = postgres_finish_commits(j->writer, j->base.boot);

    if (err == MU_OK && j->committing_in == pg_opened(j->writer))
        err = unlock_commit(j);
    if (err == MU_OK)
        j->finished_in = pg_opened(j->writer);
    return err;
}

enum mu_err postgres_commit_begins(struct postgres_journal *j)
{
    if (!j->spread)
        return MU_OK;
    enum mu_err err = pg_queue(j->writer, "SELECT pg_advisory_lock(hashtext('muster.commit'), $1)",
                               PG_VALUES(pg_int((int64_t)j->base.boot)));

    j->committing_in = pg_opened(j->writer);
    return err;
}

void postgres_commit_finished(struct postgres_journal *j)
{
    if (j->spread && unlock_commit(j) != MU_OK)
        j->finished_in = 0;
}

/* Locks of the session are given back at once: those of the transaction would be kept until its end. This start's own is
 * not waited for: its next commit gives it back, if the last one has failed. */
enum mu_err postgres_await_commits(const struct postgres_journal *j, struct pg *pg)
{
    if (!j->spread)
        return MU_OK;
    return pg_run(pg,
                  "SELECT pg_advisory_lock_shared(hashtext('muster.commit'), number::integer), "
                  "pg_advisory_unlock_shared(hashtext('muster.commit'), number::integer) FROM boot "
                  "WHERE over IS NULL AND number <> $1",
                  PG_VALUES(pg_int(j->unchanged ? 0 : (int64_t)j->base.boot)), NULL);
}

/* On a coordinator the first FETCH waits until all rows are there. */
enum pg_kind postgres_read_all(const struct postgres_journal *j)
{
    return j->spread ? PG_READ_LONG : PG_READ;
}

static enum mu_err look_whether_may_finish(struct pg *pg, char *why, size_t why_size)
{
    int64_t may;
    enum mu_err err = pg_get(pg, "SELECT has_function_privilege('recover_prepared_transactions()', 'EXECUTE')", NULL, 0,
                             pg_read_int, &may, NULL);

    if (err != MU_OK || may)
        return err;
    snprintf(
        why, why_size,
        "Citus spreads the tables, and muster's role may not call recover_prepared_transactions(), by which it finishes "
        "what a broken connection has left undone: let a superuser GRANT EXECUTE on this function to the role");
    return MU_E_SCHEMA;
}

enum mu_err postgres_look_whether_spread(struct postgres_journal *j, struct pg *pg, char *why, size_t why_size)
{
    int64_t n = 0;
    enum mu_err err =
        pg_get(pg, "SELECT count(*) FROM pg_extension WHERE extname = 'citus'", NULL, 0, pg_read_int, &n, NULL);

    if (err == MU_OK && n)
        err = pg_get(pg, "SELECT count(*) FROM pg_dist_partition WHERE logicalrelid = 'message'::regclass", NULL, 0,
                     pg_read_int, &n, NULL);
    j->spread = err == MU_OK && n;
    return j->spread ? look_whether_may_finish(pg, why, why_size) : err;
}

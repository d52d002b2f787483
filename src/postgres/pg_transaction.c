/* Transactions. */
#include "postgres/pg_private.h"

#include <assert.h>

enum mu_err pg_begin(struct pg *pg, enum pg_kind kind)
{
    enum mu_err err;

    assert(!pg->in_tx && !pg->lost);
    if ((err = pg_ready(pg, NULL, 0)) != MU_OK)
        return err;
    pg->in_tx = true;
    pg->failed = MU_OK;
    err = pg_queue(pg, kind == PG_WRITE ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0);
    if (err == MU_OK && kind == PG_READ_LONG)
        err = pg_queue(pg, "SET LOCAL statement_timeout TO 0", NULL, 0);
    pg->unhurried = kind == PG_READ_LONG;
    if (err != MU_OK)
        pg_rollback(pg);
    return err;
}

/* The server answers a COMMIT of a transaction that had failed with ROLLBACK, and without an error. And it only warns
 * when somebody has cancelled the COMMIT while it waited for a synchronous standby, which then may not have it. */
enum mu_err pg_commit(struct pg *pg)
{
    PGresult *result;

    pg->warned = false;
    enum mu_err err = pg->lost ? MU_E_CLOSED : pg_ask(pg, "COMMIT", NULL, 0, &result);

    assert(pg->in_tx);
    pg_forget_ahead(pg);
    if (err != MU_OK) {
        pg_rollback(pg);
        return err;
    }
    if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
        err = MU_E_IO;
    else if (pg->warned)
        err = MU_E_CLOSED;
    PQclear(result);
    pg->in_tx = pg->unhurried = false;
    return err;
}

void pg_end_read(struct pg *pg)
{
    assert(pg->in_tx);
    if (pg_queue(pg, "COMMIT", NULL, 0) == MU_OK && PQpipelineSync(pg->conn)) {
        pg->syncs++;
        pg->in_tx = pg->unhurried = false;
        if (pg_push(pg, false) == MU_OK)
            return;
    }
    pg_rollback(pg);
}

void pg_rollback(struct pg *pg)
{
    PGresult *result;

    pg_forget_ahead(pg);
    if (pg->in_tx && !pg->lost) {
        /* What was queued does not matter any more, nor whether it failed. */
        if ((pg->queued > 0 || pg->syncs > 0) && pg_collect(pg, NULL) != MU_OK && !pg->conn)
            goto out;
        pg->failed = MU_OK;
        if (pg_ask(pg, "ROLLBACK", NULL, 0, &result) == MU_OK)
            PQclear(result);
        else
            pg_lose(pg);
    }
out:
    pg->failed = MU_OK;
    pg->in_tx = pg->lost = pg->unhurried = false;
}

bool pg_in_transaction(const struct pg *pg)
{
    return pg->in_tx && !pg->lost && pg->failed == MU_OK;
}

/* COPY: many rows by one statement. */
#include "postgres/pg_private.h"

#include <assert.h>
#include <limits.h>

/* What begins and ends the binary form: a signature, flags, the length of an extension; a row of -1 columns. */
static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
static const char trailer[] = "\377\377";

/* Reads all results, and goes back into pipeline mode. */
static enum mu_err end(struct pg *pg, uint64_t *rows)
{
    enum mu_err err = MU_OK, entered;
    PGresult *result;

    while (pg->conn) {
        enum mu_err got = pg_next_result(pg, &result);
        int64_t n = 0;
        if (got == MU_OK && !result)
            break;
        if (got == MU_OK && PQresultStatus(result) == PGRES_COMMAND_OK) {
            if (rows && str_int64(str_of(PQcmdTuples(result)), &n))
                *rows = (uint64_t)n;
            PQclear(result);
        } else if (got == MU_OK) {
            got = pg_error(pg, result);
        }
        err = err != MU_OK ? err : got;
    }
    entered = pg->conn ? pg_enter_pipeline(pg) : MU_OK;
    return err != MU_OK ? err : entered;
}

enum mu_err pg_copy_begin(struct pg *pg, const char *sql)
{
    enum mu_err err;
    PGresult *result;

    assert(pg->in_tx);
    if (pg->failed != MU_OK)
        return pg->failed;
    if ((err = pg_ready(pg, NULL, 0)) != MU_OK || (err = pg_leave_pipeline(pg)) != MU_OK)
        return err;
    if (!PQsendQuery(pg->conn, sql))
        return pg_error(pg, NULL);
    if ((err = pg_push(pg, true)) != MU_OK || (err = pg_next_result(pg, &result)) != MU_OK)
        return err;
    if (PQresultStatus(result) != PGRES_COPY_IN) {
        err = pg_error(pg, result);
        enum mu_err ended = end(pg, NULL);
        return err != MU_OK ? err : ended;
    }
    PQclear(result);
    return pg_copy_rows(pg, header, sizeof(header) - 1);
}

enum mu_err pg_copy_rows(struct pg *pg, const void *rows, size_t len)
{
    const char *at = rows;

    if (!pg->conn)
        return MU_E_CLOSED;
    while (len > 0) {
        int n = len < INT_MAX / 2 ? (int)len : INT_MAX / 2;
        int put = PQputCopyData(pg->conn, at, n);
        if (put < 0)
            return pg_error(pg, NULL);
        if (put > 0) {
            at += n;
            len -= (size_t)n;
        }
        enum mu_err err = pg_push(pg, put == 0);
        if (err != MU_OK)
            return err;
    }
    return MU_OK;
}

enum mu_err pg_copy_end(struct pg *pg, uint64_t *rows)
{
    enum mu_err err;
    int put;

    if ((err = pg_copy_rows(pg, trailer, sizeof(trailer) - 1)) != MU_OK)
        return err;
    while ((put = PQputCopyEnd(pg->conn, NULL)) == 0) {
        if ((err = pg_push(pg, true)) != MU_OK)
            return err;
    }
    if (put < 0)
        return pg_error(pg, NULL);
    if ((err = pg_push(pg, true)) != MU_OK)
        return err;
    return end(pg, rows);
}

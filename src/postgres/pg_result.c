/* Sending to the server, and waiting for what it answers, but not for ever. */
#include "postgres/pg_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "base/clock.h"

/* The server ends a statement by itself when its time is over. It is given this much longer to say so. */
enum { PATIENCE_MORE_S = 5 };

/* Waits until the socket can be read, or written if `write`. */
static enum mu_err wait_for_socket(struct pg *pg, bool write, int64_t until_us)
{
    struct pollfd fd = { .fd = PQsocket(pg->conn), .events = (short)(POLLIN | (write ? POLLOUT : 0)) };

    for (;;) {
        int64_t left_ms = until_us ? (until_us - clock_mono_us()) / 1000 : -1;
        if (until_us && left_ms <= 0)
            return pg_gone(pg, "the server does not answer");
        int ready = poll(&fd, 1, (int)left_ms);
        if (ready > 0)
            return MU_OK;
        if (ready < 0 && errno != EINTR)
            return pg_gone(pg, "poll failed");
    }
}

/* 0: for ever. */
static int64_t patience(const struct pg *pg)
{
    unsigned s = pg->unhurried ? 0 : pg->settings.statement_s;
    int64_t until_us = s ? clock_mono_us() + (int64_t)(s + PATIENCE_MORE_S) * 1000000 : 0;

    return pg->until_us && (!until_us || pg->until_us < until_us) ? pg->until_us : until_us;
}

void pg_wait_until(struct pg *pg, int64_t until_us)
{
    pg->until_us = until_us;
}

/* The server may wait until we have read its answers, so both directions go on. */
enum mu_err pg_push(struct pg *pg, bool wait)
{
    int64_t until = 0;
    enum mu_err err;
    int left;

    while ((left = PQflush(pg->conn)) > 0 && wait) {
        until = until ? until : patience(pg);
        if ((err = wait_for_socket(pg, true, until)) != MU_OK)
            return err;
        if (!PQconsumeInput(pg->conn))
            return pg_error(pg, NULL);
    }
    return left < 0 ? pg_error(pg, NULL) : MU_OK;
}

enum mu_err pg_next_result(struct pg *pg, PGresult **out)
{
    int64_t until = 0;
    enum mu_err err;

    while (PQisBusy(pg->conn)) {
        until = until ? until : patience(pg);
        if ((err = wait_for_socket(pg, false, until)) != MU_OK)
            return err;
        if (!PQconsumeInput(pg->conn))
            return pg_error(pg, NULL);
    }
    *out = PQgetResult(pg->conn);
    return MU_OK;
}

/* The result of the next statement in the pipeline, and what ends it. */
static enum mu_err statement_result(struct pg *pg, PGresult **out)
{
    enum mu_err err;
    PGresult *end = NULL;

    do {
        if ((err = pg_next_result(pg, out)) != MU_OK)
            return err;
        if (PQresultStatus(*out) != PGRES_PIPELINE_SYNC)
            break;
        assert(pg->syncs > 0);
        pg->syncs--;
        PQclear(*out);
    } while (true);
    if (!*out || PQstatus(pg->conn) != CONNECTION_OK)
        return pg_error(pg, *out);
    if ((err = pg_next_result(pg, &end)) != MU_OK) {
        PQclear(*out);
        return err;
    }
    assert(!end);
    return MU_OK;
}

static enum mu_err error_of(struct pg *pg, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK: return MU_OK;
    default: return pg_error(pg, result);
    }
}

static void keep_or_clear(struct pg *pg, PGresult *result)
{
    struct pg_read_ahead *a = &pg->ahead;

    if (a->got < a->count)
        a->answers[a->got++].result = result;
    else
        PQclear(result);
}

/* The results of what was queued. Returns the error that counts, which is the first: after it the server skips all
 * statements up to the sync. */
static enum mu_err read_queued(struct pg *pg)
{
    enum mu_err err, first = MU_OK;
    PGresult *result = NULL;

    for (; pg->queued > 0; pg->queued--) {
        if ((err = statement_result(pg, &result)) != MU_OK)
            return err;
        if (PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
            PQclear(result);
        else if ((err = error_of(pg, result)) == MU_OK)
            keep_or_clear(pg, result);
        else if (!pg->conn)
            return err;
        else if (first == MU_OK)
            first = err;
    }
    return first;
}

static enum mu_err read_syncs(struct pg *pg)
{
    enum mu_err err;
    PGresult *result;

    for (; pg->syncs > 0; pg->syncs--) {
        if ((err = pg_next_result(pg, &result)) != MU_OK)
            return err;
        if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
            return pg_error(pg, result);
        PQclear(result);
    }
    return MU_OK;
}

enum mu_err pg_read_due(struct pg *pg)
{
    enum mu_err err = read_queued(pg), synced = pg->conn ? read_syncs(pg) : MU_OK;

    return err != MU_OK ? err : synced;
}

enum mu_err pg_collect(struct pg *pg, PGresult **out)
{
    enum mu_err err, own = MU_OK;
    PGresult *result = NULL;

    if (out)
        *out = NULL;
    if (!PQpipelineSync(pg->conn))
        return pg_error(pg, NULL);
    pg->syncs++;
    if ((err = pg_push(pg, true)) != MU_OK)
        return err;
    pg->failed = read_queued(pg);
    if (!pg->conn)
        return MU_E_CLOSED;
    if (out && (err = statement_result(pg, &result)) != MU_OK)
        return err;
    if (out && pg->failed == MU_OK && (own = error_of(pg, result)) != MU_OK)
        result = NULL;
    err = pg->conn ? read_syncs(pg) : own;
    err = pg->failed != MU_OK ? pg->failed : own != MU_OK ? own : err;
    if (err == MU_OK && out)
        *out = result;
    else
        PQclear(result);
    return err;
}

enum mu_err pg_leave_pipeline(struct pg *pg)
{
    enum mu_err err;

    if ((pg->queued > 0 || pg->syncs > 0) && (err = pg_collect(pg, NULL)) != MU_OK)
        return err;
    if (!PQexitPipelineMode(pg->conn))
        return pg_error(pg, NULL);
    return MU_OK;
}

enum mu_err pg_enter_pipeline(struct pg *pg)
{
    if (PQsetnonblocking(pg->conn, 1) != 0 || !PQenterPipelineMode(pg->conn))
        return pg_error(pg, NULL);
    return MU_OK;
}

/* What the errors of PostgreSQL and of libpq mean here, and their lines in the log. */
#include "postgres/pg_private.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"

enum { LOG_EVERY_MS = 1000, LOG_AT_ONCE = 5, EVENTS_MAX = 8 };

/* By SQLSTATE: whole codes first, then classes. */
/* clang-format off: a table */
static const struct sqlstate_meaning {
    const char *state;
    enum mu_err err;
} meanings[] = {
    { "23505", MU_E_EXISTS },    /* unique_violation */
    { "23503", MU_E_NOT_FOUND }, /* foreign_key_violation */
    { "25006", MU_E_CLOSED },    /* read_only_sql_transaction: this server has become a standby */
    { "53100", MU_E_FULL },      /* disk_full */
    { "53200", MU_E_NOMEM },     /* out_of_memory */
    { "53300", MU_E_CLOSED },    /* too_many_connections */
    { "40001", MU_E_LOCKED },    /* serialization_failure */
    { "40P01", MU_E_LOCKED },    /* deadlock_detected */
    { "55P03", MU_E_LOCKED },    /* lock_not_available */
    { "57014", MU_E_TIMEOUT },   /* query_canceled: statement_timeout */
    { "57P01", MU_E_CLOSED },    /* admin_shutdown */
    { "57P02", MU_E_CLOSED },    /* crash_shutdown */
    { "57P03", MU_E_CLOSED },    /* cannot_connect_now */
    { "42P01", MU_E_SCHEMA },    /* undefined_table */
    { "42703", MU_E_SCHEMA },    /* undefined_column */
    { "3F000", MU_E_SCHEMA },    /* invalid_schema_name */
    { "XX001", MU_E_CORRUPT },   /* data_corrupted */
    { "XX002", MU_E_CORRUPT },   /* index_corrupted */
    { "08", MU_E_CLOSED },       /* connection exceptions */
    { "22", MU_E_VALUE },        /* data exceptions */
    { "23", MU_E_VALUE },        /* the other constraints */
    { "54", MU_E_LIMIT },        /* program limits */
};
/* clang-format on */

static enum mu_err meaning_of(const char *state)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
        if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0)
            return meanings[i].err;
    }
    return MU_E_IO;
}

/* One for each event: while a server is away, each call has a connection of its own, which fails. */
static struct event_limit {
    const char *event;
    struct log_limit limit;
} limits[EVENTS_MAX];
static pthread_mutex_t limits_lock = PTHREAD_MUTEX_INITIALIZER;

static struct log_limit *limit_of(const char *event)
{
    struct event_limit *l = limits;

    pthread_mutex_lock(&limits_lock);
    while (l < limits + EVENTS_MAX - 1 && l->event && strcmp(l->event, event) != 0)
        l++;
    l->event = event;
    pthread_mutex_unlock(&limits_lock);
    return &l->limit;
}

static void log_failure(const struct pg *pg, const char *state, const char *text)
{
    uint32_t suppressed;

    if (log_limit_may(limit_of(pg->settings.event), LOG_EVERY_MS, LOG_AT_ONCE, clock_mono_ms(), &suppressed))
        log_event(LOG_ERROR, pg->settings.event, "code=%s error=%s suppressed=%u", state,
                  LOG_Q(text, (long)strcspn(text, "\n")), suppressed);
}

enum mu_err pg_gone(struct pg *pg, const char *what)
{
    log_failure(pg, "none", what);
    pg_lose(pg);
    return MU_E_CLOSED;
}

/* Whether this is not about a statement: libpq says it, or the server, which then ends. Its words are of its own trouble,
 * such as a full disk for its WAL. A COMMIT may have been written before. */
static bool ends_connection(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

    return !severity || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

enum mu_err pg_error(struct pg *pg, PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    bool broken = PQstatus(pg->conn) != CONNECTION_OK || ends_connection(result);
    enum mu_err err = state ? meaning_of(state) : MU_E_CLOSED;

    if (err != MU_E_EXISTS && err != MU_E_NOT_FOUND && err != MU_E_VALUE)
        log_failure(pg, state ? state : "none", text ? text : PQerrorMessage(pg->conn));
    PQclear(result);
    if (broken || err == MU_E_CLOSED) {
        pg_lose(pg);
        return MU_E_CLOSED;
    }
    return err;
}

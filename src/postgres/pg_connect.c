/* Opening a connection, and losing it. */
#include "postgres/pg_private.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* What the tests run against is the oldest that is allowed. */
enum { OLDEST_SERVER = 150000 };

/* What a URI may set otherwise. A server that is gone without a word is noticed after TCP_TIMEOUT_MS. */
#define CONNECT_TIMEOUT_S "5"
#define TCP_TIMEOUT_MS    "10000"
#define KEEPALIVE_IDLE_S  "5"
#define KEEPALIVE_EACH_S  "2"
#define KEEPALIVE_COUNT   "3"
/* The same for the other end: a machine that is gone without a word must not keep its locks for hours. */
#define SERVER_KEEPALIVE                                                                       \
    "SET tcp_user_timeout TO " TCP_TIMEOUT_MS "; SET tcp_keepalives_idle TO " KEEPALIVE_IDLE_S \
    "; SET tcp_keepalives_interval TO " KEEPALIVE_EACH_S "; SET tcp_keepalives_count TO " KEEPALIVE_COUNT "; "

/* What a statement has as values, at most; an import sends lists. */
#define SENT_MAX       (64 * 1024 * 1024)
#define AHEAD_KEYS_MAX (PG_AHEAD_MAX * 1024) /* a key is an id or two */

struct pg *pg_new(const struct pg_settings *settings)
{
    assert(settings->uri && settings->schema && settings->event);
    struct pg *pg = calloc(1, sizeof(*pg));

    if (!pg || !(pg->uri = strdup(settings->uri))) {
        free(pg);
        return NULL;
    }
    pg->settings = *settings;
    pg->settings.uri = pg->uri;
    buf_init(&pg->sent, SENT_MAX);
    buf_init(&pg->ahead.keys, AHEAD_KEYS_MAX);
    return pg;
}

enum mu_err pg_open(struct pg **out, const struct pg_settings *settings, char *why, size_t why_size)
{
    *out = NULL;
    if (!pg_can_read_uri(settings->uri)) {
        snprintf(why, why_size,
                 "the URI of the database cannot be read: write special characters of the password as %%XX");
        return MU_E_VALUE;
    }
    struct pg *pg = pg_new(settings);
    enum mu_err err = pg ? pg_ready(pg, why, why_size) : MU_E_NOMEM;

    if (err == MU_E_NOMEM)
        snprintf(why, why_size, "%s", mu_err_text(err));
    *out = pg;
    if (err != MU_OK) {
        pg_close(pg);
        *out = NULL;
    }
    return err;
}

static void forget(struct pg *pg)
{
    pg_forget_ahead(pg);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->queued = pg->syncs = 0;
    pg->kept_count = 0;
}

void pg_close(struct pg *pg)
{
    if (!pg)
        return;
    forget(pg);
    pg_free_ahead(pg);
    buf_free(&pg->sent);
    free(pg->uri);
    free(pg);
}

void pg_lose(struct pg *pg)
{
    pg->lost = pg->in_tx;
    forget(pg);
}

void pg_drop(struct pg *pg)
{
    if (!pg->in_tx)
        forget(pg);
}

/* PostgreSQL's notices ("schema exists already") are nothing to tell. A warning matters to pg_commit. */
static void take_notice(void *ctx, const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    struct pg *pg = ctx;

    if (!severity || strcmp(severity, "WARNING") != 0)
        return;
    pg->warned = true;
    snprintf(pg->warning, sizeof(pg->warning), "%s", text ? text : "");
}

const char *pg_warning(struct pg *pg)
{
    bool warned = pg->warned;

    pg->warned = false;
    return warned ? pg->warning : NULL;
}

/* Whether the server is one that muster can use. */
static enum mu_err look_at_server(struct pg *pg, char *why, size_t why_size)
{
    const char *encoding = PQparameterStatus(pg->conn, "server_encoding");
    int version = PQserverVersion(pg->conn);

    if (version < OLDEST_SERVER) {
        snprintf(why, why_size, "the server is PostgreSQL %d, and muster needs %d or newer", version / 10000,
                 OLDEST_SERVER / 10000);
        return MU_E_SCHEMA;
    }
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        snprintf(why, why_size,
                 "the database's encoding is %s, and muster needs UTF8: create it with \"ENCODING UTF8\"",
                 encoding ? encoding : "unknown");
        return MU_E_SCHEMA;
    }
    return MU_OK;
}

/* The rest of what every connection has, whatever a database or a role is set to. "Take the lock, look, write" needs
 * statements that see what was committed before each of them. A statement here takes a millisecond or moves rows by the
 * thousand; to compile its plan takes longer than that, and where scans are turned off, PostgreSQL thinks each plan so dear
 * that it compiles it. */
static enum mu_err set_up(struct pg *pg)
{
    char sql[1000];

    /* What is "on" is said, too: the server's settings may be read again while we are connected. */
    snprintf(sql, sizeof(sql),
             "SELECT set_config('synchronous_commit', 'on', false) "
             "WHERE current_setting('synchronous_commit') IN ('on', 'off'); "
             "SET default_transaction_isolation TO 'read committed'; SET lock_timeout TO 0; SET jit TO off; "
             "SET client_min_messages TO warning; " SERVER_KEEPALIVE
             "SET search_path TO %s; SET statement_timeout TO '%us'; "
             "SET idle_in_transaction_session_timeout TO '%us'; %s",
             pg->settings.schema, pg->settings.statement_s, pg->settings.idle_s,
             pg->settings.set ? pg->settings.set : "");
    PGresult *result = PQexec(pg->conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        return pg_error(pg, result);
    PQclear(result);
    return pg_enter_pipeline(pg);
}

static enum mu_err show_name(struct pg *pg)
{
    char sql[100];

    if (!*pg->name)
        return MU_OK;
    snprintf(sql, sizeof(sql), "SET application_name TO '%s'", pg->name);
    return pg_exec(pg, sql);
}

enum mu_err pg_work_for(struct pg *pg, uint64_t start, enum pg_work work)
{
    assert(!pg->in_tx);
    snprintf(pg->name, sizeof(pg->name), "muster %llu%s", (unsigned long long)start,
             work == PG_COMMITS ? "" : " registry");
    return show_name(pg);
}

/* A server that ended or restarted meanwhile has said so and closed the connection. Nothing else can come while nothing
 * is due. */
static void look_whether_open(struct pg *pg)
{
    struct pollfd fd = { .events = POLLIN };

    if ((pg->queued > 0 || pg->syncs > 0) && (pg_read_due(pg) != MU_OK || !pg->conn))
        return;
    fd.fd = PQsocket(pg->conn);
    if (poll(&fd, 1, 0) > 0 && (!pg->listens || !PQconsumeInput(pg->conn)))
        forget(pg);
}

/* The log keeps only the beginning of a long text, so there the cause stands first: libpq tells the place before. */
static enum mu_err tell_failure(struct pg *pg, const char *shown, char *why, size_t why_size)
{
    const char *text = PQerrorMessage(pg->conn), *cause = strstr(text, " failed: ");
    size_t len = strcspn(text, "\n");
    char line[400];

    snprintf(why, why_size, "cannot connect to %s: %.*s", shown, (int)len, text);
    if (strncmp(text, "connection to server ", 21) != 0 || !cause || cause > text + len)
        return pg_gone(pg, text);
    snprintf(line, sizeof(line), "cannot connect: %.*s (%.*s)", (int)(text + len - cause) - 9, cause + 9,
             (int)(cause - text), text);
    return pg_gone(pg, line);
}

enum mu_err pg_ready(struct pg *pg, char *why, size_t why_size)
{
    /* What stands before the URI is what it may set otherwise; what stands behind holds whatever it says. */
    const char *const keys[] = {
        "target_session_attrs", "connect_timeout",  "tcp_user_timeout", "keepalives_idle", "keepalives_interval",
        "keepalives_count",     "application_name", "dbname",           "client_encoding", NULL
    };
    const char *const values[] = {
        "read-write",    CONNECT_TIMEOUT_S, TCP_TIMEOUT_MS, KEEPALIVE_IDLE_S, KEEPALIVE_EACH_S,
        KEEPALIVE_COUNT, "muster",          pg->uri,        "UTF8",           NULL
    };
    char shown[200], cause[400] = "";
    enum mu_err err;

    if (pg->conn && !pg->in_tx)
        look_whether_open(pg);
    if (pg->conn)
        return MU_OK;
    if (pg->lost)
        return MU_E_CLOSED;
    assert(!pg->in_tx);
    pg->conn = PQconnectdbParams(keys, values, 1);
    if (!pg->conn)
        return MU_E_NOMEM;
    pg_show_uri(pg->uri, shown, sizeof(shown));
    if (PQstatus(pg->conn) != CONNECTION_OK)
        return tell_failure(pg, shown, why, why_size);
    PQsetNoticeReceiver(pg->conn, take_notice, pg);
    if ((err = look_at_server(pg, cause, sizeof(cause))) != MU_OK || (err = set_up(pg)) != MU_OK ||
        (err = show_name(pg)) != MU_OK) {
        snprintf(why, why_size, "cannot use %s: %s", shown, *cause ? cause : mu_err_text(err));
        forget(pg);
    } else {
        pg->opened++;
    }
    return err;
}

#include "journal/postgres_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* Opening and closing: the schema, the lock of the one start that writes, the number of this start, and the table of
 * functions. */

/* The committer's transactions take milliseconds. A server process whose client was stopped ends its transaction, so
 * that the next start need not wait for it. */
enum { STATEMENT_S = 60, IDLE_S = 30, IDLE_SHARED_S = 5 /* half a node's lease */ };
/* A server notices at once that a process was killed, unless its machine is gone, too. */
enum { WAIT_S = 10, LOCK_AGAIN_MS = 100 };
/* A node that has not read a delta in this time is over long since. */
enum { DELTA_KEEP_MS = 60000 };

static const struct journal_driver postgres_driver, postgres_shared_driver;

static struct pg_settings settings_of(const char *uri)
{
    return (struct pg_settings){
        .uri = uri, .schema = "journal", .event = "journal_failed", .statement_s = STATEMENT_S, .idle_s = IDLE_S
    };
}

/* --- what the server is set to ------------------------------------------------------------------------ */

struct server_settings {
    char fsync[8], full_page_writes[8];
};

static void read_settings(struct pg_row *row, void *out)
{
    struct server_settings *s = out;

    str_copy(s->fsync, sizeof(s->fsync), pg_col_str(row));
    str_copy(s->full_page_writes, sizeof(s->full_page_writes), pg_col_str(row));
}

/* A server without fsync loses what it has confirmed when its machine fails. This is its owner's decision, and a test's:
 * it is said aloud, and not refused. */
static enum mu_err look_at_settings(struct postgres_journal *j)
{
    struct server_settings s = { 0 };
    enum mu_err err = pg_get(j->writer, "SELECT current_setting('fsync'), current_setting('full_page_writes')", NULL, 0,
                             read_settings, &s, NULL);

    if (err == MU_OK && (strcmp(s.fsync, "off") == 0 || strcmp(s.full_page_writes, "off") == 0))
        log_event(LOG_WARN, "database_not_durable",
                  "fsync=%s full_page_writes=%s hint=\"what was acknowledged may be lost when the database's machine "
                  "fails\"",
                  s.fsync, s.full_page_writes);
    return err;
}

/* --- starts --------------------------------------------------------------------------------------------- */

static enum mu_err wait_for_lock(struct postgres_journal *j, int wait_s)
{
    int64_t until_ms = clock_mono_ms() + (wait_s ? wait_s : WAIT_S) * INT64_C(1000);
    enum mu_err err;

    while ((err = postgres_lock(j)) == MU_E_LOCKED && clock_mono_ms() < until_ms)
        poll(NULL, 0, LOCK_AGAIN_MS);
    return err;
}

static enum mu_err on_boot(void *ctx, struct pg_row *row)
{
    struct postgres_journal *j = ctx;

    if (!ARRAY_RESERVE(j->boots, j->boot_cap, j->boot_count + 1))
        return MU_E_NOMEM;
    struct postgres_boot *b = &j->boots[j->boot_count++];
    b->number = (uint64_t)pg_col_int(row);
    b->alive_us = pg_col_int(row);
    b->over = pg_col_int(row);
    j->followed_us = pg_col_is_null(row) ? INT64_MAX : pg_col_int(row);
    return MU_OK;
}

/* The last one's `followed` is what counts. */
static enum mu_err load_boots(struct postgres_journal *j, struct pg *pg)
{
    enum mu_err err = pg_each(pg,
                              "SELECT number, moment, over IS NOT NULL, followed "
                              "FROM boot ORDER BY number",
                              NULL, 0, on_boot, j);

    if (j->boot_count)
        j->base.boot = j->boots[j->boot_count - 1].number;
    return err;
}

/* Those starts that are known to be over cannot commit from here on. The lock is for the next number. */
static enum mu_err end_boots(struct postgres_journal *j, const struct postgres_journal_options *options)
{
    enum mu_err err = pg_queue(j->writer, "SELECT pg_advisory_xact_lock(hashtext('muster.boot'))", NULL, 0);

    if (err != MU_OK)
        return err;
    if (!options->shared)
        return pg_queue(j->writer, "UPDATE boot SET over = clock_timestamp() WHERE over IS NULL", NULL, 0);
    return pg_queue(j->writer, "UPDATE boot SET over = alive WHERE number = $1 AND over IS NULL",
                    PG_VALUES(pg_int((int64_t)options->previous)));
}

/* What they have committed must be there before anybody reads on from it. Where the starts before have no lock of the
 * journal any more, they have no commit under way either; only of the one before on this directory that is not known. */
static enum mu_err finish_earlier(struct postgres_journal *j, const struct postgres_journal_options *options)
{
    enum mu_err err = j->spread ? postgres_finish_commits(j->writer, options->previous) : MU_OK;

    if (err == MU_OK)
        j->finished_in = pg_opened(j->writer);
    return err;
}

static enum mu_err begin_boot(struct postgres_journal *j, const struct postgres_journal_options *options)
{
    enum mu_err err = pg_begin(j->writer, PG_WRITE);

    if (err != MU_OK)
        return err;
    if ((err = end_boots(j, options)) != MU_OK || (err = finish_earlier(j, options)) != MU_OK ||
        (err = load_boots(j, j->writer)) != MU_OK)
        goto out;
    j->base.boot++;
    err = pg_run(j->writer, "INSERT INTO boot (number, followed, name) VALUES ($1, $2, $3)",
                 PG_VALUES(pg_int((int64_t)j->base.boot),
                           j->followed_us == INT64_MAX ? pg_null() : pg_int(j->followed_us),
                           pg_text(options->name ? options->name : "")),
                 NULL);
    if (err == MU_OK)
        return pg_commit(j->writer);
out:
    pg_rollback(j->writer);
    return err;
}

static void end_boot(struct postgres_journal *j)
{
    if (j->over || pg_run(j->writer,
                          "UPDATE boot SET alive = clock_timestamp(), over = clock_timestamp() "
                          "WHERE number = $1 AND over IS NULL",
                          PG_VALUES(pg_int((int64_t)j->base.boot)), NULL) != MU_OK)
        log_event(LOG_WARN, "journal_not_ended", "boot=%llu", (unsigned long long)j->base.boot);
}

static int64_t followed_until_us(struct journal *port)
{
    struct postgres_journal *j = postgres_of(port);

    pthread_mutex_lock(&j->followed_lock);
    int64_t until_us = j->followed_us;
    pthread_mutex_unlock(&j->followed_lock);
    return until_us;
}

static void note_registry(struct journal *port, uint64_t change, uint32_t device)
{
    (void)device; /* both stores are in one database, and go back together */
    postgres_of(port)->registry = change;
}

static enum mu_err load_clock(struct postgres_journal *j, int64_t patience_s)
{
    int64_t trusted_us = 0;
    enum mu_err err =
        pg_get(j->writer, "SELECT value FROM noted WHERE name = 'clock'", NULL, 0, pg_read_int, &trusted_us, NULL);

    expiry_clock_init(&j->clock, trusted_us, patience_s);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

/* --- opening and closing -------------------------------------------------------------------------------- */

static void close_journal(struct journal *port)
{
    struct postgres_journal *j = postgres_of(port);

    if (j->writer && !j->unchanged && j->base.boot)
        end_boot(j);
    /* The server ends a connection when it comes to it; who opens the journal next must not find the lock held. */
    if (j->locked_in && j->locked_in == pg_opened(j->writer) &&
        pg_exec(j->writer, "SELECT pg_advisory_unlock_all()") == MU_OK)
        j->locked_in = 0;
    pg_close(j->writer);
    postgres_pool_free(&j->pool);
    pthread_mutex_destroy(&j->followed_lock);
    pthread_mutex_destroy(&j->boots_lock);
    free(j->boots);
    free(j->kept);
    free(j->days);
    free(j->uri);
    free(j);
}

static enum mu_err create(struct postgres_journal **out, const char *uri)
{
    struct postgres_journal *j = calloc(1, sizeof(*j));

    if (!j || !(j->uri = strdup(uri))) {
        free(j);
        return MU_E_NOMEM;
    }
    j->base.driver = &postgres_driver;
    j->followed_us = INT64_MAX;
    pthread_mutex_init(&j->followed_lock, NULL);
    pthread_mutex_init(&j->boots_lock, NULL);
    *out = j;
    return postgres_pool_init(&j->pool);
}

static void say(enum mu_err err, const char *uri, char *why, size_t why_size)
{
    char shown[200];

    if (*why || err == MU_OK)
        return;
    pg_show_uri(uri, shown, sizeof(shown));
    if (err == MU_E_LOCKED)
        snprintf(why, why_size, "the journal in %s is in use by another node", shown);
    else
        snprintf(why, why_size, "cannot open the journal in %s: %s", shown, mu_err_text(err));
}

enum mu_err postgres_journal_open(struct journal **out, const char *uri, const struct postgres_journal_options *options,
                                  char *why, size_t why_size)
{
    struct postgres_journal *j = NULL;
    struct pg_settings settings = settings_of(uri);
    enum mu_err err;

    *why = '\0';
    *out = NULL;
    if ((err = create(&j, uri)) != MU_OK)
        goto out;
    j->retention_days = options->retention_days ? options->retention_days : EXPIRY_DAYS;
    j->shared = options->shared;
    j->delta_keep_ms = options->delta_keep_ms ? options->delta_keep_ms : DELTA_KEEP_MS;
    j->keep_asked_ms = -j->delta_keep_ms;
    if (j->shared) {
        j->base.driver = &postgres_shared_driver;
        settings.idle_s = IDLE_SHARED_S;
    }
    if ((err = pg_open(&j->writer, &settings, why, why_size)) != MU_OK || (err = look_at_settings(j)) != MU_OK ||
        (err = wait_for_lock(j, options->wait_s)) != MU_OK ||
        /* Behind the lock: while it is held, nobody migrates. */
        (err = pg_schema_check(j->writer, &journal_schema, why, why_size)) != MU_OK ||
        (err = postgres_look_whether_spread(j, j->writer, why, why_size)) != MU_OK ||
        (err = postgres_days_load(j)) != MU_OK || (err = load_clock(j, options->clock_patience_s)) != MU_OK)
        goto out;
    if ((err = begin_boot(j, options)) != MU_OK)
        j->base.boot = 0; /* not this one's */
    else if (!j->shared || (err = pg_work_for(j->writer, j->base.boot, PG_COMMITS)) == MU_OK)
        *out = &j->base;
out:
    say(err, uri, why, why_size);
    if (err != MU_OK && j)
        close_journal(&j->base);
    return err;
}

enum mu_err postgres_journal_open_unchanged(struct journal **out, const char *uri, char *why, size_t why_size)
{
    struct postgres_journal *j = NULL;
    struct pg_settings settings = settings_of(uri);
    struct pg *pg = NULL;
    enum mu_err err;

    *why = '\0';
    *out = NULL;
    if ((err = create(&j, uri)) != MU_OK)
        goto out;
    j->unchanged = true;
    /* Not one of the pool: how these read depends on what is looked at here. */
    err = (pg = pg_new(&settings)) ? pg_schema_check(pg, &journal_schema, why, why_size) : MU_E_NOMEM;
    if (err == MU_OK && (err = postgres_look_whether_spread(j, pg, why, why_size)) == MU_OK)
        err = load_boots(j, pg);
    pg_close(pg);
    if (err == MU_OK)
        *out = &j->base;
out:
    say(err, uri, why, why_size);
    if (err != MU_OK && j)
        close_journal(&j->base);
    return err;
}

/* clang-format off: a table */
#define FUNCTIONS                                                                                                      \
    .close = close_journal, .end_soon = postgres_end_soon, .boot_is_over = postgres_boot_is_over,                      \
    .note_registry = note_registry, .followed_until_us = followed_until_us, .batch_create = postgres_batch_create,     \
    .batch_destroy = postgres_batch_destroy, .batch_clear = postgres_batch_clear, .batch_bytes = postgres_batch_bytes, \
    .message = postgres_batch_message, .session = postgres_batch_session, .turn = postgres_batch_turn,                 \
    .state = postgres_batch_state, .followed = postgres_batch_followed, .versions = postgres_batch_versions,           \
    .active = postgres_batch_active, .active_set = postgres_batch_active_set, .event = postgres_batch_event,           \
    .forget_event = postgres_batch_forget_event, .forget_device = postgres_batch_forget_device,                        \
    .control = postgres_batch_control, .forget_controls = postgres_batch_forget_controls, .commit = postgres_commit,   \
    .roll = postgres_roll, .expiry_us = postgres_expiry_us, .visit = postgres_visit, .events = postgres_events,        \
    .controls = postgres_controls, .messages = postgres_messages, .sessions = postgres_sessions,                       \
    .messages_since = postgres_messages_since, .turned = postgres_turned, .check = postgres_check,                     \
    .copy = &postgres_driver_copy

static const struct journal_driver postgres_driver = { FUNCTIONS };
static const struct journal_driver postgres_shared_driver = { FUNCTIONS, .nodes = &postgres_driver_nodes };
/* clang-format on */

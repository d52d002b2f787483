/* muster copy: moves all that a data directory holds into a database, or back. The source is at rest, and stays as it
 * is. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "command/check_dir.h"
#include "command/commands.h"
#include "command/copy_target.h"
#include "journal/journal_copy.h"
#include "journal/postgres_journal.h"
#include "ops/progress.h"
#include "ops/settings.h"
#include "postgres/pg.h"
#include "registry/copy_rows.h"

struct store_copy {
    struct stores_where from;
    int lock; /* of the directory from which it comes */
    struct registry *registry;
    struct journal *journal;
    struct copy_target target;
    struct journal_copying copying;
    struct progress progress;
    char what[60];
    const char *doing;
    bool quiet;
    char why[512];
};

static void step(void *ctx)
{
    struct store_copy *c = ctx;

    if (c->progress.done % 1000 == 0)
        snprintf(c->what, sizeof(c->what), "%s %llu", c->doing, (unsigned long long)c->progress.done);
    progress_add(&c->progress, 1);
}

static void begin(struct store_copy *c, const char *doing)
{
    progress_end(&c->progress);
    c->doing = doing;
    c->progress = progress_of(c->quiet ? NULL : "muster copy", c->what, 0);
}

/* --- the two places -------------------------------------------------------------------------------*/

static enum mu_err choose(struct store_copy *c, const char *from, const char *to)
{
    bool from_store = pg_is_uri(from), to_store = pg_is_uri(to);

    c->from = (struct stores_where){ from_store ? NULL : from, from_store ? from : NULL };
    c->target.where = (struct stores_where){ to_store ? NULL : to, to_store ? to : NULL };
    if (from_store != to_store)
        return MU_OK;
    snprintf(c->why, sizeof(c->why), "one of --from and --to must be a directory, and the other a database; %s",
             from_store ? "pg_dump copies a database" : "muster backup and muster restore copy a directory");
    return MU_E_VALUE;
}

static enum mu_err open_source(struct store_copy *c)
{
    enum mu_err err;

    if (c->from.dir && (err = check_dir_lock(c->from.dir, &c->lock, c->why, sizeof(c->why))) != MU_OK)
        return err;
    if ((err = check_dir_open_registry(&c->registry, &c->from, c->why, sizeof(c->why))) != MU_OK ||
        (err = check_dir_open_journal(&c->journal, &c->from, c->registry, c->why, sizeof(c->why))) != MU_OK)
        return err;
    c->why[0] = '\0';
    if (c->from.dir || (err = postgres_journal_hold(c->journal)) != MU_E_LOCKED)
        return c->from.dir ? MU_OK : err;
    snprintf(c->why, sizeof(c->why), "the database is in use; stop the server first");
    return err;
}

/* --- copying --------------------------------------------------------------------------------------*/

static enum mu_err copy_stores(struct store_copy *c)
{
    enum mu_err err;

    begin(c, "configuration:");
    if ((err = registry_copy(c->registry, c->target.registry, step, c, c->why, sizeof(c->why))) != MU_OK ||
        (err = copy_target_open_journal(&c->target, c->why, sizeof(c->why))) != MU_OK)
        return err;
    c->why[0] = '\0';
    c->copying = (struct journal_copying){ .from = c->journal, .to = c->target.journal, .step = step, .ctx = c };
    begin(c, "records:");
    if ((err = journal_copy(&c->copying, c->why, sizeof(c->why))) != MU_OK)
        return err;
    begin(c, "comparing:");
    return journal_compare(&c->copying, c->why, sizeof(c->why));
}

static void tell(const struct store_copy *c)
{
    struct registry_totals totals;
    char shown[512];

    if (c->quiet || registry_count(c->registry, &totals) != MU_OK)
        return;
    stores_show_place(&c->target.where, shown, sizeof(shown));
    printf("%s: copied: %llu products, %llu devices, %llu users, %llu messages, %llu session records\n", shown,
           (unsigned long long)totals.products, (unsigned long long)totals.devices, (unsigned long long)totals.users,
           (unsigned long long)c->copying.counts[JOURNAL_MESSAGES],
           (unsigned long long)c->copying.counts[JOURNAL_SESSIONS]);
}

static enum mu_err run(struct store_copy *c)
{
    enum mu_err err;

    if ((err = open_source(c)) != MU_OK || (err = copy_target_open(&c->target, c->why, sizeof(c->why))) != MU_OK)
        return err;
    c->why[0] = '\0';
    if (c->target.again)
        fprintf(stderr, "muster copy: an earlier copy was interrupted; this one begins anew\n");
    err = copy_stores(c);
    progress_end(&c->progress);
    if (err == MU_OK && (err = copy_target_finish(&c->target, c->why, sizeof(c->why))) == MU_OK)
        tell(c);
    return err;
}

/* What is there then is marked as a part, and the next copy begins anew. */
static void on_end(int signal)
{
    static const char text[] = "\nmuster copy: interrupted; the same command begins anew\n";

    (void)signal;
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(1);
}

static void catch_ends(void)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        sigaction(ends[i], &(struct sigaction){ .sa_handler = on_end }, NULL);
}

static int copy(const struct settings *s)
{
    struct store_copy c = { .lock = -1, .target = { .dir = -1, .lock = -1 }, .quiet = setting_on(s, "quiet") };
    enum mu_err err = choose(&c, setting_text(s, "from"), setting_text(s, "to"));

    log_set_level(LOG_WARN);
    umask(077);
    catch_ends();
    if (err == MU_OK)
        err = run(&c);
    if (err != MU_OK)
        fprintf(stderr, "muster copy: %s\n", c.why[0] ? c.why : mu_err_text(err));
    copy_target_close(&c.target);
    journal_close(c.journal);
    registry_close(c.registry);
    if (c.lock >= 0)
        close(c.lock);
    return err == MU_OK ? 0 : operation_status(err);
}

/* clang-format off: a table */
static const struct setting copy_settings[] = {
    { .name = "from",
      .kind = SETTING_PLACE,
      .required = true,
      .flag_only = true,
      .metavar = "DIR|" STORE_METAVAR,
      .help = "where all is: a data directory, a backup, or a database. It stays as it is" },
    { .name = "to",
      .kind = SETTING_PLACE,
      .required = true,
      .flag_only = true,
      .metavar = "DIR|" STORE_METAVAR,
      .help = "where all goes: a database that muster migrate has prepared, or a new or empty directory" },
    QUIET_SETTING,
    COMMON_SETTINGS
};
/* clang-format on */

const struct command command_copy = {
    .name = "copy",
    .group = COMMAND_DATA,
    .summary = "copies a data directory into a database, or back",
    .description = "Copies all that is in a data directory into an empty database, or all that is in a database into a "
                   "new directory. Every call then answers there as it did before. No server may use either of them. "
                   "No server starts on the copy before it is complete. A copy that was interrupted is begun anew when "
                   "the command runs again.",
    .settings = copy_settings,
    .examples = { { "muster copy --from /var/lib/muster --to postgresql://muster@db/muster", "into a database" },
                  { "muster copy --from postgresql://muster@db/muster --to /var/lib/muster-new", "and back" } },
    .run = copy,
};

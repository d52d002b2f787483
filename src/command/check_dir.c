#include "command/check_dir.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check/check.h"
#include "journal/postgres_journal.h"
#include "journal/rocks_journal.h"
#include "ops/data_dir.h"
#include "ops/dir.h"
#include "ops/manifest.h"
#include "ops/privileges.h"
#include "ops/progress.h"
#include "ops/stores.h"
#include "postgres/pg.h"

/* Reads all that is in a directory or a database, and reports every mistake (check.h). */

/* One damaged table can cause a mistake for every device. */
enum { MISTAKES_SHOWN = 1000 };

struct checking {
    FILE *report, *counts;
    struct progress progress;
    char seen[40];
    unsigned long long mistakes;
};

static void on_mistake(void *ctx, const char *text)
{
    struct checking *c = ctx;

    progress_end(&c->progress);
    if (c->mistakes++ < MISTAKES_SHOWN)
        fprintf(c->report, "mistake: %s\n", text);
}

static void on_looked_at(void *ctx, const char *what, uint64_t count)
{
    struct checking *c = ctx;

    progress_end(&c->progress);
    if (c->counts)
        fprintf(c->counts, "%12llu  %s\n", (unsigned long long)count, what);
}

static void on_step(void *ctx)
{
    struct checking *c = ctx;

    if (c->progress.done % 10000 == 0)
        snprintf(c->seen, sizeof(c->seen), "%llu records", (unsigned long long)c->progress.done);
    progress_add(&c->progress, 1);
}

/* *go_on: whether the stores can be opened. */
static enum mu_err check_manifest(struct checking *c, const char *dir, bool *go_on, char *why, size_t why_size)
{
    struct manifest m = { 0 };
    int fd = dir_open(dir);
    enum mu_err err = MU_E_IO;

    if (fd < 0)
        snprintf(why, why_size, "cannot open %s: %s", dir, strerror(errno));
    else if ((err = manifest_read(&m, fd, dir, why, why_size)) == MU_OK) {
        *go_on = manifest_compare(&m, fd, on_mistake, c);
        on_looked_at(c, "files of the backup", m.file_count);
    }
    if (fd >= 0)
        close(fd);
    manifest_free(&m);
    return err;
}

/* Whoever writes in a database has an advisory lock there. Those of Citus have an objsubid of their own; PostgreSQL gives
 * 1 and 2. */
static enum mu_err look_for_users(const char *uri, char *why, size_t why_size)
{
    struct pg *pg = NULL;
    int64_t locks = 0;
    enum mu_err err =
        pg_open(&pg, &(struct pg_settings){ .uri = uri, .schema = "registry", .event = "check_failed" }, why, why_size);

    if (err == MU_OK)
        err = pg_get(pg,
                     "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                     "(SELECT oid FROM pg_database WHERE datname = current_database()) AND objsubid IN (1, 2)",
                     NULL, 0, pg_read_int, &locks, NULL);
    pg_close(pg);
    if (err != MU_OK || !locks)
        return err;
    snprintf(why, why_size, "the database is in use; stop the server first");
    return MU_E_LOCKED;
}

enum mu_err check_dir_open_registry(struct registry **out, const struct stores_where *where, char *why, size_t why_size)
{
    enum mu_err err;

    if (!where->store)
        return registry_open_unchanged(out, where->dir, why, why_size);
    err = look_for_users(where->store, why, why_size);
    return err == MU_OK ? registry_open_store_unchanged(out, where->store, why, why_size) : err;
}

enum mu_err check_dir_open_journal(struct journal **out, const struct stores_where *where, struct registry *registry,
                                   char *why, size_t why_size)
{
    struct registry_place place;
    enum mu_err err;

    if (where->store)
        return postgres_journal_open_unchanged(out, where->store, why, why_size);
    if ((err = registry_get_place(registry, &place)) != MU_OK ||
        (err = stores_look_for_both(where->dir, &place, why, why_size)) != MU_OK)
        return err;
    struct rocks_journal_registry seen = stores_journal_registry(&place);
    return rocks_journal_open_unchanged(out, where->dir, &seen, why, why_size);
}

static enum mu_err check_content(struct checking *c, const struct stores_where *where, char *why, size_t why_size)
{
    struct findings findings = { c, on_mistake, on_looked_at, on_step };
    struct registry *registry = NULL;
    struct journal *journal = NULL;
    struct calendar *calendar = NULL;
    char zone[64] = "UTC";
    enum mu_err err;

    if ((err = check_dir_open_registry(&registry, where, why, why_size)) != MU_OK)
        goto out;
    err = registry_get_fact(registry, "time_zone", zone, sizeof(zone));
    if (err != MU_OK && err != MU_E_NOT_FOUND)
        on_mistake(c, "fact time_zone: cannot be read");
    if ((err = calendar_open(&calendar, zone)) != MU_OK) {
        snprintf(why, why_size, "this machine does not know the time zone '%s', in which days are counted", zone);
        goto out;
    }
    if ((err = registry_check(registry, &findings)) != MU_OK ||
        (err = check_dir_open_journal(&journal, where, registry, why, why_size)) != MU_OK)
        goto out;
    why[0] = '\0';
    err = check_stores(registry, journal, calendar, &findings);
out:
    journal_close(journal);
    registry_close(registry);
    if (calendar)
        calendar_free(calendar);
    return err;
}

/* Whether the owner of dir can reach it. A child process becomes him to find out: becoming him cannot be undone. */
static bool owner_reaches(const char *dir)
{
    char why[512];
    int status = 1;
    pid_t child = fork();

    if (child == 0)
        _exit(privileges_become_owner(dir, why, sizeof(why)) == MU_OK && access(dir, R_OK | X_OK) == 0 ? 0 : 1);
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

enum mu_err check_dir_as_owner(const char *dir, char *why, size_t why_size)
{
    return owner_reaches(dir) ? privileges_become_owner(dir, why, why_size) : MU_OK;
}

/* Locks the directory, so that no server starts on it during the check. A backup has no lock and needs none. */
static enum mu_err lock(const char *dir, int *fd, char *why, size_t why_size)
{
    struct stat st;

    *fd = data_dir_hold(dir);
    if (*fd >= 0)
        return MU_OK;
    if (errno == EWOULDBLOCK) {
        snprintf(why, why_size, "%s is in use; check a backup of it, or stop the server first", dir);
        return MU_E_LOCKED;
    }
    if (errno == ENOENT && stat(dir, &st) == 0) {
        snprintf(why, why_size, "%s is neither a data directory nor a backup", dir);
        return MU_E_VALUE;
    }
    bool is_none = errno == ENOENT || errno == ENOTDIR;
    snprintf(why, why_size, "cannot open %s: %s", dir, strerror(errno));
    return is_none ? MU_E_NOT_FOUND : MU_E_IO;
}

enum mu_err check_dir_lock(const char *dir, int *fd, char *why, size_t why_size)
{
    enum mu_err err = check_dir_as_owner(dir, why, why_size);

    if (err != MU_OK || manifest_is_in(dir))
        return err;
    if (stores_are_elsewhere(dir)) {
        snprintf(why, why_size, "the stores of %s are in a database: give --store, too", dir);
        return MU_E_VALUE;
    }
    return lock(dir, fd, why, why_size);
}

enum mu_err check_dir(const char *about, const struct stores_where *where, struct check_dir_result *result, char *why,
                      size_t why_size)
{
    FILE *report = result->report;
    struct checking c = { .report = report, .counts = result->counts, .progress = progress_of(about, "", 0) };
    enum mu_err err = MU_OK;
    bool go_on = true;

    c.progress.what = c.seen;
    why[0] = '\0';
    if (!where->store && manifest_is_in(where->dir))
        err = check_manifest(&c, where->dir, &go_on, why, why_size);
    if (err == MU_OK && go_on)
        err = check_content(&c, where, why, why_size);
    progress_end(&c.progress);
    if (c.mistakes > MISTAKES_SHOWN)
        fprintf(report, "… and %llu more mistakes\n", c.mistakes - MISTAKES_SHOWN);
    /* If the directory cannot even be opened, that is a mistake of the directory, too. */
    if (err == MU_E_CORRUPT) {
        fprintf(report, "mistake: %s\n", why[0] ? why : mu_err_text(err));
        c.mistakes++;
        why[0] = '\0';
        err = MU_OK;
    }
    if (err != MU_OK && !why[0])
        snprintf(why, why_size, "%s", mu_err_text(err));
    result->mistakes = c.mistakes;
    return err;
}

#include "command/repair.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mark.h"
#include "command/check_dir.h"
#include "journal/salvage.h"
#include "ops/dir.h"
#include "ops/file.h"
#include "ops/stores.h"
#include "sql/salvage.h"

/* New stores are made in repair.tmp, which is then renamed to repair.ready. From then on, a repair only goes
 * forward: the new stores change places with the damaged ones, one name at a time. In the end the damaged files,
 * collected in repair.ready/old, get the name under which they are kept. A server does not start if there is a
 * repair.ready. */
#define MAKING "repair.tmp"

struct repair {
    const char *dir;
    FILE *report;
    char *why;
    size_t why_size;
    bool registry, journal;      /* which stores are made anew */
    bool lacks;                  /* some rows of the registry are missing; they were reported */
    struct registry_place place; /* of the present registry */
    struct journal_salvage *source;
};

/* --- looking --------------------------------------------------------------------------------------*/

/* Looks for damage that a start does not look for. It is not known which store has it, so both are made anew. */
static enum mu_err look_closely(struct repair *r)
{
    struct check_dir_result result = { .report = r->report };
    enum mu_err err = check_dir("muster repair", &(struct stores_where){ .dir = r->dir }, &result, r->why, r->why_size);

    r->registry = r->journal = result.mistakes > 0;
    return err;
}

static enum mu_err look(struct repair *r)
{
    struct registry *registry = NULL;
    struct rocks_journal_registry seen;
    enum mu_err err = registry_look(&registry, r->dir, &r->place, r->why, r->why_size);

    registry_close(registry);
    if (err != MU_OK && err != MU_E_CORRUPT)
        return err;
    r->registry = err == MU_E_CORRUPT;
    if (r->registry)
        fprintf(r->report, "%s\n", r->why);
    err = r->registry ? MU_OK : stores_look_for_both(r->dir, &r->place, r->why, r->why_size);
    if (err == MU_OK)
        err = rocks_journal_look(r->dir, NULL, r->why, r->why_size);
    if (err != MU_OK && err != MU_E_CORRUPT)
        return err;
    r->journal = err == MU_E_CORRUPT;
    if (r->journal)
        fprintf(r->report, "%s\n", r->why);
    if (r->registry || r->journal)
        return MU_OK;
    seen = stores_journal_registry(&r->place);
    if ((err = rocks_journal_look(r->dir, &seen, r->why, r->why_size)) == MU_OK)
        return look_closely(r);
    if (err != MU_E_CORRUPT)
        return err;
    fprintf(r->report, "%s\n", r->why);
    r->registry = true;
    return MU_OK;
}

/* --- telling --------------------------------------------------------------------------------------*/

static void tell_table(void *ctx, const struct salvage_table *t)
{
    struct repair *r = ctx;

    if (!t->is_damaged && !t->dropped && !t->missing)
        return;
    r->lacks = true;
    fprintf(r->report, "registry, %s: %" PRIu64 " rows were read", t->name, t->copied);
    if (t->by_key)
        fprintf(r->report, ", of %" PRIu64 " no more than the keys", t->by_key);
    if (t->dropped)
        fprintf(r->report, ", %" PRIu64 " were left out, since they belong to something that is lost", t->dropped);
    if (t->missing)
        fprintf(r->report, ", at most %" PRIu64 " are missing", t->missing);
    else if (t->is_damaged)
        fprintf(r->report, ", some may be missing");
    fprintf(r->report, "\n");
}

static void tell_journal(const struct repair *r, const struct journal_salvaged *told)
{
    char since[32] = "";
    time_t at = (time_t)(told->since_us / 1000000);
    struct tm tm;

    fprintf(r->report, "journal: %" PRIu64 " messages and %" PRIu64 " session records were read\n", told->messages,
            told->sessions);
    if (told->since_us && gmtime_r(&at, &tm))
        strftime(since, sizeof(since), ", from %Y-%m-%dT%H:%M:%SZ on", &tm);
    if (told->missing)
        fprintf(r->report, "journal: between these, %" PRIu64 " records are missing\n", told->missing);
    if (told->devices)
        fprintf(r->report, "journal: %" PRIu64 " devices lack records, or their state\n", told->devices);
    if (told->commits == UINT64_MAX)
        fprintf(r->report, "journal: acknowledged messages may be missing%s\n", since);
    else if (told->commits)
        fprintf(r->report, "journal: %" PRIu64 " acknowledged commits are missing, in whole or in part%s\n",
                told->commits, since);
    else if (told->missing)
        fprintf(r->report, "journal: records may be missing%s\n", since);
    if (told->states || told->events)
        fprintf(r->report,
                "journal: the datapoints and open faults of devices are not known until they report again\n");
}

/* --- making ---------------------------------------------------------------------------------------*/

static enum mu_err make_registry(struct repair *r, const char *to, struct rocks_journal_registry *seen)
{
    struct registry_place place;
    struct salvage about = { .table = tell_table, .ctx = r };
    struct rocks_journal_registry known = journal_salvage_seen(r->source, &about.last_definition);
    struct registry *registry;
    enum mu_err err;

    about.seen = (struct registry_place){ .exists = true, .change = known.change, .device = known.device };
    memcpy(about.seen.id, known.id, sizeof(known.id));
    if ((err = registry_salvage(r->dir, to, &about, r->why, r->why_size)) != MU_OK ||
        (err = registry_open(&registry, to, r->why, r->why_size)) != MU_OK)
        return err;
    err = registry_get_place(registry, &place);
    *seen = stores_journal_registry(&place);
    registry_close(registry);
    if (!r->lacks)
        fprintf(r->report, "registry: all rows could be read, up to where it ends\n");
    return err;
}

/* Stores of two directories cannot be combined: the operator must put the right one back. */
static enum mu_err compare_ids(const struct repair *r)
{
    uint32_t unused;
    struct rocks_journal_registry known = journal_salvage_seen(r->source, &unused);

    if (!mark_is_id(known.id) || !mark_is_id(r->place.id) || memcmp(known.id, r->place.id, sizeof(known.id)) == 0)
        return MU_OK;
    snprintf(r->why, r->why_size,
             "registry.db and the journal in %s are from two different data directories: put the right one "
             "back",
             r->dir);
    return MU_E_VALUE;
}

static enum mu_err make_stores(struct repair *r, const char *to)
{
    struct rocks_journal_registry seen = stores_journal_registry(&r->place);
    struct journal_salvaged told;
    enum mu_err err;

    if ((err = journal_salvage_open(&r->source, r->dir, to, r->why, r->why_size)) != MU_OK ||
        (err = compare_ids(r)) != MU_OK || (r->registry && (err = make_registry(r, to, &seen)) != MU_OK))
        return err;
    if (!r->journal)
        return MU_OK;
    if ((err = journal_salvage_copy(r->source, to, &seen, &told, r->why, r->why_size)) == MU_OK)
        tell_journal(r, &told);
    return err;
}

static enum mu_err make(struct repair *r, int at)
{
    char to[4200];
    enum mu_err err = MU_E_IO;

    snprintf(to, sizeof(to), "%s/" MAKING, r->dir);
    dir_remove_tree(at, MAKING);
    if (mkdirat(at, MAKING, 0700) != 0) {
        snprintf(r->why, r->why_size, "cannot make %s: %s", to, strerror(errno));
        return MU_E_IO;
    }
    assert(r->registry || r->journal);
    err = make_stores(r, to);
    journal_salvage_close(r->source);
    int scratch = dir_open(to);
    if (scratch >= 0) {
        dir_remove_tree(scratch, "salvage");
        close(scratch);
    }
    if (err == MU_OK)
        err = file_sync_dir(to, r->why, r->why_size);
    if (err == MU_OK && renameat(at, MAKING, at, DATA_DIR_REPAIRED) != 0)
        err = MU_E_IO;
    if (err == MU_OK)
        return file_sync_dir(r->dir, r->why, r->why_size);
    if (!*r->why)
        snprintf(r->why, r->why_size, "cannot make the new stores in %s: %s", to, mu_err_text(err));
    dir_remove_tree(at, MAKING);
    return err;
}

/* A name is exchanged if `with` was made anew. Files that belong to another one come before it; they have no new
 * version. */
static const struct {
    const char *name, *with;
} names[] = {
    { "registry.db-wal", "registry.db" }, { "registry.db-shm", "registry.db" }, { "registry.mark", "registry.mark" },
    { "registry.db", "registry.db" },     { "journal.mark", "journal.mark" },   { "journal", "journal" },
};

static bool exists(int at, const char *name)
{
    struct stat st;
    return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool change_places(int at, int ready, int old)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *name = names[i].name;
        if (!exists(ready, names[i].with))
            continue; /* not made anew, or exchanged before */
        if (exists(at, name) && renameat(at, name, old, name) != 0)
            return false;
        if (exists(ready, name) && renameat(ready, name, at, name) != 0)
            return false;
    }
    return true;
}

static enum mu_err finish(struct repair *r, int at)
{
    char kept[64];
    time_t now = (time_t)clock_wall_s();
    struct tm tm;
    int ready = dir_open_in(at, DATA_DIR_REPAIRED), old = -1;
    enum mu_err err = MU_E_IO;

    strftime(kept, sizeof(kept), "damaged-%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    if (ready >= 0 && (mkdirat(ready, "old", 0700) == 0 || errno == EEXIST))
        old = dir_open_in(ready, "old");
    if (old >= 0 && change_places(at, ready, old) && fsync(old) == 0 && fsync(at) == 0 &&
        renameat(ready, "old", at, kept) == 0 && unlinkat(at, DATA_DIR_REPAIRED, AT_REMOVEDIR) == 0)
        err = file_sync_dir(r->dir, r->why, r->why_size);
    else
        snprintf(r->why, r->why_size, "cannot put the new stores of %s into their places: %s; repair it again", r->dir,
                 strerror(errno));
    if (old >= 0)
        close(old);
    if (ready >= 0)
        close(ready);
    if (err == MU_OK)
        fprintf(r->report, "the damaged files are kept in %s/%s; start the rest with muster serve --data %s\n", r->dir,
                kept, r->dir);
    return err;
}

enum mu_err repair_directory(const char *dir, FILE *report, char *why, size_t why_size)
{
    struct repair r = { .dir = dir, .report = report, .why = why, .why_size = why_size };
    enum mu_err err = MU_OK;
    int at = dir_open(dir);

    if (at < 0) {
        snprintf(why, why_size, "cannot open %s: %s", dir, strerror(errno));
        return MU_E_IO;
    }
    if (!exists(at, DATA_DIR_REPAIRED) && (err = look(&r)) == MU_OK) {
        *why = '\0';
        err = r.registry || r.journal ? make(&r, at) : MU_E_EXISTS;
    }
    if (err == MU_OK)
        err = finish(&r, at);
    close(at);
    return err;
}

#include "journal/rocks_salvage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens what is left. The damaged journal is read twice. Up to the first batch that cannot be read, it is the journal of
 * one moment: states, versions, days of activity, events and controls are taken from there, since they must agree with
 * each other. Messages and session records need not, so they are taken from everything that can be read, and states are
 * brought up to them. If RocksDB cannot open the journal at all, a copy is opened: by its newest MANIFEST, if only
 * CURRENT is damaged or a log is short or missing; else put together from its tables. (The copy has links: none of the
 * journal's files is written to.) */

/* RocksDB's names of how it reads a log. */
static const char up_to_damage[] = "kPointInTimeRecovery", behind_damage[] = "kSkipAnyCorruptedRecords";

enum { WHY_SIZE = 512 };

static enum mu_err open_saying_why(struct rocks_journal **out, const char *dir, const char *mode, bool unchanged,
                                   char why[WHY_SIZE])
{
    struct rocks_journal *j;
    enum mu_err err = rocks_create(&j, dir, &(struct rocks_journal_options){ 0 });

    *out = NULL;
    *why = '\0';
    if (err != MU_OK)
        return err;
    j->lenient = true;
    j->unchanged = unchanged;
    rocks_options_trust_nothing(&j->options, mode, unchanged);
    if ((err = rocks_open(j, why, WHY_SIZE)) != MU_OK)
        rocks_journal_close(j);
    else
        *out = j;
    return err;
}

static enum mu_err open_lenient(struct rocks_journal **out, const char *dir, const char *mode, bool unchanged)
{
    char why[WHY_SIZE];
    return open_saying_why(out, dir, mode, unchanged, why);
}

enum { LOGS = 1, OTHERS = 2 };

static bool is_wanted(const char *name, int kinds)
{
    const char *end = strrchr(name, '.');

    if (end && strcmp(end, ".log") == 0)
        return kinds & LOGS;
    return (kinds & OTHERS) && strncmp(name, "LO", 2) != 0; /* not LOG, nor LOCK */
}

/* Links the journal's files into another directory. What is done there does not change them. */
static enum mu_err link_files(const char *from, const char *to, int kinds)
{
    char source[4600], target[4600];
    struct dirent *entry;
    struct stat st;
    enum mu_err err = MU_OK;
    DIR *dir = opendir(from);

    if (!dir)
        return errno == ENOENT ? MU_E_NOT_FOUND : MU_E_IO;
    while (err == MU_OK && (entry = readdir(dir))) {
        snprintf(source, sizeof(source), "%.4200s/%s", from, entry->d_name);
        snprintf(target, sizeof(target), "%.4300s/%s", to, entry->d_name);
        if (is_wanted(entry->d_name, kinds) && lstat(source, &st) == 0 && S_ISREG(st.st_mode) &&
            link(source, target) != 0)
            err = MU_E_IO;
    }
    closedir(dir);
    return err;
}

struct copy {
    char from[4200], dir[4200], to[4300]; /* to = dir/journal */
};

static enum mu_err make_copy(const struct journal_salvage *s, const char *scratch, const char *name, int kinds,
                             struct copy *c)
{
    snprintf(c->from, sizeof(c->from), "%s/journal", s->from);
    snprintf(c->dir, sizeof(c->dir), "%s/salvage", scratch);
    if (mkdir(c->dir, 0700) != 0 && errno != EEXIST)
        return MU_E_IO;
    snprintf(c->dir, sizeof(c->dir), "%s/salvage/%s", scratch, name);
    snprintf(c->to, sizeof(c->to), "%s/journal", c->dir);
    if (mkdir(c->dir, 0700) != 0 || mkdir(c->to, 0700) != 0)
        return MU_E_IO;
    return link_files(c->from, c->to, kinds);
}

/* Puts a journal together from its tables, and from what the logs have for the families of these tables. */
static void put_together(const char *path)
{
    struct rocks_options options;
    char *text = NULL;

    rocks_options_create(&options);
    rocks_options_trust_nothing(&options, up_to_damage, false);
    rocksdb_repair_db(options.fixed, path, &text);
    if (text)
        rocksdb_free(text);
    rocks_options_destroy(&options);
}

/* An entry that nothing uses; RocksDB writes a table for it. */
static void put_nothing(struct rocks_journal *j, rocksdb_column_family_handle_t *family)
{
    rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
    char *text = NULL;

    rocksdb_put_cf(j->db, options, family, rocks_salvage_nobody, sizeof(rocks_salvage_nobody), "", 0, &text);
    if (text)
        rocksdb_free(text);
    rocksdb_writeoptions_destroy(options);
}

/* RocksDB 7.8 has a mode for reading behind damage, but it refuses the batch after a damaged one that lay across two
 * blocks. Putting the journal together reads such a log, but knows families only by their tables. So first each family
 * gets a table, without the logs; then the logs are put beside them. */
static enum mu_err open_behind_damage(struct journal_salvage *s, const char *scratch)
{
    struct copy c;
    struct rocks_journal *j;
    enum mu_err err;

    if (open_lenient(&s->rest, s->from, behind_damage, true) == MU_OK)
        return MU_OK;
    if ((err = make_copy(s, scratch, "rest", OTHERS, &c)) != MU_OK ||
        (err = open_lenient(&j, c.dir, up_to_damage, false)) != MU_OK)
        return err;
    for (size_t i = 0; i < j->day_count; i++)
        put_nothing(j, j->days[i].handle);
    rocks_journal_close(j);
    if ((err = link_files(c.from, c.to, LOGS)) != MU_OK)
        return err;
    put_together(c.to);
    return open_lenient(&s->rest, c.dir, up_to_damage, true);
}

/* CURRENT has one line, which names the MANIFEST. */
static enum mu_err name_newest_manifest(const char *path)
{
    char name[300] = "", current[4400];
    struct dirent *entry;
    DIR *dir = opendir(path);

    if (!dir)
        return MU_E_IO;
    while ((entry = readdir(dir))) /* numbers of six digits, or all of more */
        if (strncmp(entry->d_name, "MANIFEST-", 9) == 0 && strverscmp(entry->d_name, name) > 0)
            snprintf(name, sizeof(name), "%s", entry->d_name);
    closedir(dir);
    if (!*name)
        return MU_E_CORRUPT;
    snprintf(current, sizeof(current), "%s/CURRENT", path);
    unlink(current); /* the link, not the file that it is of */
    FILE *file = fopen(current, "wx");
    if (!file)
        return MU_E_IO;
    fprintf(file, "%s\n", name);
    return fclose(file) == 0 ? MU_OK : MU_E_IO;
}

/* Opened for writing, so that RocksDB may correct a MANIFEST that names missing or short logs. */
static enum mu_err open_copy(struct rocks_journal **out, const struct journal_salvage *s, const char *scratch,
                             const char *name, const char *mode)
{
    struct copy c;
    enum mu_err err;

    *out = NULL;
    if ((err = make_copy(s, scratch, name, LOGS | OTHERS, &c)) != MU_OK || (err = name_newest_manifest(c.to)) != MU_OK)
        return err;
    return open_lenient(out, c.dir, mode, false);
}

/* Each of the two journals is then opened in a copy of its own. */
static enum mu_err open_by_newest_manifest(struct journal_salvage *s, const char *scratch)
{
    enum mu_err err = open_copy(&s->whole, s, scratch, "named", up_to_damage);

    if (err != MU_OK)
        return err;
    if (s->whole->fixed[FAMILY_STATE] && (open_copy(&s->rest, s, scratch, "named-behind", behind_damage) == MU_OK ||
                                          open_copy(&s->rest, s, scratch, "named-up-to", up_to_damage) == MU_OK))
        return MU_OK;
    rocks_journal_close(s->whole);
    s->whole = NULL;
    return MU_E_CORRUPT;
}

/* Puts it together once more, if some families have records only in the logs. */
static enum mu_err put_together_named(struct journal_salvage *s, const char *scratch, struct copy *c)
{
    struct rocks_journal *known;
    struct copy named;
    enum mu_err err;

    put_together(c->to);
    if (open_lenient(&known, c->dir, up_to_damage, true) != MU_OK)
        return MU_OK;
    if ((err = make_copy(s, scratch, "named-all", LOGS | OTHERS, &named)) == MU_OK &&
        (err = rocks_salvage_name_families(known, scratch, named.to)) == MU_OK) {
        put_together(named.to);
        *c = named;
    }
    rocks_journal_close(known);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

/* Both journals are then the copy. If it cannot be opened either, there is nothing left. */
static enum mu_err open_rebuilt(struct journal_salvage *s, const char *scratch)
{
    struct copy c;
    enum mu_err err = make_copy(s, scratch, "all", LOGS | OTHERS, &c);

    if (err == MU_OK)
        err = put_together_named(s, scratch, &c);
    if (err != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    s->rebuilt = true;
    if (open_lenient(&s->whole, c.dir, up_to_damage, true) == MU_OK &&
        open_lenient(&s->rest, c.dir, up_to_damage, true) != MU_OK) {
        rocks_journal_close(s->whole);
        s->whole = NULL;
    }
    return MU_OK;
}

enum mu_err rocks_salvage_open(struct journal_salvage *s, const char *scratch)
{
    char why[WHY_SIZE];
    enum mu_err err = open_saying_why(&s->whole, s->from, up_to_damage, true, why);

    /* In this mode RocksDB reads on behind a missing log as if there had been none. */
    s->rebuilt = err != MU_OK && strstr(why, "Missing WAL");
    if (err == MU_OK && s->whole->fixed[FAMILY_STATE] && (err = open_behind_damage(s, scratch)) == MU_OK)
        return MU_OK;
    /* Then `rest` is at least what is in order. */
    if (err != MU_E_NOMEM && s->whole && s->whole->fixed[FAMILY_STATE])
        return open_lenient(&s->rest, s->from, up_to_damage, true);
    rocks_journal_close(s->whole);
    s->whole = NULL;
    if (err == MU_E_NOMEM)
        return err;
    return open_by_newest_manifest(s, scratch) == MU_OK ? MU_OK : open_rebuilt(s, scratch);
}

#include "journal/rocks_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Opening RocksDB with its families, and telling a missing journal from a new one. */

static const char *const fixed_names[FIXED_FAMILIES] = {
    [FAMILY_META] = "default",    [FAMILY_STATE] = "state",   [FAMILY_VERSIONS] = "versions",
    [FAMILY_ACTIVITY] = "active", [FAMILY_EVENTS] = "events", [FAMILY_CONTROLS] = "controls",
};

const char *rocks_family_name(enum fixed_family family)
{
    return fixed_names[family];
}

bool rocks_has_room(const char *path, uint64_t bytes)
{
    struct statvfs fs;

    /* If the file system does not answer, do not refuse: the write itself will fail if there is no room. */
    if (statvfs(path, &fs) != 0)
        return true;
    return (uint64_t)fs.f_bavail * fs.f_frsize >= bytes;
}

enum mu_err rocks_check_room(const char *path, uint64_t bytes, char *why, size_t why_size)
{
    if (rocks_has_room(path, bytes))
        return MU_OK;
    snprintf(why, why_size, "less than %llu MiB free on the disk of %s", (unsigned long long)(bytes >> 20), path);
    return MU_E_FULL;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);
    return len > n && strcmp(name + len - n, suffix) == 0;
}

/* Without CURRENT RocksDB takes the directory for an empty one and deletes what is in it. A crash while a new journal is
 * made leaves no table behind, so a table tells that there was a journal. */
static enum mu_err look_for_leftovers(const char *path, bool *fresh)
{
    DIR *dir;
    struct dirent *entry;
    enum mu_err err = MU_OK;

    *fresh = true;
    if (!(dir = opendir(path)))
        return errno == ENOENT ? MU_OK : MU_E_IO;

    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, "CURRENT") == 0)
            *fresh = false;
        else if (has_suffix(entry->d_name, ".sst"))
            err = MU_E_CORRUPT;
    }
    closedir(dir);
    return *fresh ? err : MU_OK;
}

enum mu_err rocks_find(const struct rocks_journal *j, bool *fresh, char *why, size_t why_size)
{
    enum mu_err err = look_for_leftovers(j->path, fresh);

    if (err == MU_OK && *fresh && rocks_trust_is_marked(j)) {
        snprintf(why, why_size,
                 "%s is missing, or has no CURRENT, and " JOURNAL_MARK " beside it says that there was "
                 "a journal: is a file system not mounted? Put it back, or bring back a backup (muster restore)",
                 j->path);
        return MU_E_CORRUPT;
    }
    if (err != MU_OK)
        snprintf(why, why_size,
                 err == MU_E_CORRUPT ? "the journal in %s is damaged: CURRENT is missing: " MARK_ADVICE
                                     : "cannot read the directory %s",
                 j->path);
    return err;
}

static int fixed_index(const char *name)
{
    for (int i = 0; i < FIXED_FAMILIES; i++)
        if (strcmp(name, fixed_names[i]) == 0)
            return i;
    return -1;
}

/* The families to open a database with: the fixed ones, and the days that it lists. */
struct families {
    size_t count;
    const char **names;
    const rocksdb_options_t **options;
    rocksdb_column_family_handle_t **handles;
    char **listed;
    size_t listed_count;
};

static void families_free(struct families *f)
{
    if (f->listed)
        rocksdb_list_column_families_destroy(f->listed, f->listed_count);
    free(f->names);
    free(f->options);
    free(f->handles);
}

static bool is_listed(const struct families *f, const char *name)
{
    for (size_t i = 0; i < f->listed_count; i++)
        if (strcmp(f->listed[i], name) == 0)
            return true;
    return false;
}

static enum mu_err families_collect(struct families *f, const struct rocks_journal *j)
{
    size_t max = FIXED_FAMILIES + f->listed_count;

    f->names = calloc(max, sizeof(*f->names));
    f->options = calloc(max, sizeof(*f->options));
    f->handles = calloc(max, sizeof(*f->handles));
    if (!f->names || !f->options || !f->handles)
        return MU_E_NOMEM;

    for (int i = 0; i < FIXED_FAMILIES; i++) {
        if (j->unchanged && !is_listed(f, fixed_names[i]))
            continue;
        f->names[f->count] = fixed_names[i];
        f->options[f->count++] = i == FAMILY_STATE ? j->options.state : j->options.fixed;
    }
    for (size_t i = 0; i < f->listed_count; i++) {
        if (fixed_index(f->listed[i]) >= 0)
            continue;
        f->names[f->count] = f->listed[i];
        f->options[f->count++] = rocks_day_options(j);
    }
    return MU_OK;
}

static enum mu_err families_take(struct families *f, struct rocks_journal *j)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < f->count; i++) {
        int fixed = fixed_index(f->names[i]);
        int32_t day;
        if (fixed >= 0) {
            j->fixed[fixed] = f->handles[i];
        } else if (err == MU_OK && rocks_day_of_name(f->names[i], &day)) {
            err = rocks_day_insert(j, day, f->handles[i]);
        } else {
            /* A family of another version: the format in FAMILY_META will tell it. */
            rocksdb_column_family_handle_destroy(f->handles[i]);
        }
    }
    return err;
}

static enum mu_err prepare(const struct rocks_journal *j, char *why, size_t why_size)
{
    if (mkdir(j->path, 0700) != 0 && errno != EEXIST) {
        snprintf(why, why_size, "cannot make %s: %s", j->path, strerror(errno));
        return mu_err_of_errno(errno);
    }
    return rocks_check_room(j->path, j->reserve_bytes, why, why_size);
}

/* RocksDB makes families that are missing. A reader that changes nothing takes a missing family for empty if the first
 * journals of this format had none, and needs the others. MU_E_NOT_FOUND: a crash may have left the journal so while it
 * was made. */
static enum mu_err require_families(const struct families *f, const struct rocks_journal *j, char *why, size_t why_size)
{
    bool marked = rocks_trust_is_marked(j);

    for (int i = 0; i < FIXED_FAMILIES; i++) {
        if ((i == FAMILY_CONTROLS && !marked) || is_listed(f, fixed_names[i]))
            continue;
        snprintf(why, why_size,
                 "the journal in %s is damaged: its MANIFEST does not tell of the family %s: " MARK_ADVICE, j->path,
                 fixed_names[i]);
        return marked ? MU_E_CORRUPT : MU_E_NOT_FOUND;
    }
    return MU_OK;
}

enum mu_err rocks_open(struct rocks_journal *j, char *why, size_t why_size)
{
    enum mu_err err;
    struct families f = { 0 };
    bool fresh;
    char *text = NULL;

    if (!j->unchanged && (err = prepare(j, why, why_size)) != MU_OK)
        return err;
    if ((err = rocks_find(j, &fresh, why, why_size)) != MU_OK)
        return err;

    if (!fresh) {
        f.listed = rocksdb_list_column_families(j->options.fixed, j->path, &f.listed_count, &text);
        if ((err = rocks_status_take_open(text, j->path, why, why_size)) != MU_OK)
            goto out;
    }
    if (j->unchanged && !j->lenient && (err = require_families(&f, j, why, why_size)) != MU_OK)
        goto out;
    if ((err = families_collect(&f, j)) != MU_OK)
        goto out;

    if (j->unchanged)
        j->db = rocksdb_open_for_read_only_column_families(j->options.fixed, j->path, (int)f.count, f.names, f.options,
                                                           f.handles, 0, &text);
    else
        j->db =
            rocksdb_open_column_families(j->options.fixed, j->path, (int)f.count, f.names, f.options, f.handles, &text);
    if ((err = rocks_status_take_open(text, j->path, why, why_size)) != MU_OK) {
        j->db = NULL;
        goto out;
    }
    if ((err = families_take(&f, j)) != MU_OK)
        rocks_close(j);
out:
    families_free(&f);
    return err;
}

void rocks_close(struct rocks_journal *j)
{
    if (!j->db)
        return;
    for (int i = 0; i < FIXED_FAMILIES; i++) {
        if (j->fixed[i])
            rocksdb_column_family_handle_destroy(j->fixed[i]);
        j->fixed[i] = NULL;
    }
    for (size_t i = 0; i < j->day_count; i++)
        rocksdb_column_family_handle_destroy(j->days[i].handle);
    j->day_count = 0;
    rocksdb_close(j->db);
    j->db = NULL;
}

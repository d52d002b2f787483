#include "journal/rocks_salvage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

/* Finds the families of what is in the logs. A log names families by numbers; the MANIFEST and the tables say which
 * family has which number. Without a MANIFEST, a family that has no table yet could not be found, and that may be all of
 * a young journal. But the default family, whose number is always 0, notes the days with their numbers (rocks_trust.c),
 * and the fixed families are made first, in their order. So a database is made that has families of these names and
 * numbers, with one table each. Put beside the logs, these tables say which family each number is. */

const char rocks_salvage_nobody[5] = { 0 };

enum { NUMBERS_MAX = 10000 }; /* of families: 27 years of days */

struct names {
    const struct rocks_journal *known;
    struct {
        uint32_t number;
        char name[32];
    } * at;
    size_t count;
    uint32_t cap;
    uint32_t last;
};

static enum mu_err add(struct names *n, uint32_t number, const char *name)
{
    if (number == 0 || number > NUMBERS_MAX)
        return MU_OK;
    if (!ARRAY_RESERVE(n->at, n->cap, n->count + 1))
        return MU_E_NOMEM;
    n->at[n->count].number = number;
    snprintf(n->at[n->count].name, sizeof(n->at[n->count].name), "%s", name);
    n->count++;
    if (number > n->last)
        n->last = number;
    return MU_OK;
}

static enum mu_err add_day(void *ctx, int32_t day, uint32_t number)
{
    struct names *n = ctx;
    char name[32];

    if (rocks_day_family(n->known, day))
        return MU_OK; /* its tables say so */
    rocks_day_name(name, day);
    return add(n, number, name);
}

/* A number is taken if a table has it. */
static bool is_taken(const struct rocks_journal *known, uint32_t number)
{
    for (int i = 0; i < FIXED_FAMILIES; i++)
        if (known->fixed[i] && rocksdb_column_family_handle_get_id(known->fixed[i]) == number)
            return true;
    for (size_t i = 0; i < known->day_count; i++)
        if (rocksdb_column_family_handle_get_id(known->days[i].handle) == number)
            return true;
    return false;
}

static enum mu_err collect(struct names *n)
{
    char why[300];
    enum mu_err err = rocks_trust_days(n->known, add_day, n, why, sizeof(why));

    for (uint32_t i = 1; i < FIXED_FAMILIES && err == MU_OK; i++)
        if (!n->known->fixed[i] && !is_taken(n->known, i))
            err = add(n, i, rocks_family_name((enum fixed_family)i));
    return err;
}

static const char *name_of(const struct names *n, uint32_t number)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->at[i].number == number)
            return n->at[i].name;
    return NULL;
}

/* RocksDB gives numbers one after the other, so the families in between are made and dropped. */
static void make_family(rocksdb_t *db, const rocksdb_options_t *options, uint32_t number, const char *name)
{
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    char other[32], *text = NULL;

    snprintf(other, sizeof(other), "none-%u", number);
    rocksdb_column_family_handle_t *family = rocksdb_create_column_family(db, options, name ? name : other, &text);
    if (!text && name)
        rocksdb_put_cf(db, write, family, rocks_salvage_nobody, sizeof(rocks_salvage_nobody), "", 0, &text);
    if (!text && name)
        rocksdb_flush_cf(db, flush, family, &text);
    if (!text && !name)
        rocksdb_drop_column_family(db, family, &text);
    if (family)
        rocksdb_column_family_handle_destroy(family);
    if (text)
        rocksdb_free(text);
    rocksdb_flushoptions_destroy(flush);
    rocksdb_writeoptions_destroy(write);
}

static enum mu_err make_database(const struct names *n, const char *path)
{
    rocksdb_options_t *options = rocksdb_options_create();
    char *text = NULL;

    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_t *db = rocksdb_open(options, path, &text);
    for (uint32_t number = 1; !text && number <= n->last; number++)
        make_family(db, options, number, name_of(n, number));
    if (db)
        rocksdb_close(db);
    rocksdb_options_destroy(options);
    return rocks_status_take(text);
}

/* Under file numbers that no file of the journal has. */
static enum mu_err link_tables(const char *from, const char *to)
{
    char source[4600], target[4600];
    struct dirent *entry;
    unsigned number = 0;
    enum mu_err err = MU_OK;
    DIR *dir = opendir(from);

    if (!dir)
        return MU_E_IO;
    while (err == MU_OK && (entry = readdir(dir))) {
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".sst") != 0)
            continue;
        snprintf(source, sizeof(source), "%.4200s/%s", from, entry->d_name);
        snprintf(target, sizeof(target), "%.4300s/%u.sst", to, 900000000 + number++);
        if (link(source, target) != 0)
            err = MU_E_IO;
    }
    closedir(dir);
    return err;
}

enum mu_err rocks_salvage_name_families(const struct rocks_journal *known, const char *scratch, const char *to)
{
    struct names n = { .known = known };
    char path[4300];
    enum mu_err err = collect(&n);

    snprintf(path, sizeof(path), "%.4200s/salvage/names", scratch);
    if (err == MU_OK && !n.count)
        err = MU_E_NOT_FOUND;
    if (err == MU_OK && (err = make_database(&n, path)) == MU_OK)
        err = link_tables(path, to);
    free(n.at);
    return err;
}

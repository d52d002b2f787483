#include "journal/rocks_salvage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opening what is left. The damaged journal is read twice. Up to the first batch that cannot be read it is of one
 * moment: from there come states, versions, days of activity, events and controls, which agree with each other.
 * Messages and session records can do without that, so they come from all that can be read, and a state is brought
 * up to them. A journal that RocksDB cannot open at all is put together from its tables first, in a copy (of links:
 * none of its files is written to). */

/* --- opening --------------------------------------------------------------------------------------*/

/* RocksDB's names of how it reads a log. */
static const char up_to_damage[] = "kPointInTimeRecovery", behind_damage[] = "kSkipAnyCorruptedRecords";

static enum mu_err open_lenient(struct journal **out, const char *dir, const char *mode, bool unchanged)
{
    char why[512];
    struct journal *j;
    enum mu_err err = rocks_create(&j, dir, &(struct journal_options){ 0 });

    *out = NULL;
    if (err != MU_OK)
        return err;
    j->lenient = true;
    j->unchanged = unchanged;
    rocks_options_trust_nothing(&j->options, mode);
    if ((err = rocks_open(j, why, sizeof why)) != MU_OK)
        journal_close(j);
    else
        *out = j;
    return err;
}

enum { LOGS = 1, OTHERS = 2 };

static bool is_wanted(const char *name, int kinds)
{
    const char *end = strrchr(name, '.');

    if (end && strcmp(end, ".log") == 0)
        return kinds & LOGS;
    return (kinds & OTHERS) && strncmp(name, "LO", 2) != 0; /* not LOG, nor LOCK */
}

/* The journal's files also in another directory. What is done there changes none of them. */
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
        snprintf(source, sizeof source, "%.4200s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%.4300s/%s", to, entry->d_name);
        if (is_wanted(entry->d_name, kinds) && lstat(source, &st) == 0 && S_ISREG(st.st_mode) &&
            link(source, target) != 0)
            err = MU_E_IO;
    }
    closedir(dir);
    return err;
}

struct copy {
    char from[4200], dir[4200], to[4300];   /* to = dir/journal */
};

static enum mu_err make_copy(const struct journal_salvage *s, const char *scratch, const char *name, int kinds,
                             struct copy *c)
{
    snprintf(c->from, sizeof c->from, "%s/journal", s->from);
    snprintf(c->dir, sizeof c->dir, "%s/salvage", scratch);
    if (mkdir(c->dir, 0700) != 0)
        return MU_E_IO;
    snprintf(c->dir, sizeof c->dir, "%s/salvage/%s", scratch, name);
    snprintf(c->to, sizeof c->to, "%s/journal", c->dir);
    if (mkdir(c->dir, 0700) != 0 || mkdir(c->to, 0700) != 0)
        return MU_E_IO;
    return link_files(c->from, c->to, kinds);
}

/* From the tables that are there, and what the logs have for the families that these name. */
static void put_together(const char *path)
{
    struct rocks_options options;
    char *text = NULL;

    rocks_options_create(&options);
    rocks_options_trust_nothing(&options, up_to_damage);
    rocksdb_repair_db(options.fixed, path, &text);
    if (text)
        rocksdb_free(text);
    rocks_options_destroy(&options);
}

/* An entry that is nobody's, and makes a table of its own. */
static void put_nothing(struct journal *j, rocksdb_column_family_handle_t *family)
{
    static const char key[DEVICE_KEY_LEN];
    rocksdb_writeoptions_t *options = rocksdb_writeoptions_create();
    char *text = NULL;

    rocksdb_put_cf(j->db, options, family, key, sizeof key, "", 0, &text);
    if (text)
        rocksdb_free(text);
    rocksdb_writeoptions_destroy(options);
}

/* RocksDB 7.8 has a mode for this, and refuses a batch behind a damaged one that lay across two blocks all the
 * same. Putting it together reads such a log, but knows families by their tables alone. So each gets one, without the
 * logs, and then they are laid beside. */
static enum mu_err open_behind_damage(struct journal_salvage *s, const char *scratch)
{
    struct copy c;
    struct journal *j;
    enum mu_err err;

    if (open_lenient(&s->rest, s->from, behind_damage, true) == MU_OK)
        return MU_OK;
    if ((err = make_copy(s, scratch, "rest", OTHERS, &c)) != MU_OK ||
        (err = open_lenient(&j, c.dir, up_to_damage, false)) != MU_OK)
        return err;
    for (size_t i = 0; i < j->day_count; i++)
        put_nothing(j, j->days[i].handle);
    journal_close(j);
    if ((err = link_files(c.from, c.to, LOGS)) != MU_OK)
        return err;
    put_together(c.to);
    return open_lenient(&s->rest, c.dir, up_to_damage, true);
}

/* Both are of the copy then. What cannot be opened even so is nothing. */
static enum mu_err open_rebuilt(struct journal_salvage *s, const char *scratch)
{
    struct copy c;
    enum mu_err err = make_copy(s, scratch, "all", LOGS | OTHERS, &c);

    if (err != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    put_together(c.to);
    s->rebuilt = true;
    if (open_lenient(&s->whole, c.dir, up_to_damage, true) == MU_OK &&
        open_lenient(&s->rest, c.dir, up_to_damage, true) != MU_OK) {
        journal_close(s->whole);
        s->whole = NULL;
    }
    return MU_OK;
}

static enum mu_err open_both(struct journal_salvage *s, const char *scratch)
{
    enum mu_err err = open_lenient(&s->whole, s->from, up_to_damage, true);

    if (err == MU_OK && s->whole->fixed[FAMILY_STATE] && (err = open_behind_damage(s, scratch)) == MU_OK)
        return MU_OK;
    /* At least all that is in order. */
    if (err != MU_E_NOMEM && s->whole && s->whole->fixed[FAMILY_STATE])
        return open_lenient(&s->rest, s->from, up_to_damage, true);
    journal_close(s->whole);
    s->whole = NULL;
    return err == MU_E_NOMEM ? err : open_rebuilt(s, scratch);
}

/* --- what it has seen -----------------------------------------------------------------------------*/

/* Damage among deleted ranges is more than an iterator of RocksDB 7.8 survives; what was deleted in a range has
 * expired, and does so again. */
enum mu_err salvage_walk(struct journal_salvage *s, enum fixed_family family, salvage_entry_fn fn)
{
    uint8_t last[RECORD_KEY_MAX];
    size_t last_len, key_len, len;
    enum mu_err err = MU_OK;

    if (!s->whole->fixed[family])
        return MU_OK;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_ignore_range_deletions(options, 1);
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(s->whole->db, options, s->whole->fixed[family]);
    rocksdb_iter_seek_to_first(at);
    rocks_step_over(at, NULL, 0);
    while (err == MU_OK && rocksdb_iter_valid(at)) {
        const char *key = rocksdb_iter_key(at, &key_len), *value = rocksdb_iter_value(at, &len);
        err = fn(s, bytes_of(key, key_len), bytes_of(value, len));
        last_len = key_len < sizeof last ? key_len : sizeof last;
        memcpy(last, key, last_len);
        rocksdb_iter_next(at);
        rocks_step_over(at, last, last_len);
    }
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return err;
}

static uint32_t last_device(struct journal *j, rocksdb_column_family_handle_t *family)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, family);
    uint32_t device = 0;
    size_t len;

    rocksdb_iter_seek_to_last(at);
    if (rocksdb_iter_valid(at)) {
        struct bytes key = bytes_of(rocksdb_iter_key(at, &len), 4);
        device = len >= 4 ? bytes_u32be(&key) : 0;
    }
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return device;
}

static void see_device(struct journal_salvage *s, uint32_t device)
{
    if (device > s->seen.device)
        s->seen.device = device;
}

static enum mu_err see_state(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_state state;

    if (key.left != DEVICE_KEY_LEN || state_decode(value, &state) != MU_OK)
        return MU_OK;
    see_device(s, bytes_u32be(&key));
    if (state.definition > s->definition)
        s->definition = state.definition;
    if (state.session_boot > s->boot)
        s->boot = state.session_boot;
    return MU_OK;
}

static void see(struct journal_salvage *s)
{
    struct journal_registry told;

    if (s->marked) {
        memcpy(s->seen.id, s->acknowledged.id, sizeof s->seen.id);
        s->boot = s->acknowledged.epoch;
    }
    if (!s->whole)
        return;
    if (rocks_trust_tell(s->whole, &s->there, &told) == MU_OK) {
        s->seen.change = told.change;
        see_device(s, told.device);
        if (mark_is_id(s->there.id))
            memcpy(s->seen.id, s->there.id, sizeof s->seen.id);
        if (s->there.epoch > s->boot)
            s->boot = s->there.epoch;
    }
    (void)!salvage_walk(s, FAMILY_STATE, see_state); /* which does not fail */
    for (size_t i = 0; i < s->rest->day_count; i++)
        see_device(s, last_device(s->rest, s->rest->days[i].handle));
}

enum mu_err journal_salvage_open(struct journal_salvage **out, const char *from, const char *scratch, char *why,
                                 size_t why_size)
{
    char path[4200];
    struct journal_salvage *s = calloc(1, sizeof *s);
    enum mu_err err;

    *out = NULL;
    if (!s || !(s->from = strdup(from))) {
        free(s);
        return MU_E_NOMEM;
    }
    snprintf(path, sizeof path, "%s/" JOURNAL_MARK, from);
    s->marked = mark_read(path, &s->acknowledged) == MU_OK;
    if ((err = open_both(s, scratch)) != MU_OK) {
        snprintf(why, why_size, "cannot read what is left of %s/journal: %s", from,
                 err == MU_E_IO ? strerror(errno) : mu_err_text(err));
        journal_salvage_close(s);
        return err;
    }
    see(s);
    *out = s;
    return MU_OK;
}

struct journal_registry journal_salvage_seen(const struct journal_salvage *s, uint32_t *definition)
{
    *definition = s->definition;
    return s->seen;
}

void journal_salvage_close(struct journal_salvage *s)
{
    if (!s)
        return;
    journal_close(s->whole);
    journal_close(s->rest);
    free(s->tails);
    free(s->from);
    free(s);
}

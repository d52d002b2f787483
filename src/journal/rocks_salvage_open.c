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

static enum mu_err open_lenient(struct journal **out, const char *dir, const char *mode)
{
    char why[512];
    struct journal *j;
    enum mu_err err = rocks_create(&j, dir, &(struct journal_options){ 0 });

    *out = NULL;
    if (err != MU_OK)
        return err;
    j->unchanged = j->lenient = true;
    rocks_options_trust_nothing(&j->options, mode);
    if ((err = rocks_open(j, why, sizeof why)) != MU_OK)
        journal_close(j);
    else
        *out = j;
    return err;
}

static enum mu_err link_files(const char *from, const char *to)
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
        if (lstat(source, &st) == 0 && S_ISREG(st.st_mode) && strncmp(entry->d_name, "LO", 2) != 0 &&
            link(source, target) != 0)
            err = MU_E_IO;
    }
    closedir(dir);
    return err;
}

/* Both handles are of the copy then. */
static enum mu_err open_rebuilt(struct journal_salvage *s, const char *scratch)
{
    char from[4200], dir[4200], to[4300];
    char *text = NULL;
    enum mu_err err;

    snprintf(from, sizeof from, "%s/journal", s->from);
    snprintf(dir, sizeof dir, "%s/salvage", scratch);
    snprintf(to, sizeof to, "%s/journal", dir);
    if (mkdir(dir, 0700) != 0 || mkdir(to, 0700) != 0)
        return MU_E_IO;
    if ((err = link_files(from, to)) != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    struct journal *j;
    if ((err = rocks_create(&j, dir, &(struct journal_options){ 0 })) != MU_OK)
        return err;
    rocksdb_repair_db(j->options.fixed, to, &text);
    journal_close(j);
    if (text)
        rocksdb_free(text);
    s->rebuilt = true;
    /* What cannot be opened even now is nothing. */
    if (open_lenient(&s->whole, dir, "kPointInTimeRecovery") == MU_OK &&
        open_lenient(&s->rest, dir, "kPointInTimeRecovery") != MU_OK) {
        journal_close(s->whole);
        s->whole = NULL;
    }
    return MU_OK;
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
        if (mark_has_id(&s->there))
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
    err = open_lenient(&s->whole, from, "kPointInTimeRecovery");
    if (err == MU_OK && (!s->whole->fixed[FAMILY_STATE] ||
                         (err = open_lenient(&s->rest, from, "kSkipAnyCorruptedRecords")) != MU_OK)) {
        journal_close(s->whole);
        s->whole = NULL;
        err = MU_E_CORRUPT;
    }
    if (!s->whole && err != MU_E_NOMEM)
        err = open_rebuilt(s, scratch);
    if (err != MU_OK) {
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

/* Finds out whether everything that was acknowledged is still on disk.
 *
 * RocksDB opens what it can read: a log that was cut, emptied or hit by a flipped bit ends there, and a missing log or
 * family is not missed. That is right for what a crash leaves half written, and wrong for what was acknowledged. So the
 * journal notes how far it is, in places that are not damaged together:
 *
 *  - DIR/journal.mark, beside it, says which commit of which start was the last one acknowledged;
 *  - an entry for each day's family says that it was made, before anything is put in it: if the end of the MANIFEST is
 *    lost, and the making of a family with it, all records of that day would be gone unnoticed;
 *  - the registry's last change and device number stand in the batches that followed them.
 *
 * All this is compared while the journal is open for reading only: an opening for writing would write the logs into
 * tables and remove them. */
#include "journal/rocks_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char id_key[] = "id", registry_key[] = "registry", day_prefix[] = "day";
enum {
    ID_KEY_LEN = sizeof(id_key) - 1,
    REGISTRY_KEY_LEN = sizeof(registry_key) - 1,
    DAY_PREFIX_LEN = sizeof(day_prefix) - 1,
    DAY_KEY_LEN = DAY_PREFIX_LEN + 4
};

static void day_key(uint8_t out[DAY_KEY_LEN], int32_t day)
{
    memcpy(out, day_prefix, DAY_PREFIX_LEN);
    bytes_put_u32be(out + DAY_PREFIX_LEN, (uint32_t)day);
}

static void put_meta(const struct rocks_journal *j, rocksdb_writebatch_t *writes, const void *key, size_t key_len,
                     const uint8_t *value, size_t len)
{
    rocksdb_writebatch_put_cf(writes, j->fixed[FAMILY_META], key, key_len, (const char *)value, len);
}

static void mark_path(const struct rocks_journal *j, char *out, size_t size)
{
    snprintf(out, size, "%.*s" JOURNAL_MARK, (int)(strlen(j->path) - strlen("journal")), j->path);
}

static struct mark_place place_of_start(const struct rocks_journal *j)
{
    struct mark_place place = { .epoch = j->base.boot, .count = j->commits };
    memcpy(place.id, j->id, sizeof(place.id));
    return place;
}

/* --- noting ---------------------------------------------------------------------------------------*/

enum mu_err rocks_trust_note_day(struct rocks_journal *j, const struct rocks_day_family *family)
{
    uint8_t key[DAY_KEY_LEN], value[8];
    char *text = NULL;

    day_key(key, family->day);
    bytes_put_u64be(value, rocksdb_column_family_handle_get_id(family->handle));
    rocksdb_put_cf(j->db, j->options.synced, j->fixed[FAMILY_META], (const char *)key, sizeof(key), (const char *)value,
                   sizeof(value), &text);
    return rocks_written(j, "note_day", text);
}

enum mu_err rocks_trust_load(struct rocks_journal *j, const struct rocks_journal_registry *registry)
{
    uint64_t words[2];
    uint8_t key[DAY_KEY_LEN];
    enum mu_err err = rocks_meta_get(j, registry_key, REGISTRY_KEY_LEN, words, 2);

    if (err == MU_OK) {
        j->seen.change = words[0];
        j->seen.device = (uint32_t)words[1];
    } else if (err != MU_E_NOT_FOUND) {
        return err;
    }
    if (registry)
        memcpy(j->id, registry->id, sizeof(j->id));
    err = MU_OK;
    for (size_t i = 0; i < j->day_count && err == MU_OK; i++) {
        day_key(key, j->days[i].day);
        if ((err = rocks_meta_get(j, key, sizeof(key), words, 1)) == MU_E_NOT_FOUND)
            err = rocks_trust_note_day(j, &j->days[i]);
    }
    return err;
}

bool rocks_trust_is_marked(const struct rocks_journal *j)
{
    char path[4096];

    mark_path(j, path, sizeof(path));
    return access(path, F_OK) == 0;
}

enum mu_err rocks_trust_mark(struct mark *m, const struct rocks_journal *j, const char *dir)
{
    char path[4096];
    struct mark_place here = place_of_start(j);

    snprintf(path, sizeof(path), "%s/" JOURNAL_MARK, dir);
    return mark_open(m, path, &here);
}

void rocks_trust_put(const struct rocks_journal *j, rocksdb_writebatch_t *writes)
{
    uint8_t value[16];

    if (j->seen_changed) {
        bytes_put_u64be(value, j->seen.change);
        bytes_put_u64be(value + 8, j->seen.device);
        put_meta(j, writes, registry_key, REGISTRY_KEY_LEN, value, sizeof(value));
    }
    if (!j->id_noted && mark_is_id(j->id))
        put_meta(j, writes, id_key, ID_KEY_LEN, j->id, sizeof(j->id));
}

void rocks_trust_committed(struct rocks_journal *j)
{
    j->seen_changed = false;
    j->id_noted = true;
    struct mark_place here = place_of_start(j);
    mark_put(&j->mark, &here);
}

enum mu_err rocks_trust_forget_day(struct rocks_journal *j, int32_t day)
{
    uint8_t key[DAY_KEY_LEN];
    char *text = NULL;

    day_key(key, day);
    rocksdb_delete_cf(j->db, j->options.synced, j->fixed[FAMILY_META], (const char *)key, sizeof(key), &text);
    return rocks_written(j, "forget_day", text);
}

/* --- comparing ------------------------------------------------------------------------------------*/

/* The last commit that is on disk, and whose journal it is. */
static enum mu_err read_place(struct rocks_journal *j, struct mark_place *out)
{
    uint8_t key[ALIVE_KEY_LEN];
    uint64_t alive[2] = { 0 }, id[2] = { 0 };
    enum mu_err err;

    rocks_alive_key(key, j->base.boot);
    if ((err = rocks_meta_get(j, key, sizeof(key), alive, 2)) == MU_OK || err == MU_E_NOT_FOUND)
        err = rocks_meta_get(j, id_key, ID_KEY_LEN, id, 2);
    *out = (struct mark_place){ .epoch = j->base.boot, .count = alive[1] };
    bytes_put_u64be(out->id, id[0]);
    bytes_put_u64be(out->id + 8, id[1]);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

static enum mu_err tell_missing_day(int32_t day, char *why, size_t why_size)
{
    time_t start = (time_t)day * 86400;
    struct tm tm;
    char date[16] = "?";

    if (gmtime_r(&start, &tm))
        strftime(date, sizeof(date), "%Y-%m-%d", &tm);
    snprintf(why, why_size, "its MANIFEST does not tell of the records of %s (UTC): " MARK_ADVICE, date);
    return MU_E_CORRUPT;
}

enum mu_err rocks_trust_days(const struct rocks_journal *j, rocks_day_fn fn, void *ctx, char *why, size_t why_size)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, j->fixed[FAMILY_META]);
    enum mu_err err = MU_OK;
    char *text = NULL;

    for (rocksdb_iter_seek(at, day_prefix, DAY_PREFIX_LEN); err == MU_OK && rocksdb_iter_valid(at);
         rocksdb_iter_next(at)) {
        size_t len, value_len;
        const char *key = rocksdb_iter_key(at, &len), *value = rocksdb_iter_value(at, &value_len);
        if (len != DAY_KEY_LEN || memcmp(key, day_prefix, DAY_PREFIX_LEN) != 0)
            break;
        struct bytes in = bytes_of(key + DAY_PREFIX_LEN, 4), number = bytes_of(value, value_len);
        int32_t day = (int32_t)bytes_u32be(&in);
        err = fn(ctx, day, (uint32_t)bytes_u64be(&number));
    }
    rocksdb_iter_get_error(at, &text);
    if (text)
        snprintf(why, why_size, "%s: " MARK_ADVICE, text);
    enum mu_err own = rocks_status_take(text);
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return err != MU_OK ? err : own;
}

struct comparing {
    const struct rocks_journal *journal;
    char *why;
    size_t why_size;
};

static enum mu_err compare_day(void *ctx, int32_t day, uint32_t family)
{
    const struct comparing *c = ctx;

    (void)family;
    return rocks_day_family(c->journal, day) ? MU_OK : tell_missing_day(day, c->why, c->why_size);
}

static enum mu_err compare_registry(struct rocks_journal *j, const struct mark_place *there,
                                    const struct rocks_journal_registry *registry, char *why, size_t why_size)
{
    uint64_t seen[2] = { 0 };
    enum mu_err err = rocks_meta_get(j, registry_key, REGISTRY_KEY_LEN, seen, 2);

    if (err != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    if (mark_is_id(there->id) && memcmp(there->id, registry->id, sizeof(registry->id)) != 0) {
        snprintf(why, why_size,
                 "it is of another data directory than registry.db beside it: put the right one back, "
                 "or bring back a backup (muster restore)");
        return MU_E_CORRUPT;
    }
    if (registry->change >= seen[0] && registry->device >= seen[1])
        return MU_OK;
    snprintf(why, why_size,
             "registry.db beside it is older: it ends at change %llu and device %llu, and the journal has "
             "seen change %llu and device %llu; put the newer one back, " MARK_ADVICE,
             (unsigned long long)registry->change, (unsigned long long)registry->device, (unsigned long long)seen[0],
             (unsigned long long)seen[1]);
    return MU_E_CORRUPT;
}

enum mu_err rocks_trust_tell(struct rocks_journal *j, struct mark_place *there, struct rocks_journal_registry *out)
{
    uint64_t seen[2] = { 0 };
    uint64_t boot = 0;
    enum mu_err err = rocks_meta_get(j, "boot", 4, &boot, 1);

    j->base.boot = boot;
    if (err == MU_OK && (err = read_place(j, there)) == MU_OK)
        err = rocks_meta_get(j, registry_key, REGISTRY_KEY_LEN, seen, 2);
    *out = (struct rocks_journal_registry){ .change = seen[0], .device = (uint32_t)seen[1] };
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err rocks_trust_check(struct rocks_journal *j, const struct rocks_journal_registry *registry, char *why,
                              size_t why_size)
{
    char path[4096], cause[400] = "";
    struct mark_place there;
    enum mu_err err;

    mark_path(j, path, sizeof(path));
    if ((err = read_place(j, &there)) == MU_OK &&
        (err = mark_check(path, &there, "a log (*.log) or MANIFEST", cause, sizeof(cause))) == MU_OK &&
        (err = rocks_trust_days(j, compare_day, &(struct comparing){ j, cause, sizeof(cause) }, cause,
                                sizeof(cause))) == MU_OK)
        err = registry ? compare_registry(j, &there, registry, cause, sizeof(cause)) : MU_OK;
    if (err == MU_OK)
        err = rocks_read_tables(j, cause, sizeof(cause));
    if (err != MU_OK)
        snprintf(why, why_size, "the journal in %s is damaged: %s", j->path, *cause ? cause : mu_err_text(err));
    return err;
}

void rocks_note_registry(struct journal *port, uint64_t change, uint32_t device)
{
    struct rocks_journal *j = rocks_of(port);
    j->devices = device;
    if (change == j->seen.change && device == j->seen.device)
        return;
    j->seen.change = change;
    j->seen.device = device;
    j->seen_changed = true;
}

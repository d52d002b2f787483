#include "journal/rocks_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"

/* Opening and closing a journal: format, number of the start, lock, and notes of the last start. */

/* What RocksDB may write by itself: its memtables, once. */
#define RESERVE_BYTES (UINT64_C(64) * 1024 * 1024)

static const char format_key[] = "format", boot_key[] = "boot";

enum mu_err rocks_meta_get(struct rocks_journal *j, const void *key, size_t key_len, uint64_t *words, size_t count)
{
    char *text = NULL;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(j->db, options, j->fixed[FAMILY_META], key, key_len, &text);
    enum mu_err err = rocks_status(j, text);

    if (err == MU_OK && !slice)
        err = MU_E_NOT_FOUND;
    if (err == MU_OK) {
        size_t len;
        const char *value = rocksdb_pinnableslice_value(slice, &len);
        struct bytes in = bytes_of(value, len);
        for (size_t i = 0; i < count; i++)
            words[i] = bytes_u64be(&in);
        if (in.bad || in.left)
            err = MU_E_CORRUPT;
    }
    if (slice)
        rocksdb_pinnableslice_destroy(slice);
    rocksdb_readoptions_destroy(options);
    return err;
}

static enum mu_err check_format(struct rocks_journal *j, bool fresh, char *why, size_t why_size)
{
    uint64_t format;
    enum mu_err err = rocks_meta_get(j, format_key, sizeof(format_key) - 1, &format, 1);

    if (err == MU_E_NOT_FOUND && fresh)
        return MU_OK;
    if (err == MU_E_NOT_FOUND)
        err = MU_E_CORRUPT;
    if (err == MU_OK && (format < ROCKS_FORMAT_OLDEST || format > ROCKS_FORMAT)) {
        snprintf(why, why_size, "the journal in %s has format %llu, this version reads formats %d to %d", j->path,
                 (unsigned long long)format, ROCKS_FORMAT_OLDEST, ROCKS_FORMAT);
        return MU_E_SCHEMA;
    }
    if (err != MU_OK)
        snprintf(why, why_size, "the journal in %s is damaged: it does not tell its format: %s: " MARK_ADVICE, j->path,
                 *j->damage ? j->damage : mu_err_text(err));
    return err;
}

/* The number of the last start; 0 in an empty journal. */
static enum mu_err read_boot(struct rocks_journal *j, char *why, size_t why_size)
{
    enum mu_err err = rocks_meta_get(j, boot_key, sizeof(boot_key) - 1, &j->base.boot, 1);
    bool fresh = err == MU_E_NOT_FOUND;

    if (fresh) {
        j->base.boot = 0;
    } else if (err != MU_OK) {
        snprintf(why, why_size, "the journal in %s is damaged: it does not tell its last start: %s: " MARK_ADVICE,
                 j->path, *j->damage ? j->damage : mu_err_text(err));
        return err;
    }
    return check_format(j, fresh, why, why_size);
}

void rocks_put_boot(const struct rocks_journal *j, rocksdb_writebatch_t *writes)
{
    uint8_t format[8], boot[8];

    bytes_put_u64be(format, ROCKS_FORMAT);
    bytes_put_u64be(boot, j->base.boot);
    rocksdb_writebatch_put_cf(writes, j->fixed[FAMILY_META], format_key, sizeof(format_key) - 1, (const char *)format,
                              sizeof(format));
    rocksdb_writebatch_put_cf(writes, j->fixed[FAMILY_META], boot_key, sizeof(boot_key) - 1, (const char *)boot,
                              sizeof(boot));
}

/* Must be on disk before it is written into any record. */
static enum mu_err count_boot(struct rocks_journal *j, char *why, size_t why_size)
{
    char *text = NULL;
    enum mu_err err = read_boot(j, why, why_size);

    if (err != MU_OK)
        return err;

    j->base.boot++;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocks_put_boot(j, batch);
    rocksdb_write(j->db, j->options.synced, batch, &text);
    rocksdb_writebatch_destroy(batch);
    return rocks_status_take_open(text, j->path, why, why_size);
}

enum mu_err rocks_create(struct rocks_journal **out, const char *dir, const struct rocks_journal_options *options)
{
    struct rocks_journal *j = calloc(1, sizeof(*j));
    if (!j || asprintf(&j->path, "%s/journal", dir) < 0) {
        free(j);
        return MU_E_NOMEM;
    }
    j->base.driver = &rocks_driver;
    j->mark = (struct mark)MARK_CLOSED;
    j->retention_days = options->retention_days ? options->retention_days : EXPIRY_DAYS;
    j->devices = options->registry ? options->registry->device : 0;
    j->reserve_bytes = options->reserve_bytes ? options->reserve_bytes : RESERVE_BYTES;

    /* A waiting writer goes before new readers: the committer must get its turn. */
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&j->lock, &attr);
    pthread_rwlockattr_destroy(&attr);

    rocks_options_create(&j->options);
    *out = j;
    return MU_OK;
}

static enum mu_err open_unchanged(struct rocks_journal **out, const char *dir,
                                  const struct rocks_journal_registry *registry, char *why, size_t why_size)
{
    enum mu_err err;
    struct rocks_journal *j = NULL;

    *out = NULL;
    snprintf(why, why_size, "cannot open the journal in %s", dir);
    if ((err = rocks_create(&j, dir, &(struct rocks_journal_options){ 0 })) != MU_OK)
        goto out;
    j->unchanged = true;
    if ((err = rocks_open(j, why, why_size)) != MU_OK)
        goto out;
    if ((err = read_boot(j, why, why_size)) != MU_OK || (err = rocks_trust_check(j, registry, why, why_size)) != MU_OK)
        goto out;
    *out = j;
    j = NULL;
out:
    rocks_journal_close(j);
    return err;
}

enum mu_err rocks_journal_open_unchanged(struct journal **out, const char *dir,
                                         const struct rocks_journal_registry *registry, char *why, size_t why_size)
{
    struct rocks_journal *j;
    enum mu_err err = open_unchanged(&j, dir, registry, why, why_size);

    *out = j ? &j->base : NULL;
    return err == MU_E_NOT_FOUND ? MU_E_CORRUPT : err;
}

enum mu_err rocks_journal_look(const char *dir, const struct rocks_journal_registry *registry, char *why,
                               size_t why_size)
{
    struct rocks_journal *j = NULL;
    bool fresh;
    enum mu_err err;

    if ((err = rocks_create(&j, dir, &(struct rocks_journal_options){ 0 })) != MU_OK)
        return err;
    err = rocks_find(j, &fresh, why, why_size);
    rocks_journal_close(j);
    if (err != MU_OK || fresh)
        return err;
    err = open_unchanged(&j, dir, registry, why, why_size);
    rocks_journal_close(j);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err rocks_journal_check_room(const char *dir, char *why, size_t why_size)
{
    return rocks_check_room(dir, RESERVE_BYTES, why, why_size);
}

enum mu_err rocks_journal_open(struct journal **out, const char *dir, const struct rocks_journal_options *options,
                               char *why, size_t why_size)
{
    enum mu_err err;
    struct rocks_journal *j = NULL;

    *out = NULL;
    snprintf(why, why_size, "cannot open the journal in %s", dir);
    /* Look first, while nothing is changed. */
    if ((!options->looked && (err = rocks_journal_look(dir, options->registry, why, why_size)) != MU_OK) ||
        (err = rocks_create(&j, dir, options)) != MU_OK)
        goto out;
    if ((err = rocks_open(j, why, why_size)) != MU_OK)
        goto out;
    if ((err = count_boot(j, why, why_size)) != MU_OK || (err = rocks_trust_load(j, options->registry)) != MU_OK ||
        (err = rocks_trust_mark(&j->mark, j, dir)) != MU_OK)
        goto out;
    rocks_clock_load(j, options);
    *out = &j->base;
    j = NULL;
out:
    rocks_journal_close(j);
    return err;
}

void rocks_journal_close(struct rocks_journal *j)
{
    if (!j)
        return;
    /* After a flush the next start need not read a log (it would read it twice). If the flush fails, the log has it. */
    if (j->db && !j->unchanged && !j->broken && rocks_journal_flush(&j->base) != MU_OK)
        log_event(LOG_WARN, "journal_not_flushed", "path=%s", LOG_Q(j->path, -1));
    rocks_close(j);
    mark_close(&j->mark);
    rocks_options_destroy(&j->options);
    pthread_rwlock_destroy(&j->lock);
    free(j->days);
    free(j->path);
    free(j);
}

int64_t rocks_alive_us(struct rocks_journal *j, uint64_t boot)
{
    uint8_t key[ALIVE_KEY_LEN];
    uint64_t alive[2];
    enum mu_err err;

    rocks_alive_key(key, boot);
    pthread_rwlock_rdlock(&j->lock);
    err = j->db ? rocks_meta_get(j, key, sizeof(key), alive, 2) : MU_E_IO;
    pthread_rwlock_unlock(&j->lock);
    return err == MU_OK ? (int64_t)alive[0] : 0;
}

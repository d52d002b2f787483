/* Reads tables to find damage. RocksDB notices a missing or short table when it opens it, but a changed block only when
 * it reads it: for a record of last Friday that is when somebody asks for last Friday. A start reads as much as it can in
 * a moment, so a journal that is not large is known to be whole. `muster check` reads a larger one in full.
 *
 * Deleted ranges are read as if they were not deleted: among them an iterator of RocksDB 7.8 takes a damaged block for
 * the end of its table and reports nothing. */
#include "journal/rocks_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/thread.h"

/* Bytes of tables on disk: some 3 million messages. */
#define READ_AT_START (UINT64_C(64) * 1024 * 1024)

enum { STEP_KEY_MAX = RECORD_KEY_HEAD };

enum mu_err rocks_read_family(const struct rocks_journal *j, rocksdb_column_family_handle_t *family, char *why,
                              size_t why_size)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    char *text = NULL;

    rocksdb_readoptions_set_fill_cache(options, 0);
    rocksdb_readoptions_set_readahead_size(options, 256 * 1024);
    rocksdb_readoptions_set_ignore_range_deletions(options, 1);
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, family);
    for (rocksdb_iter_seek_to_first(at); rocksdb_iter_valid(at); rocksdb_iter_next(at))
        ;
    rocksdb_iter_get_error(at, &text);
    if (text)
        snprintf(why, why_size, "%s", text);
    rocksdb_iter_destroy(at);
    rocksdb_readoptions_destroy(options);
    return rocks_status_take(text);
}

/* --- behind damage --------------------------------------------------------------------------------*/

static bool has_ended_well(rocksdb_iterator_t *at)
{
    char *text = NULL;

    rocksdb_iter_get_error(at, &text);
    bool well = !text;
    if (text)
        rocksdb_free(text);
    return well;
}

/* The key with `step` added to byte number `at`, cut off after that byte; false: there is none. */
static bool step_key(uint8_t key[STEP_KEY_MAX], size_t at, unsigned step)
{
    unsigned sum = key[at] + step;

    key[at] = (uint8_t)sum;
    for (size_t i = at; sum > UINT8_MAX;) {
        if (i-- == 0)
            return false;
        sum = key[i] + 1u;
        key[i] = (uint8_t)sum;
    }
    return true;
}

/* The end of a damaged block is not known, so keys that lie farther and farther away are tried. Of the last key as many
 * bytes as possible are kept: first a later moment is tried, then a later device. */
bool rocks_step_over(rocksdb_iterator_t *at, const uint8_t *last, size_t len)
{
    uint8_t start[STEP_KEY_MAX] = { 0 }, key[STEP_KEY_MAX];

    if (rocksdb_iter_valid(at) || has_ended_well(at))
        return false;
    if (len > STEP_KEY_MAX)
        len = STEP_KEY_MAX;
    if (len)
        memcpy(start, last, len);
    for (size_t byte = STEP_KEY_MAX; byte-- > 0;) {
        for (unsigned step = 1; step <= UINT8_MAX; step *= 2) {
            memcpy(key, start, byte + 1);
            if (!step_key(key, byte, step))
                return true;
            rocksdb_iter_seek(at, (const char *)key, byte + 1);
            if (rocksdb_iter_valid(at) || has_ended_well(at))
                return true;
        }
    }
    return true;
}

/* --- at a start -----------------------------------------------------------------------------------*/

/* Two threads share the families: most of the work is decompressing and comparing checksums. */
struct reading {
    const struct rocks_journal *journal;
    pthread_mutex_t lock;
    size_t next;     /* family: the fixed ones, then the days, the newest of which are asked for most */
    uint64_t read;   /* bytes, up to there */
    enum mu_err err; /* the first, with its text */
    char text[300];
};

/* NULL if there is none left. With the lock held. */
static rocksdb_column_family_handle_t *next_family(struct reading *r)
{
    const struct rocks_journal *j = r->journal;

    while (r->err == MU_OK && r->next < FIXED_FAMILIES + j->day_count) {
        size_t i = r->next++;
        uint64_t size = 0;
        rocksdb_column_family_handle_t *family =
            i < FIXED_FAMILIES ? j->fixed[i] : j->days[j->day_count - 1 - (i - FIXED_FAMILIES)].handle;
        if (!family || rocksdb_property_int_cf(j->db, family, "rocksdb.total-sst-files-size", &size) != 0)
            continue;
        /* Days of activity are always read here: the iterator that builds the fleet may not report damage in them. */
        if (i == FAMILY_ACTIVITY || (r->read += size) <= READ_AT_START)
            return family;
    }
    return NULL;
}

static void *read_families(void *reading)
{
    struct reading *r = reading;
    rocksdb_column_family_handle_t *family;
    char text[sizeof(r->text)] = "";

    rocks_count_nothing();
    pthread_mutex_lock(&r->lock);
    while ((family = next_family(r))) {
        pthread_mutex_unlock(&r->lock);
        enum mu_err err = rocks_read_family(r->journal, family, text, sizeof(text));
        pthread_mutex_lock(&r->lock);
        if (err != MU_OK && r->err == MU_OK) {
            r->err = err;
            memcpy(r->text, text, sizeof(r->text));
        }
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

enum mu_err rocks_read_tables(const struct rocks_journal *j, char *why, size_t why_size)
{
    struct reading r = { .journal = j, .lock = PTHREAD_MUTEX_INITIALIZER };
    pthread_t other;
    bool has_other = thread_start(&other, "tables", read_families, &r) == MU_OK;

    read_families(&r);
    if (has_other)
        pthread_join(other, NULL);
    if (r.err != MU_OK)
        snprintf(why, why_size, "%s: " MARK_ADVICE, *r.text ? r.text : mu_err_text(r.err));
    return r.err;
}

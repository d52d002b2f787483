/* Reading tables at a start. RocksDB notices a table that is missing or short when it opens, and a block that
 * was changed when it reads it: for a record of last Friday that is when somebody asks for last Friday. A start
 * reads what it can in a moment, so that a journal that is not large is known to be whole; a larger one is
 * read in full by muster check. */
#include "journal/rocks_internal.h"

#include <stdio.h>

/* Of tables as they are on disk: some 3 million messages. */
#define READ_AT_START (UINT64_C(64) * 1024 * 1024)

static enum mu_err read_family(const struct journal *j, rocksdb_readoptions_t *options,
                               rocksdb_column_family_handle_t *family, char *why, size_t why_size)
{
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, family);
    char *text = NULL;

    for (rocksdb_iter_seek_to_first(at); rocksdb_iter_valid(at); rocksdb_iter_next(at))
        ;
    rocksdb_iter_get_error(at, &text);
    if (text)
        snprintf(why, why_size, "%s: " MARK_ADVICE, text);
    rocksdb_iter_destroy(at);
    return status_take(text);
}

enum mu_err rocks_read_tables(const struct journal *j, char *why, size_t why_size)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    enum mu_err err = MU_OK;
    uint64_t read = 0;

    rocks_count_nothing();
    rocksdb_readoptions_set_fill_cache(options, 0);
    rocksdb_readoptions_set_readahead_size(options, 1024 * 1024);
    /* The other fixed families are read when the fleet is built. The newest day is the one asked for most. */
    for (size_t i = 0; i <= j->day_count && err == MU_OK; i++) {
        rocksdb_column_family_handle_t *family =
            i == 0 ? j->fixed[FAMILY_CONTROLS] : j->days[j->day_count - i].handle;
        uint64_t size = 0;
        if (family && rocksdb_property_int_cf(j->db, family, "rocksdb.total-sst-files-size", &size) == 0 &&
            (read += size) <= READ_AT_START)
            err = read_family(j, options, family, why, why_size);
    }
    rocksdb_readoptions_destroy(options);
    return err;
}

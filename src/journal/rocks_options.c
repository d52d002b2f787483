#include "journal/rocks_internal.h"

#include <assert.h>
#include <stdio.h>

/* How RocksDB is set up. Measured with bench/journal_bench.c: twice or half the size of the memtables made no difference
 * beyond the one between two runs. Merging days by levels took the same CPU time at 0.4 GB of payload, and reading their
 * pages took two to three times as long. For blocks and compression see docs/journal.md. */

#define KIB 1024UL
#define MIB (1024UL * 1024)

enum { INFO_LOG_FATAL = 4 };
enum { ZSTD_LEVEL = 1, WINDOW_BITS = -14, STRATEGY = 0 }; /* the two others: RocksDB's defaults */

static void set_database(rocksdb_options_t *o)
{
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_create_missing_column_families(o, 1);

    /* A family that is seldom written keeps all log files since its last flush. This bound makes RocksDB flush it. It
     * also bounds the time of a start after a crash. */
    rocksdb_options_set_max_total_wal_size(o, 256 * MIB);
    /* All memtables together, however many days there are. */
    rocksdb_options_set_db_write_buffer_size(o, 64 * MIB);
    /* One flush and two merges, so that a small merge does not wait for that of a large day. */
    rocksdb_options_set_max_background_jobs(o, 3);
    rocksdb_options_set_max_open_files(o, 512);
    rocksdb_options_set_bytes_per_sync(o, MIB);
    rocksdb_options_set_max_manifest_file_size(o, 16 * MIB);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);

    /* One thread writes. */
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(o, 0);

    /* RocksDB's own log is on the same disk, and Debian's build aborts the process at the line after one that did not
     * fit. At this level it writes lines only at an opening and a new day, which need free room anyway. Its errors are
     * also returned by the calls that fail. */
    rocksdb_options_set_info_log_level(o, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(o, 3);
    rocksdb_options_set_max_log_file_size(o, MIB);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
}

static rocksdb_block_based_table_options_t *table_options(rocksdb_cache_t *cache, size_t block)
{
    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();

    rocksdb_block_based_options_set_block_cache(t, cache);
    rocksdb_block_based_options_set_block_size(t, block);
    rocksdb_block_based_options_set_format_version(t, 5);
    /* Indexes are in blocks of their own and in the cache: those of a day may be larger than the memory. */
    rocksdb_block_based_options_set_index_type(t, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(t, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(t, 1);
    return t;
}

/* Some options have no call in the C API; they are set by a text. */
static rocksdb_options_t *changed_by(rocksdb_options_t *o, const char *settings)
{
    rocksdb_options_t *changed = rocksdb_options_create();
    char *text = NULL;

    rocksdb_get_options_from_string(o, settings, changed, &text);
    assert(!text);
    rocksdb_options_destroy(o);
    return changed;
}

/* The records of a device come in order, so the next one belongs behind the last one. With a hint RocksDB keeps that
 * place for each device: an insertion takes two comparisons instead of thirty, most of which wait for memory. But a hint
 * takes 230 bytes of the memtable, so with many devices tables are smaller and merged more often. With 10,000 devices a
 * message takes 0.6 µs of CPU time less, with 100,000 it takes 0.9 µs more. */
enum { FEW_DEVICES = 30000 };
#define WITH_HINTS \
    "memtable_insert_with_hint_prefix_extractor=rocksdb.FixedPrefix.4" /* the device, in a record's key */

static rocksdb_options_t *family_options(rocksdb_block_based_table_options_t *tables, size_t memtable)
{
    rocksdb_options_t *o = rocksdb_options_create();

    rocksdb_options_set_block_based_table_factory(o, tables);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_write_buffer_size(o, memtable);
    rocksdb_options_set_arena_block_size(o, 256 * KIB);
    set_database(o);
    /* RocksDB then notices if a log that the MANIFEST knows as complete is missing or short. */
    return changed_by(o, "track_and_verify_wals_in_manifest=true");
}

/* Nothing in a day is overwritten, so merging its tables only serves readers, who look into each of them. Levels would
 * rewrite a large day some ten times, this does about half as often. Waiting for eight tables instead of four saved a
 * seventh of the CPU time of storing, and doubled that of a page. */
static void set_universal(rocksdb_options_t *o)
{
    rocksdb_universal_compaction_options_t *u = rocksdb_universal_compaction_options_create();

    rocksdb_options_set_compaction_style(o, rocksdb_universal_compaction);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, 4);
    /* Many tables make reading slow, but slowing commits down would delay acknowledgements. */
    rocksdb_options_set_level0_slowdown_writes_trigger(o, 100);
    rocksdb_options_set_level0_stop_writes_trigger(o, 200);
    rocksdb_options_set_soft_pending_compaction_bytes_limit(o, 0);
    rocksdb_options_set_hard_pending_compaction_bytes_limit(o, 0);
    rocksdb_options_set_universal_compaction_options(o, u);
    rocksdb_universal_compaction_options_destroy(u);
}

void rocks_options_create(struct rocks_options *o)
{
    *o = (struct rocks_options){ .cache = rocksdb_cache_create_lru(64 * MIB) };
    o->tables = table_options(o->cache, 16 * KIB);
    o->fixed = family_options(o->tables, 4 * MIB);
    o->state = family_options(o->tables, 16 * MIB);

    /* The frames of a device are similar and lie side by side, so they compress well. */
    o->day_tables = table_options(o->cache, 16 * KIB);
    rocksdb_block_based_options_set_block_restart_interval(o->day_tables, 64);
    o->day = family_options(o->day_tables, 32 * MIB);
    rocksdb_options_set_compression(o->day, rocksdb_zstd_compression);
    rocksdb_options_set_compression_options(o->day, WINDOW_BITS, ZSTD_LEVEL, STRATEGY, 0);
    set_universal(o->day);
    o->day_of_few = changed_by(rocksdb_options_create_copy(o->day), WITH_HINTS);

    o->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(o->synced, 1);
    /* A day may be dropped between the filling of a batch and its commit. */
    rocksdb_writeoptions_set_ignore_missing_column_families(o->synced, 1);
}

const rocksdb_options_t *rocks_day_options(const struct rocks_journal *j)
{
    return j->devices > FEW_DEVICES ? j->options.day : j->options.day_of_few;
}

void rocks_options_trust_nothing(struct rocks_options *o, const char *mode, bool reads_only)
{
    char settings[200];

    snprintf(settings, sizeof(settings), "track_and_verify_wals_in_manifest=%s;wal_recovery_mode=%s",
             reads_only ? "true" : "false", mode);
    o->fixed = changed_by(o->fixed, settings);
}

void rocks_options_destroy(struct rocks_options *o)
{
    if (o->synced)
        rocksdb_writeoptions_destroy(o->synced);
    if (o->day_of_few)
        rocksdb_options_destroy(o->day_of_few);
    if (o->day)
        rocksdb_options_destroy(o->day);
    if (o->state)
        rocksdb_options_destroy(o->state);
    if (o->fixed)
        rocksdb_options_destroy(o->fixed);
    if (o->day_tables)
        rocksdb_block_based_options_destroy(o->day_tables);
    if (o->tables)
        rocksdb_block_based_options_destroy(o->tables);
    if (o->cache)
        rocksdb_cache_destroy(o->cache);
    *o = (struct rocks_options){ 0 };
}

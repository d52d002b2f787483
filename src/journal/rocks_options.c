#include "journal/rocks_internal.h"

/* Measured with bench/journal_bench.c (2 cores shared with other work, ext4; 5 million messages of 60
 * to 120 bytes, each with its device's state, in synced batches of 2,000; CPU with all background
 * work; bytes of all tables per message):
 *
 *     10,000 devices, reports that change little     139,000 /s   7.4 us   36 bytes
 *     10,000 devices, payloads of random bytes       142,000 /s   7.8 us  112 bytes
 *     1,000,000 devices, five reports each            87,000 /s  10.2 us   86 bytes, half of it state
 *
 * at 81 MiB resident with 10,000 devices. Half of the CPU time is the search for a record's place in
 * its memtable; twice or half their size made no difference beyond the 10 % between two runs. Days
 * merged by levels took the same CPU time, at 0.4 GB of payload, and their pages two to three times
 * as long. Blocks of 4 KiB took 7 % more room, blocks of 64 KiB 2 % less. */

#define KIB 1024UL
#define MIB (1024UL * 1024)

enum { INFO_LOG_FATAL = 4 };

static void set_database(rocksdb_options_t *o)
{
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_create_missing_column_families(o, 1);

    /* A family that is seldom written keeps every log file since its last flush alive: this bound
     * flushes it. It bounds the time of a start after a crash, too. */
    rocksdb_options_set_max_total_wal_size(o, 256 * MIB);
    /* All memtables together, however many days there are. */
    rocksdb_options_set_db_write_buffer_size(o, 64 * MIB);
    /* One flush and two mergings: a small one must not wait for that of a large day. */
    rocksdb_options_set_max_background_jobs(o, 3);
    rocksdb_options_set_max_open_files(o, 512);
    rocksdb_options_set_bytes_per_sync(o, MIB);
    rocksdb_options_set_max_manifest_file_size(o, 16 * MIB);
    rocksdb_options_set_skip_stats_update_on_db_open(o, 1);

    /* One thread writes. */
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(o, 0);

    /* RocksDB's own log lies on the same disk, and Debian's build aborts the process at the line
     * after one that did not fit. Without lines below this level there are some only at an opening
     * and a new day, which want free room anyway. Its errors come with the calls that they fail. */
    rocksdb_options_set_info_log_level(o, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(o, 3);
    rocksdb_options_set_max_log_file_size(o, MIB);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
}

static rocksdb_options_t *family_options(const struct rocks_options *shared, size_t memtable)
{
    rocksdb_options_t *o = rocksdb_options_create();

    rocksdb_options_set_block_based_table_factory(o, shared->tables);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_write_buffer_size(o, memtable);
    rocksdb_options_set_arena_block_size(o, 256 * KIB);
    set_database(o);
    return o;
}

/* Nothing in a day is ever overwritten, so merging its tables only serves the reader: as seldom as
 * pages stay fast. Levels would rewrite a large day some ten times, this four or five times. */
static void set_universal(rocksdb_options_t *o)
{
    rocksdb_universal_compaction_options_t *u = rocksdb_universal_compaction_options_create();

    rocksdb_options_set_compaction_style(o, rocksdb_universal_compaction);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, 8);
    /* Tables that wait for it cost readers time; holding commits back would cost acknowledgements. */
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

    o->tables = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(o->tables, o->cache);
    rocksdb_block_based_options_set_block_size(o->tables, 16 * KIB);
    rocksdb_block_based_options_set_format_version(o->tables, 5);
    /* Indexes in blocks of their own and in the cache: a day's may be larger than the memory. */
    rocksdb_block_based_options_set_index_type(
        o->tables, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(o->tables, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(o->tables, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(o->tables, 1);

    o->fixed = family_options(o, 4 * MIB);
    o->state = family_options(o, 16 * MIB);
    o->day = family_options(o, 32 * MIB);
    set_universal(o->day);

    o->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(o->synced, 1);
    /* A day may be dropped between the filling of a batch and its commit. */
    rocksdb_writeoptions_set_ignore_missing_column_families(o->synced, 1);
}

void rocks_options_destroy(struct rocks_options *o)
{
    if (o->synced)
        rocksdb_writeoptions_destroy(o->synced);
    if (o->day)
        rocksdb_options_destroy(o->day);
    if (o->state)
        rocksdb_options_destroy(o->state);
    if (o->fixed)
        rocksdb_options_destroy(o->fixed);
    if (o->tables)
        rocksdb_block_based_options_destroy(o->tables);
    if (o->cache)
        rocksdb_cache_destroy(o->cache);
    *o = (struct rocks_options){ 0 };
}

/* What messages cost in RocksDB alone, with its defaults: the peer of journal_bench.
 *
 *     rocksdb_bench DIR MESSAGES DEVICES steady|random
 *
 * The key is the device and the timestamp, the value the frame; synced batches as the journal's. DIR
 * must exist. Prints what journal_bench prints, in the same form. */
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "journal_load.h"

static void check(char *text)
{
    if (!text)
        return;
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static void put_be(uint8_t *out, size_t bytes, uint64_t v)
{
    for (size_t i = bytes; i-- > 0; v >>= 8)
        out[i] = (uint8_t)v;
}

static void write_all(rocksdb_t *db, struct load *load, long messages)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writeoptions_t *synced = rocksdb_writeoptions_create();
    uint8_t key[12];
    char *text = NULL;

    rocksdb_writeoptions_set_sync(synced, 1);
    for (long i = 0; i < messages; i++) {
        struct load_message m = load_next(load);
        put_be(key, 4, m.device);
        put_be(key + 4, 8, (uint64_t)m.ts_us);
        rocksdb_writebatch_put(batch, (const char *)key, sizeof(key), (const char *)m.frame, LOAD_FRAME);
        if (i % LOAD_BATCH == LOAD_BATCH - 1 || i == messages - 1) {
            rocksdb_write(db, synced, batch, &text);
            check(text);
            rocksdb_writebatch_clear(batch);
        }
    }
    rocksdb_writeoptions_destroy(synced);
    rocksdb_writebatch_destroy(batch);
}

int main(int argc, char **argv)
{
    char *text = NULL;

    if (argc < 5) {
        fprintf(stderr, "usage: rocksdb_bench DIR MESSAGES DEVICES steady|random\n");
        return 2;
    }
    long messages = atol(argv[2]);
    struct load *load = load_create((uint32_t)atol(argv[3]), messages, clock_wall_us() / 86400000000 * 86400000000,
                                    strcmp(argv[4], "random") == 0);
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_t *db = rocksdb_open(options, argv[1], &text);
    check(text);

    int64_t began = clock_mono_us();
    double cpu = load_cpu_seconds();
    write_all(db, load, messages);
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    cpu = load_cpu_seconds() - cpu;
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    rocksdb_flush(db, flush, &text);
    check(text);
    rocksdb_flushoptions_destroy(flush);
    double size = load_file_bytes(argv[1], ".sst");
    rocksdb_compact_range(db, NULL, 0, NULL, 0);
    printf("per_second=%.0f cpu_us=%.3f bytes=%.2f merged_bytes=%.2f\n", (double)messages / seconds,
           cpu * 1e6 / (double)messages, size / (double)messages, load_file_bytes(argv[1], ".sst") / (double)messages);
    rocksdb_close(db);
    rocksdb_options_destroy(options);
    load_destroy(load);
    return 0;
}

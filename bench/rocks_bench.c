/* RocksDB alone as the journal's peer: the same messages under the plainest key there is, device and
 * moment, in one family with the library's defaults, read while more come in.
 *
 *     rocks_bench DIR DEVICES MESSAGES NOW REPORTING RATE
 *
 * Puts seven days of messages into DIR, unless it has them, and says "ready". For each line "SECONDS" of
 * the input it reads pages for so long, while another thread writes RATE messages per second of REPORTING
 * devices in synced batches, and answers with a line of JSON. A page is the newest 20 of two days of a
 * device and how many there are in them, which takes a look at each. */
#include <endian.h>
#include <inttypes.h>
#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { KEY = 12, VALUE = 16, BATCH = 5000, PAGE = 20, SAMPLES = 1000000 };
static const int64_t day_us = INT64_C(86400) * 1000000;

static struct {
    rocksdb_t *db;
    rocksdb_writeoptions_t *synced;
    rocksdb_readoptions_t *read;
    uint32_t devices, reporting;
    uint64_t messages, rate;
    int64_t now_us;
    _Atomic bool writing;
} b;

static void check(char *error)
{
    if (!error)
        return;
    fprintf(stderr, "rocks_bench: %s\n", error);
    exit(1);
}

static void make_key(char key[KEY], uint32_t device, int64_t ts_us)
{
    uint32_t who = htobe32(device);
    uint64_t when = htobe64((uint64_t)ts_us);

    memcpy(key, &who, sizeof(who));
    memcpy(key + 4, &when, sizeof(when));
}

static void put(rocksdb_writebatch_t *batch, uint32_t device, int64_t ts_us)
{
    const char value[VALUE] = { 0, 0, 0, 3, 11, 0, 0, (char)0x91, 4, 1, 0, 0, (char)ts_us, (char)(ts_us >> 8) };
    char key[KEY];

    make_key(key, device, ts_us);
    rocksdb_writebatch_put(batch, key, KEY, value, VALUE);
}

static void commit(rocksdb_writebatch_t *batch)
{
    char *error = NULL;

    rocksdb_write(b.db, b.synced, batch, &error);
    check(error);
    rocksdb_writebatch_clear(batch);
}

static void fill(void)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    int64_t ts_us = b.now_us - 7 * day_us, step_us = 7 * day_us / (int64_t)(b.messages + 1);

    for (uint64_t i = 0; i < b.messages; i++) {
        put(batch, 1 + (uint32_t)(i % b.devices), ts_us += step_us);
        if (i % BATCH == BATCH - 1 || i == b.messages - 1)
            commit(batch);
    }
    rocksdb_writebatch_destroy(batch);
}

static void *write_on(void *unused)
{
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    int64_t began = clock_mono_us();
    uint64_t written = 0;

    for (; b.writing; usleep(1000)) {
        uint64_t due = (uint64_t)(clock_mono_us() - began) * b.rate / 1000000;
        if (due == written)
            continue;
        for (; written < due; written++)
            put(batch, 1 + (uint32_t)(written % b.reporting), clock_wall_us());
        commit(batch);
    }
    rocksdb_writebatch_destroy(batch);
    return unused;
}

static uint64_t read_page(uint32_t device, int64_t from_us, int64_t to_us)
{
    rocksdb_iterator_t *it = rocksdb_create_iterator(b.db, b.read);
    char first[KEY], last[KEY];
    static char page[PAGE][VALUE];
    uint64_t total = 0;
    size_t len;

    make_key(first, device, from_us);
    make_key(last, device, to_us);
    for (rocksdb_iter_seek_for_prev(it, last, KEY); rocksdb_iter_valid(it); rocksdb_iter_prev(it)) {
        if (memcmp(rocksdb_iter_key(it, &len), first, KEY) < 0)
            break;
        if (total < PAGE)
            memcpy(page[total], rocksdb_iter_value(it, &len), VALUE);
        total++;
    }
    rocksdb_iter_destroy(it);
    return total;
}

static int by_size(const void *x, const void *y)
{
    uint32_t p = *(const uint32_t *)x, q = *(const uint32_t *)y;
    return p < q ? -1 : p > q;
}

static int64_t thread_cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void measure(double seconds)
{
    static uint32_t us[SAMPLES];
    static uint64_t seed = 42;
    size_t n = 0;
    uint64_t rows = 0;
    pthread_t writer;

    b.writing = true;
    if (pthread_create(&writer, NULL, write_on, NULL) != 0)
        exit(1);
    int64_t end = clock_mono_us() + (int64_t)(seconds * 1e6), cpu = thread_cpu_us();
    for (int64_t at; n < SAMPLES && (at = clock_mono_us()) < end; n++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t from_us = b.now_us - 6 * day_us + (int64_t)(seed >> 40) % (4 * 86400) * 1000000;
        rows += read_page(1 + (uint32_t)(seed >> 33) % b.devices, from_us, from_us + 2 * day_us);
        us[n] = (uint32_t)(clock_mono_us() - at);
    }
    cpu = thread_cpu_us() - cpu;
    b.writing = false;
    pthread_join(writer, NULL);
    qsort(us, n, sizeof(*us), by_size);
    printf("{\"pages\":%zu,\"rows\":%" PRIu64 ",\"cpu_us\":%.2f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", n, rows,
           (double)cpu / (double)n, us[n / 2] / 1e3, us[n * 99 / 100] / 1e3);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char *error = NULL, line[100], made[4096];

    if (argc != 7) {
        fprintf(stderr, "usage: rocks_bench DIR DEVICES MESSAGES NOW REPORTING RATE\n");
        return 2;
    }
    b.devices = (uint32_t)strtoul(argv[2], NULL, 10);
    b.messages = strtoull(argv[3], NULL, 10);
    b.now_us = strtoll(argv[4], NULL, 10) * 1000000;
    b.reporting = (uint32_t)strtoul(argv[5], NULL, 10);
    b.rate = strtoull(argv[6], NULL, 10);

    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    b.db = rocksdb_open(options, argv[1], &error);
    check(error);
    b.synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(b.synced, 1);
    b.read = rocksdb_readoptions_create();
    snprintf(made, sizeof(made), "%s/made", argv[1]);
    if (access(made, F_OK) != 0) {
        fill();
        fclose(fopen(made, "w"));
    }
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        measure(strtod(line, NULL));

    rocksdb_close(b.db);
    rocksdb_writeoptions_destroy(b.synced);
    rocksdb_readoptions_destroy(b.read);
    rocksdb_options_destroy(options);
    return 0;
}

/* What a message costs the journal: synced batches of messages and the states of their devices.
 *
 *     journal_bench DIR [MESSAGES [DEVICES [random]]]
 *
 * DIR must exist; a journal is made in it. Payloads are reports of 60 to 120 bytes in which a few
 * bytes change from one report of a device to the next, or random bytes, which do not compress.
 * Prints messages per second, CPU time per message (compaction included), and bytes per message in
 * tables, then the time of the last page of the first device and the time of the next opening. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "journal/journal.h"

enum { BATCH = 2000, PAYLOAD_MAX = 120, PAYLOAD_MIN = 60, IMAGE = 50, CHANGES = 4 };

struct device {
    uint64_t number;
    uint8_t payload[PAYLOAD_MAX];
    size_t payload_len;
};

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((random_state >> 33) % n);
}

static void check(enum mu_err err, const char *what)
{
    if (err == MU_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, mu_err_text(err));
    exit(1);
}

static struct journal *open_journal(const char *dir)
{
    struct journal *j;
    char why[300];
    struct journal_options options = { .retention_days = 7 };
    check(journal_open(&j, dir, &options, why, sizeof why), why);
    return j;
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void change_payload(struct device *d, bool all)
{
    if (d->payload_len == 0)
        d->payload_len = PAYLOAD_MIN + random_below(PAYLOAD_MAX - PAYLOAD_MIN + 1);
    if (all || d->number == 0)
        for (size_t i = 0; i < d->payload_len; i++)
            d->payload[i] = (uint8_t)random_below(256);
    for (int i = 0; i < CHANGES; i++)
        d->payload[random_below((uint32_t)d->payload_len)] = (uint8_t)random_below(256);
}

static void put_report(struct journal_batch *b, uint32_t number, struct device *d, int64_t ts_us,
                       bool random)
{
    change_payload(d, random);
    d->number++;
    struct journal_message m = { .ts_us = ts_us, .decoded = true, .definition = 1, .number = d->number,
                                 .decoded_number = d->number, .payload = d->payload,
                                 .payload_len = d->payload_len };
    struct journal_state s = { .last_ts_us = ts_us, .messages = d->number, .decoded = d->number,
                               .activated_at = 1505789918, .online_latest = 1505789918,
                               .last_report = ts_us / 1000000, .active_day = 20000, .session_boot = 1,
                               .definition = 1, .image = d->payload, .image_len = IMAGE };
    journal_batch_message(b, number, &m);
    journal_batch_state(b, number, &s);
}

static void write_all(struct journal *j, struct device *devices, uint32_t device_count, long messages,
                      int64_t start_us, int64_t step_us, bool random)
{
    struct journal_batch *b;
    check(journal_batch_create(&b, j), "batch");

    int64_t began = clock_mono_us();
    double cpu = cpu_seconds();
    for (long i = 0; i < messages; i++) {
        uint32_t device = random_below(device_count);
        put_report(b, device, &devices[device], start_us + i * step_us, random);
        if (i % BATCH == BATCH - 1 || i == messages - 1)
            check(journal_commit(j, b, start_us), "commit");
    }
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    printf("%.0f messages/s, %.2f us CPU per message", (double)messages / seconds,
           (cpu_seconds() - cpu) * 1e6 / (double)messages);
    journal_batch_destroy(b);
}

static double table_bytes(const char *dir)
{
    char path[4096];
    struct stat st;
    struct dirent *entry;
    double sum = 0;

    snprintf(path, sizeof path, "%s/journal", dir);
    DIR *d = opendir(path);
    while (d && (entry = readdir(d))) {
        size_t len = strlen(entry->d_name);
        snprintf(path, sizeof path, "%s/journal/%s", dir, entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".sst") == 0 && stat(path, &st) == 0)
            sum += (double)st.st_size;
    }
    if (d)
        closedir(d);
    return sum;
}

static enum mu_err count_row(void *ctx, const struct journal_message *m)
{
    (void)m;
    ++*(uint64_t *)ctx;
    return MU_OK;
}

static void read_pages(struct journal *j, uint32_t device_count, int64_t from_us, int64_t to_us)
{
    enum { PAGES = 200 };
    uint64_t rows = 0, total = 0;
    int64_t began = clock_mono_us();

    for (int i = 0; i < PAGES; i++) {
        struct journal_window w = { .from_us = from_us, .to_us = to_us, .newest_first = true,
                                    .skip = total / 2, .limit = 20 };
        check(journal_messages(j, random_below(device_count), &w, count_row, &rows, &total), "read");
    }
    printf("%lld us per page from the middle of %llu records\n",
           (long long)(clock_mono_us() - began) / PAGES, (unsigned long long)total);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: journal_bench DIR [MESSAGES [DEVICES [random]]]\n");
        return 2;
    }
    long messages = argc > 2 ? atol(argv[2]) : 2000000;
    uint32_t device_count = argc > 3 ? (uint32_t)atol(argv[3]) : 10000;
    bool random = argc > 4 && strcmp(argv[4], "random") == 0;
    struct device *devices = calloc(device_count, sizeof *devices);
    if (!devices || messages <= 0)
        return 2;

    /* One day's messages, evenly. */
    int64_t start_us = clock_wall_us() / 86400000000 * 86400000000;
    int64_t step_us = 86400000000 / messages;
    struct journal *j = open_journal(argv[1]);
    check(journal_roll(j, start_us), "roll");
    write_all(j, devices, device_count, messages, start_us, step_us, random);
    journal_close(j);

    int64_t began = clock_mono_us();
    j = open_journal(argv[1]);
    int64_t opened = clock_mono_us();
    printf(", %.1f bytes per message in tables\n", table_bytes(argv[1]) / (double)messages);
    read_pages(j, device_count, start_us, start_us + messages * step_us);
    printf("%lld ms to open again\n", (long long)(opened - began) / 1000);
    journal_close(j);
    free(devices);
    return 0;
}

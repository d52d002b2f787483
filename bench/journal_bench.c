/* What a message costs the journal: synced batches of messages and the states of their devices.
 *
 *     journal_bench DIR MESSAGES DEVICES steady|random
 *
 * DIR must exist; a journal is made in it. Prints messages per second, CPU time per message (background
 * work included), and the bytes of all tables per message, of which some are the devices' states; then
 * the time of a page of 20 from the middle of a device's day and that of the next opening. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "journal/rocks_journal.h"
#include "journal_load.h"

enum { IMAGE = LOAD_FRAME - 10 };

static void check(enum mu_err err, const char *what)
{
    if (err == MU_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, mu_err_text(err));
    exit(1);
}

static struct journal *open_journal(const char *dir, uint32_t devices)
{
    struct journal *j;
    char why[300];
    struct rocks_journal_registry registry = { .device = devices };
    struct rocks_journal_options options = { .registry = &registry, .retention_days = 7 };
    check(rocks_journal_open(&j, dir, &options, why, sizeof(why)), why);
    return j;
}

static void put_report(struct journal_batch *b, const struct load_message *l)
{
    struct journal_message m = { .ts_us = l->ts_us,
                                 .decoded = true,
                                 .definition = 1,
                                 .number = l->number,
                                 .decoded_number = l->number,
                                 .payload = l->frame,
                                 .payload_len = LOAD_FRAME };
    struct journal_state s = { .last_ts_us = l->ts_us,
                               .messages = l->number,
                               .decoded = l->number,
                               .activated_at = 1505789918,
                               .online_latest = 1505789918,
                               .last_report = l->ts_us / 1000000,
                               .active_day = 20000,
                               .session_boot = 1,
                               .definition = 1,
                               .image = l->frame + LOAD_FRAME - IMAGE,
                               .image_len = IMAGE };
    journal_batch_message(b, l->device, &m);
    journal_batch_state(b, l->device, &s);
}

static void write_all(struct journal *j, struct load *load, long messages)
{
    struct journal_batch *b;
    int64_t alive_us = 0;

    check(journal_batch_create(&b, j), "batch");
    for (long i = 0; i < messages; i++) {
        struct load_message m = load_next(load);
        put_report(b, &m);
        alive_us = m.ts_us;
        if (i % LOAD_BATCH == LOAD_BATCH - 1 || i == messages - 1)
            check(journal_commit(j, b, alive_us), "commit");
    }
    journal_batch_destroy(b);
}

static enum mu_err ignore_row(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    (void)m;
    return MU_OK;
}

static int64_t page_us(struct journal *j, struct load *load, int64_t from_us, int64_t to_us)
{
    enum { PAGES = 200 };
    uint64_t total = 0;
    int64_t began = clock_mono_us();

    for (int i = 0; i < PAGES; i++) {
        struct journal_window w = {
            .from_us = from_us, .to_us = to_us, .newest_first = true, .skip = total / 2, .limit = 20
        };
        check(journal_messages(j, load_any_device(load), &w, ignore_row, NULL, &total), "read");
    }
    return (clock_mono_us() - began) / PAGES;
}

int main(int argc, char **argv)
{
    char path[4096];

    if (argc < 5) {
        fprintf(stderr, "usage: journal_bench DIR MESSAGES DEVICES steady|random\n");
        return 2;
    }
    long messages = atol(argv[2]);
    int64_t start_us = clock_wall_us() / 86400000000 * 86400000000;
    uint32_t devices = (uint32_t)atol(argv[3]);
    struct load *load = load_create(devices, messages, start_us, strcmp(argv[4], "random") == 0);
    struct journal *j = open_journal(argv[1], devices);
    check(journal_roll(j, start_us), "roll");

    int64_t began = clock_mono_us();
    double cpu = load_cpu_seconds();
    write_all(j, load, messages);
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    cpu = load_cpu_seconds() - cpu;
    journal_close(j);

    began = clock_mono_us();
    j = open_journal(argv[1], devices);
    int64_t opened = clock_mono_us() - began;
    snprintf(path, sizeof(path), "%s/journal", argv[1]);
    printf("per_second=%.0f cpu_us=%.3f bytes=%.2f page_us=%lld open_ms=%lld\n", (double)messages / seconds,
           cpu * 1e6 / (double)messages, load_file_bytes(path, ".sst") / (double)messages,
           (long long)page_us(j, load, start_us, start_us + 86400000000), (long long)opened / 1000);
    journal_close(j);
    load_destroy(load);
    return 0;
}

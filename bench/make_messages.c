/* Gives the devices of a data directory seven days of reports, through the journal's port.
 *
 *     make_messages DIR DEVICES MESSAGES NOW
 *
 * The devices take turns, so that each reports at an even pace, as the air conditioners of the sample
 * fleet do: a frame of 16 bytes, which decodes. */
#include <stdio.h>
#include <stdlib.h>

#include "journal/rocks_journal.h"
#include "model/frame.h"
#include "ops/data_dir.h"

enum { BATCH = 5000 };

static void check(enum mu_err err, const char *what)
{
    if (err == MU_OK)
        return;
    fprintf(stderr, "make_messages: %s: %s\n", what, mu_err_text(err));
    exit(1);
}

static void put_message(struct journal_batch *b, uint32_t device, uint64_t number, int64_t ts_us)
{
    const uint8_t p0[] = { 4, 1, 0, 0, (uint8_t)(16 + number % 15), (uint8_t)(30 + number / 15 % 10), 0, 0 };
    struct buf frame;

    buf_init(&frame, 64);
    frame_write(&frame, FRAME_REPORT, 0, p0, sizeof(p0));
    journal_batch_message(b, device,
                          &(struct journal_message){ .ts_us = ts_us,
                                                     .decoded = true,
                                                     .definition = 1,
                                                     .number = number,
                                                     .decoded_number = number,
                                                     .payload = frame.data,
                                                     .payload_len = frame.len });
    buf_free(&frame);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: make_messages DIR DEVICES MESSAGES NOW\n");
        return 2;
    }
    const char *dir = argv[1];
    uint32_t devices = (uint32_t)strtoul(argv[2], NULL, 10);
    uint64_t messages = strtoull(argv[3], NULL, 10), each = messages / devices;
    int64_t now_us = strtoll(argv[4], NULL, 10) * 1000000, ts_us = now_us - INT64_C(7) * 86400 * 1000000;
    int64_t step_us = (now_us - ts_us) / (int64_t)(messages + devices);
    struct data_dir lock = { .lock_fd = -1 };
    struct journal *j;
    struct journal_batch *b;
    char why[300] = "";

    check(data_dir_open(&lock, dir, why, sizeof(why)), why);
    check(rocks_journal_open(&j, dir, &(struct rocks_journal_options){ 0 }, why, sizeof(why)), why);
    check(journal_roll(j, now_us), "journal");
    check(journal_batch_create(&b, j), "journal");
    for (uint64_t number = 1; number <= each; number++) {
        for (uint32_t device = 1; device <= devices; device++) {
            put_message(b, device, number, ts_us += step_us);
            if (number == each)
                journal_batch_state(b, device,
                                    &(struct journal_state){ .last_ts_us = ts_us,
                                                             .messages = number,
                                                             .decoded = number,
                                                             .activated_at = now_us / 1000000 - 30 * 86400,
                                                             .online_latest = ts_us / 1000000,
                                                             .last_report = ts_us / 1000000 });
            if (device % BATCH == 0 || device == devices)
                check(journal_commit(j, b, now_us), "journal");
        }
    }
    journal_batch_destroy(b);
    journal_close(j);
    data_dir_close(&lock);
    return 0;
}

#ifndef MUSTER_JOURNAL_JOURNAL_FIXTURE_H
#define MUSTER_JOURNAL_JOURNAL_FIXTURE_H

/* What the tests of the journal share. */

#include "base/unit_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/rocks_journal.h"

#define SECOND   INT64_C(1000000)
#define DAY      (86400 * SECOND)
#define DAY_ZERO (INT64_C(20000) * DAY) /* 2024-10-04, 00:00 UTC */

/* Small, so that the tests do not depend on the free space of the machine. */
#define TEST_RESERVE 4096

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int make_directory(void **state)
{
    char *path = strdup("/tmp/journal-XXXXXX");
    *state = path;
    return path && mkdtemp(path) ? 0 : -1;
}

static inline int remove_directory(void **state)
{
    remove_tree(*state);
    free(*state);
    return 0;
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static inline struct journal *open_journal(const char *dir)
{
    struct journal *j;
    char why[300] = "";
    struct rocks_journal_options options = { .retention_days = 7,
                                             .reserve_bytes = TEST_RESERVE,
                                             .clock_patience_s = -1 };
    if (rocks_journal_open(&j, dir, &options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

static inline struct journal_batch *make_batch(struct journal *j)
{
    struct journal_batch *b;
    assert_int_equal(journal_batch_create(&b, j), MU_OK);
    return b;
}

static inline void commit(struct journal *j, struct journal_batch *b)
{
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_OK);
}

static inline void put_message(struct journal_batch *b, uint32_t device, int64_t ts_us, uint64_t number)
{
    struct journal_message m = { .ts_us = ts_us,
                                 .decoded = true,
                                 .number = number,
                                 .decoded_number = number,
                                 .payload = (const uint8_t *)"payload",
                                 .payload_len = 7 };
    journal_batch_message(b, device, &m);
}

static inline enum mu_err ignore_message(void *ctx, const struct journal_message *m)
{
    (void)ctx;
    (void)m;
    return MU_OK;
}

/* For a check that must find nothing. */
static inline void on_mistake(void *ctx, const char *text)
{
    (void)ctx;
    fail_msg("%s", text);
}

static inline void on_looked_at(void *ctx, const char *what, uint64_t count)
{
    (void)ctx;
    (void)what;
    (void)count;
}

static inline void on_step(void *ctx)
{
    (void)ctx;
}

static const struct findings no_mistakes = { NULL, on_mistake, on_looked_at, on_step };

/* How many messages of the device the journal shows, all of them read. */
static inline uint64_t count_messages(struct journal *j, uint32_t device, int64_t from_us, int64_t to_us)
{
    struct journal_window w = { .from_us = from_us, .to_us = to_us, .limit = UINT64_MAX };
    uint64_t total;
    assert_int_equal(journal_messages(j, device, &w, ignore_message, NULL, &total), MU_OK);
    return total;
}

#endif

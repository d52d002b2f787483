#include "journal/journal_fixture.h"

#include <rocksdb/c.h>

/* What a page costs, and what it does with gaps and errors. */

struct numbers {
    uint64_t rows[100];
    size_t count;
};

static enum mu_err take_numbered(void *ctx, const struct journal_message *m)
{
    struct numbers *n = ctx;
    assert_true(n->count < 100);
    n->rows[n->count++] = m->number;
    return MU_OK;
}

static void missing_records_leave_the_other_rows_in_place(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct numbers got;
    uint64_t total;

    /* Every tenth record is there, of both kinds of numbers; and none of 3,000 to 6,000. */
    for (uint64_t n = 10; n <= 9000; n += 10)
        if (n < 3000 || n > 6000)
            put_message(b, 1, DAY_ZERO + (int64_t)n * SECOND, n);
    commit(j, b);

    for (int order = 0; order < 4; order++) {
        struct journal_window w = { .from_us = DAY_ZERO,
                                    .to_us = DAY_ZERO + DAY,
                                    .newest_first = order & 1,
                                    .decoded_only = order & 2,
                                    .skip = 4495,
                                    .limit = 100 };
        got.count = 0;
        assert_int_equal(journal_messages(j, 1, &w, take_numbered, &got, &total), MU_OK);
        assert_int_equal(got.count, 100);
        for (size_t i = 0; i < got.count; i++)
            assert_int_equal(got.rows[i], w.newest_first ? 2990 - 10 * i : 6010 + 10 * i);
    }
    journal_batch_destroy(b);
    journal_close(j);
}

/* Steps and seeks of this thread inside RocksDB. */
static uint64_t moves(void)
{
    rocksdb_perfcontext_t *context = rocksdb_perfcontext_create();
    uint64_t n = rocksdb_perfcontext_metric(context, rocksdb_internal_key_skipped_count);
    rocksdb_perfcontext_destroy(context);
    return n;
}

static void a_deep_page_does_not_walk_over_what_it_skips(void **state)
{
    enum { RECORDS = 50000 };
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct numbers got;
    uint64_t total;

    /* One record a second, every thousandth decoded. */
    for (uint64_t n = 1; n <= RECORDS; n++) {
        struct journal_message m = {
            .ts_us = DAY_ZERO + (int64_t)n * SECOND, .decoded = n % 1000 == 0, .number = n, .decoded_number = n / 1000
        };
        journal_batch_message(b, 1, &m);
    }
    commit(j, b);
    rocksdb_set_perf_level(rocksdb_enable_count);

    for (int order = 0; order < 4; order++) {
        struct journal_window w = {
            .to_us = INT64_MAX, .newest_first = order & 1, .decoded_only = order & 2, .limit = 10
        };
        w.skip = w.decoded_only ? RECORDS / 1000 / 2 : RECORDS / 2;
        uint64_t before = moves();
        got.count = 0;
        assert_int_equal(journal_messages(j, 1, &w, take_numbered, &got, &total), MU_OK);
        assert_int_equal(got.count, 10);
        /* Ten rows of a thousand records each would be 10,000. */
        assert_true(moves() > before);
        assert_true(moves() - before < 2000);
    }
    rocksdb_set_perf_level(rocksdb_disable);
    journal_batch_destroy(b);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(missing_records_leave_the_other_rows_in_place),
        IN_DIRECTORY(a_deep_page_does_not_walk_over_what_it_skips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

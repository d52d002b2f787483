#include "journal/conformance.h"

#include <pthread.h>
#include <stdatomic.h>

/* Days come, expire, and are read meanwhile. */

static void a_day_goes_when_its_last_moment_is_past_retention(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO + DAY - 1, 1);
    put_message(b, 1, DAY_ZERO + DAY, 2);
    commit(j, b);

    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY - 1), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    journal_batch_destroy(b);
    close_store(j);

    j = open_store(*state);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    close_store(j);
}

static void a_record_past_retention_is_left_out_of_its_batch(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_session s = { .ts_us = DAY_ZERO, .number = 1 };

    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    journal_batch_session(b, 1, &s);
    put_message(b, 1, DAY_ZERO + DAY - 1, 1);
    put_message(b, 1, -1, 1);
    put_message(b, 1, DAY_ZERO + DAY, 2);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_batch_destroy(b);
    close_store(j);
}

static void a_day_dropped_under_a_filled_batch_takes_only_its_own_records(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO, 1);
    put_message(b, 1, DAY_ZERO + 8 * DAY, 2);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_batch_destroy(b);
    close_store(j);
}

static void a_clock_that_jumps_finds_a_place_for_its_records(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    put_message(b, 1, DAY_ZERO + 30 * DAY, 1); /* ahead of the roll */
    put_message(b, 2, DAY_ZERO + 2 * DAY, 1);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO - 100 * DAY), MU_OK); /* back */
    put_message(b, 3, DAY_ZERO - 100 * DAY, 1);
    commit(j, b);
    journal_batch_destroy(b);
    close_store(j);

    j = open_store(*state);
    for (uint32_t device = 1; device <= 3; device++)
        assert_int_equal(count_messages(j, device, 0, INT64_MAX), 1);
    close_store(j);
}

struct reader {
    struct journal *journal;
    atomic_bool stop;
};

static void *read_until_told(void *ctx)
{
    struct reader *r = ctx;
    while (!atomic_load(&r->stop))
        count_messages(r->journal, 1, DAY_ZERO, DAY_ZERO + 60 * DAY);
    return NULL;
}

static void readers_and_the_dropping_of_days_do_not_disturb_each_other(void **state)
{
    struct reader reader = { .journal = open_store(*state) };
    struct journal_batch *b = make_batch(reader.journal);
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_told, &reader), 0);
    uint64_t number = 0;
    for (int64_t day = 0; day < 40; day++) {
        assert_int_equal(journal_roll(reader.journal, DAY_ZERO + day * DAY), MU_OK);
        for (int64_t i = 0; i < 20; i++)
            put_message(b, 1, DAY_ZERO + day * DAY + i * 3600 * SECOND, ++number);
        commit(reader.journal, b);
    }
    atomic_store(&reader.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    assert_int_equal(count_messages(reader.journal, 1, 0, INT64_MAX), 8 * 20);
    journal_batch_destroy(b);
    close_store(reader.journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(a_day_goes_when_its_last_moment_is_past_retention),
        IN_STORE(a_record_past_retention_is_left_out_of_its_batch),
        IN_STORE(a_day_dropped_under_a_filled_batch_takes_only_its_own_records),
        IN_STORE(a_clock_that_jumps_finds_a_place_for_its_records),
        IN_STORE(readers_and_the_dropping_of_days_do_not_disturb_each_other),
    };
    return conformance_run(tests, sizeof(tests) / sizeof(*tests));
}

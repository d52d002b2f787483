#include "journal/journal_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "journal/rocks_internal.h"

/* Days come, expire, and are read meanwhile. */

static void a_day_goes_when_its_last_moment_is_past_retention(void **state)
{
    struct journal *j = open_journal(*state);
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
    journal_close(j);

    j = open_journal(*state);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_close(j);
}

static uint64_t entries_in_memory(struct journal *j, int32_t day)
{
    uint64_t entries = UINT64_MAX;

    assert_int_equal(rocksdb_property_int_cf(rocks_of(j)->db, rocks_day_family(rocks_of(j), day),
                                             "rocksdb.num-entries-active-mem-table", &entries),
                     0);
    return entries;
}

static void a_day_that_is_over_is_written_into_tables(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    int32_t day = DAY_ZERO / DAY;

    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO + DAY - 1), MU_OK);
    assert_int_equal(entries_in_memory(j, day), 1);
    put_message(b, 1, DAY_ZERO + DAY, 2);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO + DAY), MU_OK);
    assert_int_equal(entries_in_memory(j, day), 0);
    assert_int_equal(entries_in_memory(j, day + 1), 1);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    journal_batch_destroy(b);
    journal_close(j);
}

static void a_record_past_retention_is_left_out_of_its_batch(void **state)
{
    struct journal *j = open_journal(*state);
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
    journal_close(j);
}

static void a_day_dropped_under_a_filled_batch_takes_only_its_own_records(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO, 1);
    put_message(b, 1, DAY_ZERO + 8 * DAY, 2);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_OK);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_batch_destroy(b);
    journal_close(j);
}

static void a_clock_that_jumps_finds_a_place_for_its_records(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    put_message(b, 1, DAY_ZERO + 30 * DAY, 1); /* ahead of the roll */
    put_message(b, 2, DAY_ZERO + 2 * DAY, 1);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO - 100 * DAY), MU_OK); /* back */
    put_message(b, 3, DAY_ZERO - 100 * DAY, 1);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(*state);
    for (uint32_t device = 1; device <= 3; device++)
        assert_int_equal(count_messages(j, device, 0, INT64_MAX), 1);
    journal_close(j);
}

static struct journal *open_patient(const char *dir, int64_t patience_s)
{
    struct journal *j;
    char why[300] = "";
    struct rocks_journal_options options = { .retention_days = 7,
                                             .reserve_bytes = TEST_RESERVE,
                                             .clock_patience_s = patience_s };
    if (rocks_journal_open(&j, dir, &options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

static void a_clock_that_jumps_far_ahead_expires_nothing_at_once(void **state)
{
    enum { TO_BE_WAITED_FOR = 0, HOUR = 3600 };
    struct journal *j = open_patient(*state, TO_BE_WAITED_FOR);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO + 365 * DAY), MU_OK);
    assert_int_equal(journal_expiry_us(j), DAY_ZERO);
    put_message(b, 1, DAY_ZERO + 365 * DAY, 2); /* by the clock as it is */
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_patient(*state, HOUR); /* a new start does not believe it the sooner */
    assert_int_equal(journal_roll(j, DAY_ZERO + 365 * DAY + HOUR * SECOND), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    /* Set right again, and on from there. */
    assert_int_equal(journal_roll(j, DAY_ZERO + DAY), MU_OK);
    assert_int_equal(journal_expiry_us(j), DAY_ZERO + DAY);
    for (int day = 2; day <= 8; day++)
        assert_int_equal(journal_roll(j, DAY_ZERO + day * DAY), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_close(j);
}

static void a_clock_that_stays_far_ahead_is_believed_in_the_end(void **state)
{
    struct journal *j = open_patient(*state, 1);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(journal_roll(j, DAY_ZERO + 30 * DAY), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    while (journal_expiry_us(j) == DAY_ZERO) {
        usleep(100000);
        assert_int_equal(journal_roll(j, DAY_ZERO + 30 * DAY), MU_OK);
    }
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);
    journal_batch_destroy(b);
    journal_close(j);
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
    struct reader reader = { .journal = open_journal(*state) };
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
    journal_close(reader.journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_day_goes_when_its_last_moment_is_past_retention),
        IN_DIRECTORY(a_day_that_is_over_is_written_into_tables),
        IN_DIRECTORY(a_record_past_retention_is_left_out_of_its_batch),
        IN_DIRECTORY(a_day_dropped_under_a_filled_batch_takes_only_its_own_records),
        IN_DIRECTORY(a_clock_that_jumps_finds_a_place_for_its_records),
        IN_DIRECTORY(a_clock_that_jumps_far_ahead_expires_nothing_at_once),
        IN_DIRECTORY(a_clock_that_stays_far_ahead_is_believed_in_the_end),
        IN_DIRECTORY(readers_and_the_dropping_of_days_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

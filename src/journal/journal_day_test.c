#include "journal/journal_fixture.h"

#include "journal/rocks_internal.h"

/* Days come, expire, and are read meanwhile. */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_day_that_is_over_is_written_into_tables),
        IN_DIRECTORY(a_clock_that_jumps_far_ahead_expires_nothing_at_once),
        IN_DIRECTORY(a_clock_that_stays_far_ahead_is_believed_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

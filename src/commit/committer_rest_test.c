#include "base/unit_test.h"

#include <time.h>

#include "commit/committer_fixture.h"

/* How reports gather between two commits. A pause of a minute stands for a pause that does not end by itself. */

enum { MINUTE_MS = 60 * 1000 };

static struct committer_figures figures(void)
{
    struct committer_figures out;

    committer_get_figures(c, &out);
    return out;
}

static uint64_t commits(void)
{
    return figures().commits;
}

/* A committer that has just committed something: its first report comes after a silence. Nobody hurries, since that could
 * come too late, and be meant for the next one. */
static void rest(unsigned told_ms, unsigned kept_ms)
{
    told_pause_ms = told_ms;
    kept_pause_ms = kept_ms;
    restart();
    report_state(1, T0, 0, 0, 0, 0);
    wait_told(&sink, 1);
}

static int teardown_rest(void **state)
{
    told_pause_ms = kept_pause_ms = 0;
    return teardown(state);
}

/* Sends ten reports one after the other, each with time for a commit. tag 0: nobody is to be told. */
static void report_ten(uint64_t tag)
{
    for (uint32_t i = 0; i < 10; i++) {
        committer_report(
            c,
            &(struct commit_item){ .sink = &sink.sink, .owner = i, .tag = tag, .device = 1 + i, .ts_us = T0 + 1 + i },
            (const uint8_t *)"junk", 4);
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
}

static void reports_gather_until_a_sender_hurries(void **state)
{
    (void)state;
    rest(MINUTE_MS, MINUTE_MS);
    uint64_t before = commits();

    report_ten(1);
    assert_int_equal(commits(), before);
    committer_hurry(c);
    wait_told(&sink, 11);
    assert_int_equal(commits(), before + 1);
}

static void reports_that_a_sender_waits_for_end_their_pause_by_themselves(void **state)
{
    (void)state;
    rest(200, MINUTE_MS);
    uint64_t before = commits();

    report_ten(0);
    report_ten(1);
    wait_told(&sink, 11);
    assert_in_range(commits(), before + 1, before + 10);
}

static void reports_that_nobody_waits_for_are_committed_after_theirs(void **state)
{
    (void)state;
    rest(1, 200);
    uint64_t before = commits();

    report_ten(0);
    while (figures().messages < 11)
        usleep(100);
    assert_in_range(commits(), before + 1, before + 9);
}

static void a_control_and_what_is_enough_for_a_batch_do_not_wait(void **state)
{
    (void)state;
    static const uint8_t junk[200];

    rest(MINUTE_MS, MINUTE_MS);
    report_ten(1);
    committer_control(c, &(struct commit_item){ .sink = &sink.sink, .owner = 7, .tag = 1, .device = 2, .ts_us = T0 }, 1,
                      1, (const uint8_t *)"frame", 5);
    wait_told(&sink, 12);
    for (int i = 0; i < 200; i++)
        committer_report(c, &(struct commit_item){ .sink = &sink.sink, .tag = 1, .device = 1, .ts_us = T0 }, junk,
                         sizeof(junk));
    wait_told(&sink, 12 + 50);
}

static void what_comes_after_a_silence_is_committed_at_once(void **state)
{
    (void)state;
    rest(20, MINUTE_MS);
    nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
    uint64_t before = commits();
    size_t told = sink.flushed_at;

    fake_journal_hold(j);
    report(3, T0, "junk", 4);
    fake_journal_wait_held(j);
    fake_journal_release(j);
    wait_told(&sink, told + 1);
    assert_int_equal(commits(), before + 1);
}

int main(void)
{
#define REST_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown_rest)
    const struct CMUnitTest tests[] = {
        REST_TEST(reports_gather_until_a_sender_hurries),
        REST_TEST(reports_that_a_sender_waits_for_end_their_pause_by_themselves),
        REST_TEST(reports_that_nobody_waits_for_are_committed_after_theirs),
        REST_TEST(a_control_and_what_is_enough_for_a_batch_do_not_wait),
        REST_TEST(what_comes_after_a_silence_is_committed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What watchers are told: what has been committed, in that order, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "commit/committer_fixture.h"

static struct watcher *watcher;
static struct buf events;
static size_t at;

static int setup_watched(void **state)
{
    if (watch_create(&watching) != MU_OK || setup(state) != 0)
        return -1;
    buf_init(&events, LIMIT_WATCH_QUEUE);
    return watch_begin(watching, &(struct watch_filter){ 0 }, &watcher) == MU_OK ? 0 : -1;
}

static int teardown_watched(void **state)
{
    watch_end(watcher);
    teardown(state);
    watch_destroy(watching);
    watching = NULL;
    buf_free(&events);
    return 0;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* The events since the last call; events are told after their senders have been answered. */
static void take(void)
{
    committer_pause(c, nothing, NULL);
    assert_int_equal(watch_take(watcher, &events), 0);
    at = 0;
}

static const struct watch_event *next(enum watch_kind kind, uint32_t device)
{
    const struct watch_event *e = watch_next(&events, &at);

    assert_non_null(e);
    assert_int_equal(e->kind, kind);
    assert_int_equal(e->device, device);
    return e;
}

static void must_be_all(void)
{
    assert_null(watch_next(&events, &at));
}

static void sessions_and_reports_are_told_in_the_order_of_their_commit(void **state)
{
    (void)state;
    login(3, 11, T0, true);
    report_state(3, T0 + 1000000, 1, 1, 0, 1);
    end(3, 11, T0 + 2000000, END_TCP_CLOSED);
    settle();
    take();
    const struct watch_event *e = next(WATCH_LOGIN, 3);
    assert_true(e->login.takeover);
    assert_int_equal(e->login.keep_alive, 120);
    assert_int_equal(e->ts_us, T0);
    assert_string_equal(e->did, device(3).did);
    assert_ptr_equal(e->product, device(3).product);
    e = next(WATCH_MESSAGE, 3);
    assert_int_equal(e->ts_us, T0 + 1000000);
    assert_int_equal(e->body_len, 13);
    assert_int_equal(e->definition->version, 1);
    e = next(WATCH_POINT, 3);
    assert_false(e->point.alert || e->point.cleared);
    e = next(WATCH_END, 3);
    assert_int_equal(e->end.reason, END_TCP_CLOSED);
    assert_int_equal(e->end.seconds, 42);
    next(WATCH_MESSAGE, 1); /* the message that settle sends */
    must_be_all();
}

static void what_was_not_committed_is_not_told_and_an_end_is_when_it_is(void **state)
{
    (void)state;
    login(3, 11, T0, false);
    settle();
    take();
    next(WATCH_LOGIN, 3);
    next(WATCH_MESSAGE, 1);
    fake_journal_fail(j, MU_E_IO);
    end(3, 11, T0, END_TCP_CLOSED);
    login(4, 12, T0, false);
    end(4, 12, T0, END_TCP_CLOSED);
    report_state(3, T0, 1, 1, 1, 1);
    wait_told(&sink, 2);
    take();
    must_be_all();
    fake_journal_fail(j, MU_OK);
    while (device(3).is_online)
        usleep(100);
    settle();
    take();
    next(WATCH_END, 3);
    next(WATCH_MESSAGE, 1);
    must_be_all();
}

static void a_record_of_a_device_that_is_not_there_is_not_told(void **state)
{
    (void)state;
    report_state(FIXTURE_DEVICES + 5, T0, 1, 1, 1, 1);
    settle();
    take();
    next(WATCH_MESSAGE, 1);
    must_be_all();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_watched, teardown_watched)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sessions_and_reports_are_told_in_the_order_of_their_commit),
        TEST(what_was_not_committed_is_not_told_and_an_end_is_when_it_is),
        TEST(a_record_of_a_device_that_is_not_there_is_not_told),
    };
    return cmocka_run_group_tests_name("committer_watch", tests, NULL, NULL);
}

/* Events and watchers: order, filters, and a full queue. */
#include "commit/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"

static const struct fleet_product product_a = { .no = 1, .product_key = "a" };
static const struct fleet_product product_b = { .no = 2, .product_key = "b" };

static int setup(void **state)
{
    return watch_create((struct watch **)state) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    watch_destroy(*state);
    return 0;
}

static struct watcher *begin(struct watch *w, const struct watch_filter *filter)
{
    static const struct watch_filter any;
    struct watcher *r;

    assert_int_equal(watch_begin(w, filter ? filter : &any, &r), MU_OK);
    return r;
}

static struct watch_event event(const struct fleet_product *product, const char *did, const char *mac, int64_t ts_us)
{
    struct watch_event e = { .kind = WATCH_MESSAGE, .product = product, .ts_us = ts_us };

    strcpy(e.did, did);
    strcpy(e.mac, mac);
    return e;
}

/* Expects these moments of the events that are taken, and this many lost behind them. */
static void must_take(struct watcher *r, const int64_t *moments, size_t count, uint64_t lost)
{
    const struct watch_event *e;
    struct buf events;
    size_t at = 0, n = 0;

    buf_init(&events, LIMIT_WATCH_QUEUE);
    assert_int_equal(watch_take(r, &events), lost);
    for (; (e = watch_next(&events, &at)); n++) {
        assert_true(n < count);
        assert_int_equal(e->ts_us, moments[n]);
    }
    assert_int_equal(n, count);
    buf_free(&events);
}
#define MUST_TAKE(r, lost, ...) \
    must_take(r, (const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t), lost)

static void it_is_on_exactly_while_somebody_watches(void **state)
{
    struct watch *w = *state;

    assert_false(watch_is_on(NULL));
    assert_false(watch_is_on(w));
    struct watcher *first = begin(w, NULL), *second = begin(w, NULL);
    assert_int_equal(watch_count(w), 2);
    watch_end(first);
    assert_true(watch_is_on(w));
    watch_end(second);
    assert_false(watch_is_on(w));
}

static void what_is_told_is_taken_once_in_its_order_with_its_body(void **state)
{
    struct watch_event one = event(&product_a, "did", "", 1), two = event(&product_a, "did", "", 2);
    struct watcher *r = begin(*state, NULL);
    struct buf noted, taken;
    size_t at = 0;

    buf_init(&noted, 65536);
    buf_init(&taken, LIMIT_WATCH_QUEUE);
    assert_true(watch_note(&noted, &one, "body", 4));
    assert_true(watch_note(&noted, &two, NULL, 0));
    watch_tell(*state, &noted, 0);
    watch_tell_one(*state, &two);
    assert_int_equal(watch_take(r, &taken), 0);
    const struct watch_event *e = watch_next(&taken, &at);
    assert_int_equal(e->ts_us, 1);
    assert_int_equal(e->body_len, 4);
    assert_memory_equal(e->body, "body", 4);
    assert_int_equal(watch_next(&taken, &at)->ts_us, 2);
    assert_int_equal(watch_next(&taken, &at)->body_len, 0);
    assert_null(watch_next(&taken, &at));
    must_take(r, NULL, 0, 0);
    watch_end(r);
    buf_free(&noted);
    buf_free(&taken);
}

static void each_watcher_has_what_it_asked_for(void **state)
{
    struct watcher *all = begin(*state, NULL);
    struct watcher *product = begin(*state, &(struct watch_filter){ .product = &product_b });
    struct watcher *device = begin(*state, &(struct watch_filter){ .product = &product_a, .did = "one", .mac = "m" });
    const struct watch_event told[] = {
        event(&product_a, "one", "", 1),  event(&product_a, "two", "", 2), event(&product_b, "three", "", 3),
        event(&product_a, "", "m", 4),    event(&product_b, "", "m", 5),   event(NULL, "", "m", 6),
        event(&product_a, "two", "n", 7),
    };

    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
        watch_tell_one(*state, &told[i]);
    MUST_TAKE(all, 0, 1, 2, 3, 4, 5, 6, 7);
    MUST_TAKE(product, 0, 3, 5);
    MUST_TAKE(device, 0, 1, 4);
    watch_end(all);
    watch_end(product);
    watch_end(device);
}

static void a_full_queue_counts_what_it_leaves_out_until_it_is_taken(void **state)
{
    static const uint8_t large[LIMIT_WATCH_QUEUE - 1000];
    struct watch_event e = event(&product_a, "did", "", 1);
    struct watcher *r = begin(*state, NULL);
    struct buf noted;

    buf_init(&noted, 2 * LIMIT_WATCH_QUEUE);
    assert_true(watch_note(&noted, &e, large, sizeof(large)));
    e.ts_us = 2;
    assert_true(watch_note(&noted, &e, large, 2000));
    e.ts_us = 3; /* there would be room for it, but the event before it is missing */
    assert_true(watch_note(&noted, &e, NULL, 0));
    watch_tell(*state, &noted, 0);
    MUST_TAKE(r, 2, 1);
    watch_tell_one(*state, &e);
    MUST_TAKE(r, 0, 3);
    watch_tell(*state, &(struct buf){ 0 }, 5); /* five events that found no memory */
    must_take(r, NULL, 0, 5);
    watch_end(r);
    buf_free(&noted);
}

/* --- many threads ------------------------------------------------------------------------------------- */

enum { TELLERS = 3, TOLD_EACH = 20000 };

static void *tell_a_lot(void *w)
{
    for (int i = 0; i < TOLD_EACH; i++) {
        const struct watch_event e = event(&product_a, "did", "", i);
        watch_tell_one(w, &e);
    }
    return NULL;
}

static void nothing_is_told_twice_or_forgotten_by_threads_that_meet(void **state)
{
    struct watcher *r = begin(*state, NULL);
    pthread_t threads[TELLERS];
    uint64_t seen = 0;
    struct buf events;

    buf_init(&events, LIMIT_WATCH_QUEUE);
    for (int i = 0; i < TELLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, tell_a_lot, *state), 0);
    while (seen < (uint64_t)TELLERS * TOLD_EACH) {
        struct watcher *other = begin(*state, NULL);
        seen += watch_take(r, &events);
        for (size_t at = 0; watch_next(&events, &at);)
            seen++;
        watch_end(other);
    }
    for (int i = 0; i < TELLERS; i++)
        pthread_join(threads[i], NULL);
    must_take(r, NULL, 0, 0);
    assert_int_equal(seen, (uint64_t)TELLERS * TOLD_EACH);
    watch_end(r);
    buf_free(&events);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_on_exactly_while_somebody_watches),
        TEST(what_is_told_is_taken_once_in_its_order_with_its_body),
        TEST(each_watcher_has_what_it_asked_for),
        TEST(a_full_queue_counts_what_it_leaves_out_until_it_is_taken),
        TEST(nothing_is_told_twice_or_forgotten_by_threads_that_meet),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}

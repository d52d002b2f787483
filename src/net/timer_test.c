#include "base/unit_test.h"

#include <stdlib.h>

#include "net/timer_wheel.h"

/* The test is the clock: no time passes here. */

struct probe {
    struct timer timer;
    struct timer_wheel *wheel;
    struct probe *other; /* stopped when this one fires */
    int64_t again_ms;    /* restarted after this long when it fires; 0 = not */
    int fired;
    int64_t fired_ms;
};

static int64_t now; /* what advance_to says */
static int64_t last_due;
static int fired_count;

static void fire(struct timer *t)
{
    struct probe *p = (struct probe *)t;

    p->fired++;
    p->fired_ms = now;
    fired_count++;
    assert_true(t->due_ms <= now);
    if (p->other)
        timer_stop(&p->other->timer);
    if (p->again_ms)
        timer_wheel_start(p->wheel, t, now + p->again_ms);
}

static void fire_in_order(struct timer *t)
{
    fire(t);
    /* In the order of their ticks; those of one tick come in any order. */
    assert_true(t->due_ms > last_due - TIMER_TICK_MS);
    last_due = t->due_ms;
}

static void advance_to(struct timer_wheel *w, int64_t ms)
{
    now = ms;
    timer_wheel_advance(w, ms);
}

static struct timer_wheel *new_wheel(int64_t start_ms)
{
    struct timer_wheel *w = malloc(sizeof(*w));
    assert_non_null(w);
    timer_wheel_init(w, start_ms);
    now = start_ms;
    fired_count = 0;
    last_due = 0;
    return w;
}

static void a_timer_fires_once_at_its_tick_and_never_early(void **state)
{
    (void)state;
    int64_t delays[] = { 0,         1,         9,         10,          11,          2549,       2550,
                         2559,      2560,      2561,      5120,        655359,      655360,     655361,
                         167772159, 167772160, 167772161, 42949672959, 42949672960, 60000000000 };

    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        for (int64_t start = 1234560; start < 1234600; start += 13) {
            struct timer_wheel *w = new_wheel(start);
            struct probe p = { .timer.fire = fire };
            timer_wheel_start(w, &p.timer, start + delays[i]);
            /* Go by what the wheel asks for, as the loop does. */
            int64_t next;
            while ((next = timer_wheel_next_ms(w)) >= 0) {
                assert_true(next > now || !p.fired);
                advance_to(w, next > now ? next : now + 1);
            }
            assert_int_equal(p.fired, 1);
            assert_true(p.fired_ms >= start + delays[i]);
            assert_true(p.fired_ms < start + delays[i] + TIMER_TICK_MS + 1);
            assert_null(p.timer.prev);
            free(w);
        }
    }
}

static void a_hundred_thousand_timers_fire_in_order(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct timer_wheel *w = new_wheel(777);
    struct probe *p = calloc(COUNT, sizeof(*p));
    uint64_t seed = 42;

    assert_non_null(p);
    for (int i = 0; i < COUNT; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        p[i].timer.fire = fire_in_order;
        timer_wheel_start(w, &p[i].timer, 777 + (int64_t)(seed >> 33) % 3000000);
    }
    while (fired_count < COUNT) {
        int64_t next = timer_wheel_next_ms(w);
        assert_true(next >= 0);
        advance_to(w, next > now ? next : now);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(p[i].fired, 1);
    assert_int_equal(timer_wheel_next_ms(w), -1);
    free(p);
    free(w);
}

static void a_late_round_fires_everything_that_is_due(void **state)
{
    (void)state;
    struct timer_wheel *w = new_wheel(0);
    struct probe p[50] = { 0 };

    for (int i = 0; i < 50; i++) {
        p[i].timer.fire = fire_in_order;
        timer_wheel_start(w, &p[i].timer, i * 400);
    }
    advance_to(w, 49 * 400 + 10);
    assert_int_equal(fired_count, 50);
    free(w);
}

static void a_stopped_timer_does_not_fire(void **state)
{
    (void)state;
    struct timer_wheel *w = new_wheel(0);
    struct probe p = { .timer.fire = fire };

    timer_stop(&p.timer);
    for (int64_t delay = 10; delay < 1000000000; delay *= 7) {
        timer_wheel_start(w, &p.timer, delay);
        assert_true(timer_is_running(&p.timer));
        timer_stop(&p.timer);
        assert_false(timer_is_running(&p.timer));
    }
    assert_int_equal(timer_wheel_next_ms(w), -1);
    advance_to(w, 1000000);
    assert_int_equal(fired_count, 0);
    free(w);
}

static void a_restarted_timer_keeps_only_its_last_time(void **state)
{
    (void)state;
    struct timer_wheel *w = new_wheel(0);
    struct probe p = { .timer.fire = fire };

    timer_wheel_start(w, &p.timer, 100);
    timer_wheel_start(w, &p.timer, 700000);
    timer_wheel_start(w, &p.timer, 5000);
    advance_to(w, 4999);
    assert_int_equal(fired_count, 0);
    advance_to(w, 5010);
    assert_int_equal(fired_count, 1);
    advance_to(w, 1000000);
    assert_int_equal(fired_count, 1);
    free(w);
}

static void a_timer_can_stop_another_of_the_same_tick(void **state)
{
    (void)state;
    struct timer_wheel *w = new_wheel(0);
    struct probe a = { .timer.fire = fire }, b = { .timer.fire = fire }, c = { .timer.fire = fire };

    a.other = &b;
    b.other = &a;
    timer_wheel_start(w, &a.timer, 500);
    timer_wheel_start(w, &c.timer, 500);
    timer_wheel_start(w, &b.timer, 500);
    advance_to(w, 500);
    assert_int_equal(a.fired + b.fired, 1);
    assert_int_equal(c.fired, 1);
    free(w);
}

static void a_timer_that_restarts_itself_at_once_waits_for_the_next_tick(void **state)
{
    (void)state;
    struct timer_wheel *w = new_wheel(0);
    struct probe p = { .timer.fire = fire, .wheel = w, .again_ms = 1 };

    timer_wheel_start(w, &p.timer, 10);
    advance_to(w, 10);
    assert_int_equal(p.fired, 1);
    advance_to(w, 20);
    assert_int_equal(p.fired, 2);
    timer_stop(&p.timer);
    free(w);
}

static void the_next_round_is_neither_missed_nor_needlessly_early(void **state)
{
    (void)state;
    struct timer_wheel *w = new_wheel(100000);
    struct probe far = { .timer.fire = fire };
    int rounds = 0;

    /* Three days away: a round for each level it moves down, not one every 2.56 s. */
    timer_wheel_start(w, &far.timer, 100000 + INT64_C(3) * 86400 * 1000);
    while (!far.fired) {
        advance_to(w, timer_wheel_next_ms(w));
        rounds++;
    }
    assert_true(rounds <= TIMER_LEVELS);
    free(w);
}

/* Starts, stops and advances at random beside a plain table that is searched in full. */
static void it_behaves_as_a_table_of_times_would(void **state)
{
    (void)state;
    enum { COUNT = 300, STEPS = 60000 };
    struct timer_wheel *w = new_wheel(5);
    static struct probe p[COUNT];
    int64_t due[COUNT];
    uint64_t seed = 7;

    for (int i = 0; i < COUNT; i++) {
        p[i] = (struct probe){ .timer.fire = fire };
        due[i] = -1;
    }
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned r = (unsigned)(seed >> 33);
        unsigned i = r % COUNT;
        if (r % 7 < 3) {
            due[i] = now + (int64_t)(seed >> 20) % (INT64_C(1) << (r % 31));
            timer_wheel_start(w, &p[i].timer, due[i]);
        } else if (r % 7 < 4) {
            due[i] = -1;
            timer_stop(&p[i].timer);
        } else {
            int64_t next = timer_wheel_next_ms(w);
            int64_t soonest = -1;
            for (int k = 0; k < COUNT; k++)
                if (due[k] >= 0 && (soonest < 0 || due[k] < soonest))
                    soonest = due[k];
            assert_int_equal(next < 0, soonest < 0);
            assert_true(next < soonest + TIMER_TICK_MS || next <= now + TIMER_TICK_MS);
            for (int k = 0; k < COUNT; k++)
                p[k].fired = 0;
            advance_to(w, now + (int64_t)(seed >> 40) % (INT64_C(1) << (r % 23)));
            for (int k = 0; k < COUNT; k++) {
                /* A tick that has been run already is made up for in the next one. */
                bool must = due[k] >= 0 && due[k] + TIMER_TICK_MS <= now - TIMER_TICK_MS;
                if (p[k].fired || must) {
                    assert_int_equal(p[k].fired, 1);
                    due[k] = -1;
                }
            }
        }
    }
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_at_its_tick_and_never_early),
        cmocka_unit_test(a_hundred_thousand_timers_fire_in_order),
        cmocka_unit_test(a_late_round_fires_everything_that_is_due),
        cmocka_unit_test(a_stopped_timer_does_not_fire),
        cmocka_unit_test(a_restarted_timer_keeps_only_its_last_time),
        cmocka_unit_test(a_timer_can_stop_another_of_the_same_tick),
        cmocka_unit_test(a_timer_that_restarts_itself_at_once_waits_for_the_next_tick),
        cmocka_unit_test(the_next_round_is_neither_missed_nor_needlessly_early),
        cmocka_unit_test(it_behaves_as_a_table_of_times_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

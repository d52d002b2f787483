#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "commit/intake.h"

/* The queue in front of the committer, also when memory runs out: the test links its own realloc. */

static size_t largest_allowed = SIZE_MAX;

void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size)
{
    return size > largest_allowed ? NULL : __real_realloc(at, size);
}

static void put(struct intake *in, enum intake_kind kind, uint64_t tag, const void *body, size_t len)
{
    struct intake_record head = { .kind = (uint8_t)kind, .device = 7, .tag = tag };
    intake_put(in, &head, body, len / 2, (const uint8_t *)body + len / 2, len - len / 2);
}

static void records_come_out_whole_and_in_their_order(void **state)
{
    (void)state;
    struct intake in;
    struct intake_records r = { 0 };
    uint8_t body[300];
    size_t at = 0;

    intake_init(&in);
    for (size_t i = 0; i < 5000; i++) {
        memset(body, (int)i, sizeof(body));
        put(&in, INTAKE_REPORT, i + 1, body, i % sizeof(body));
    }
    intake_swap(&in, &r);
    assert_int_equal(in.queue.len, 0);
    assert_int_equal(atomic_load(&in.waiting), r.len);
    for (size_t i = 0; i < 5000; i++) {
        const struct intake_record *rec = intake_records_at(&r, at);
        assert_int_equal(rec->tag, i + 1);
        assert_int_equal(rec->body_len, i % sizeof(body));
        memset(body, (int)i, sizeof(body));
        assert_memory_equal(rec->body, body, rec->body_len);
        assert_int_equal((uintptr_t)rec % 8, 0);
        at += rec->size;
    }
    assert_int_equal(at, r.len);
    intake_records_free(&r);
    intake_free(&in);
}

/* The committer sleeps until a record of this haste comes. Returns whether a record of this kind wakes it. */
static bool wakes(struct intake *in, enum intake_haste at, enum intake_kind kind, uint64_t tag)
{
    in->wakes_at = at;
    put(in, kind, tag, "body", 4);
    return in->wakes_at == HASTE_AWAKE;
}

static void only_what_is_urgent_enough_wakes_the_committer(void **state)
{
    (void)state;
    struct intake in;
    struct intake_records r = { 0 };

    intake_init(&in);
    assert_true(wakes(&in, HASTE_KEPT, INTAKE_REPORT, 0));
    assert_false(wakes(&in, HASTE_TOLD, INTAKE_REPORT, 0));
    assert_false(wakes(&in, HASTE_TOLD, INTAKE_AUDIT, 0));
    assert_int_equal(in.haste, HASTE_KEPT);
    assert_true(wakes(&in, HASTE_TOLD, INTAKE_REPORT, 1));
    assert_false(wakes(&in, HASTE_NOW, INTAKE_REPORT, 1));
    assert_false(wakes(&in, HASTE_NOW, INTAKE_PASS, 1));
    assert_false(wakes(&in, HASTE_NOW, INTAKE_LOGIN, 0));
    assert_int_equal(in.haste, HASTE_TOLD);
    assert_true(wakes(&in, HASTE_NOW, INTAKE_CONTROL, 1));
    intake_swap(&in, &r);
    assert_int_equal(in.haste, HASTE_NONE);
    in.wakes_at = HASTE_NOW;
    intake_hurry(&in);
    assert_int_equal(in.wakes_at, HASTE_AWAKE);
    intake_records_free(&r);
    intake_free(&in);
}

static void what_is_enough_for_a_batch_wakes_the_committer(void **state)
{
    (void)state;
    struct intake in;
    int reports = 0;

    intake_init(&in);
    while (!wakes(&in, HASTE_NOW, INTAKE_REPORT, 0))
        reports++;
    assert_in_range(reports, 100, 1000);
    intake_free(&in);
}

static void without_memory_a_report_is_still_answered_and_an_end_still_kept(void **state)
{
    (void)state;
    struct intake in;
    struct intake_records r = { 0 };
    uint8_t body[1000] = { 0 };
    size_t at = 0, reports = 0, refused = 0, ends = 0;

    intake_init(&in);
    put(&in, INTAKE_REPORT, 1, body, sizeof(body));
    largest_allowed = in.queue.cap;
    for (uint64_t tag = 2; tag <= 400; tag++)
        put(&in, INTAKE_REPORT, tag, body, sizeof(body));
    put(&in, INTAKE_END, 0, body, sizeof(struct commit_end));
    largest_allowed = SIZE_MAX;

    intake_swap(&in, &r);
    for (; at < r.len; at += intake_records_at(&r, at)->size) {
        const struct intake_record *rec = intake_records_at(&r, at);
        if (rec->kind == INTAKE_END) {
            ends++;
            continue;
        }
        assert_int_equal(rec->tag, reports + refused + 1); /* in order, none left out */
        if (rec->kind == INTAKE_REPORT)
            reports++;
        else
            refused++;
    }
    assert_int_equal(reports + refused, 400);
    assert_in_range(refused, 100, 399);
    assert_int_equal(ends, 1);
    assert_int_equal(in.lost, 0);

    /* The room that was kept free runs out too: lost records are counted. */
    largest_allowed = 0;
    intake_records_free(&in.queue);
    put(&in, INTAKE_END, 0, body, sizeof(struct commit_end));
    assert_int_equal(in.lost, 1);
    largest_allowed = SIZE_MAX;
    intake_records_free(&r);
    intake_free(&in);
}

static void a_starved_sink_is_told_once_when_half_of_the_room_is_back(void **state)
{
    (void)state;
    struct intake in;
    struct commit_sink a = { 0 }, b = { 0 };

    intake_init(&in);
    assert_true(intake_has_room(&in, &a));
    atomic_store(&in.waiting, LIMIT_INTAKE);
    assert_false(intake_has_room(&in, &a));
    assert_false(intake_has_room(&in, &a));
    assert_false(intake_has_room(&in, &b));
    assert_null(intake_release(&in, 100));
    assert_true(intake_has_room(&in, &b)); /* some room is back, but the sink has not been told yet */
    struct commit_sink *told = intake_release(&in, LIMIT_INTAKE / 2);
    assert_true((told == &a && told->next_starved == &b) || (told == &b && told->next_starved == &a));
    assert_false(a.starved || b.starved);
    assert_null(intake_release(&in, 100));
    intake_free(&in);
}

static void a_buffer_that_a_burst_has_made_large_is_given_back(void **state)
{
    (void)state;
    struct intake in;
    struct intake_records r = { 0 };
    uint8_t body[1000] = { 0 };

    intake_init(&in);
    for (int i = 0; i < 8000; i++)
        put(&in, INTAKE_REPORT, 0, body, sizeof(body));
    intake_swap(&in, &r);
    assert_in_range(r.cap, 8000 * 1000, SIZE_MAX);
    put(&in, INTAKE_REPORT, 0, body, sizeof(body));
    intake_swap(&in, &r);
    assert_int_equal(in.queue.cap, 0);
    intake_records_free(&r);
    intake_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_out_whole_and_in_their_order),
        cmocka_unit_test(only_what_is_urgent_enough_wakes_the_committer),
        cmocka_unit_test(what_is_enough_for_a_batch_wakes_the_committer),
        cmocka_unit_test(without_memory_a_report_is_still_answered_and_an_end_still_kept),
        cmocka_unit_test(a_starved_sink_is_told_once_when_half_of_the_room_is_back),
        cmocka_unit_test(a_buffer_that_a_burst_has_made_large_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

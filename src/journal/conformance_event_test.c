#include "journal/conformance.h"

/* Activity by day, and events: what the reports are rebuilt from. */

struct seen_events {
    char text[500];
};

static void note(struct seen_events *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct seen_events *s, const char *format, ...)
{
    size_t len = strlen(s->text);
    va_list args;

    va_start(args, format);
    vsnprintf(s->text + len, sizeof(s->text) - len, format, args);
    va_end(args);
}

static enum mu_err see_active(void *ctx, int32_t day, uint32_t device)
{
    note(ctx, "%d/%u ", day, device);
    return MU_OK;
}

static enum mu_err see_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    note(ctx, "%d[%.*s] ", day, (int)len, (const char *)set);
    return MU_OK;
}

static enum mu_err see_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    note(ctx, "%u:%s %.*s %lld-%lld v%u; ", device, e->alert ? "alert" : "fault", (int)e->name.len, e->name.at,
         (long long)e->opened_us, (long long)e->resolved_us, e->definition);
    return MU_OK;
}

static void expect_visit(struct journal *j, const char *expected)
{
    struct seen_events s = { "" };
    struct journal_visitor v = { .ctx = &s, .active = see_active, .active_set = see_active_set, .event = see_event };
    assert_int_equal(journal_visit(j, &v), MU_OK);
    assert_string_equal(s.text, expected);
}

static void a_set_takes_the_place_of_a_days_single_entries_and_of_no_others(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    journal_batch_active(b, 100, 0);
    journal_batch_active(b, 100, 7);
    journal_batch_active(b, 100, UINT32_MAX);
    journal_batch_active(b, 101, 3);
    journal_batch_active(b, 99, UINT32_MAX);
    commit(j, b);
    journal_batch_active_set(b, 100, "set", 3);
    commit(j, b);
    expect_visit(j, "99/4294967295 100[set] 101/3 ");

    journal_batch_active(b, 100, 8); /* late */
    commit(j, b);
    expect_visit(j, "99/4294967295 100[set] 100/8 101/3 ");
    journal_batch_active_set(b, 100, "wider", 5);
    journal_batch_active_set(b, 99, NULL, 0);
    commit(j, b);
    journal_batch_destroy(b);
    close_store(j);

    j = open_store(*state);
    expect_visit(j, "100[wider] 101/3 ");
    b = make_batch(j);
    journal_batch_active_set(b, 100, NULL, 0);
    commit(j, b);
    expect_visit(j, "101/3 ");
    journal_batch_destroy(b);
    close_store(j);
}

static void an_event_is_kept_under_its_name_and_changed_by_it(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_event e = { .opened_us = 2000, .definition = 3, .name = STR("E1") };

    journal_batch_event(b, 9, &e);
    e.alert = true;
    journal_batch_event(b, 9, &e);
    e.name = STR("E10");
    e.opened_us = 1000;
    journal_batch_event(b, 70000, &e);
    commit(j, b);
    expect_visit(j, "70000:alert E10 1000-0 v3; 9:fault E1 2000-0 v3; 9:alert E1 2000-0 v3; ");

    e = (struct journal_event){ .opened_us = 2000, .resolved_us = 5000, .definition = 3, .name = STR("E1") };
    journal_batch_event(b, 9, &e);
    e = (struct journal_event){ .opened_us = 1000, .alert = true, .name = STR("E10") };
    journal_batch_forget_event(b, 70000, &e);
    commit(j, b);
    journal_batch_destroy(b);
    close_store(j);

    j = open_store(*state);
    expect_visit(j, "9:fault E1 2000-5000 v3; 9:alert E1 2000-0 v3; ");
    close_store(j);
}

static void of_one_event_the_last_word_in_a_batch_counts(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_event kept = { .opened_us = 10, .name = STR("kept") },
                         gone = { .opened_us = 20, .name = STR("gone") };

    journal_batch_event(b, 1, &kept);
    journal_batch_event(b, 1, &gone);
    journal_batch_forget_event(b, 1, &kept);
    kept.resolved_us = 15;
    journal_batch_event(b, 1, &kept);
    journal_batch_forget_event(b, 1, &gone);
    journal_batch_active(b, 100, 1);
    journal_batch_active(b, 100, 1);
    journal_batch_active(b, 101, 2);
    journal_batch_active_set(b, 101, "set", 3);
    journal_batch_active(b, 101, 3);
    commit(j, b);
    expect_visit(j, "100/1 101[set] 101/3 1:fault kept 10-15 v0; ");
    journal_batch_destroy(b);
    close_store(j);
}

static void events_are_told_up_to_a_moment_in_the_order_of_their_opening(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct seen_events s = { "" };

    for (uint32_t i = 5; i > 0; i--) {
        struct journal_event e = { .opened_us = i * 10, .resolved_us = 1, .name = STR("x") };
        journal_batch_event(b, 100 - i, &e);
    }
    commit(j, b);
    assert_int_equal(journal_events(j, 0, 30, see_event, &s), MU_OK);
    assert_string_equal(s.text, "99:fault x 10-1 v0; 98:fault x 20-1 v0; ");
    journal_batch_destroy(b);
    close_store(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(a_set_takes_the_place_of_a_days_single_entries_and_of_no_others),
        IN_STORE(an_event_is_kept_under_its_name_and_changed_by_it),
        IN_STORE(of_one_event_the_last_word_in_a_batch_counts),
        IN_STORE(events_are_told_up_to_a_moment_in_the_order_of_their_opening),
    };
    return conformance_run(tests, sizeof(tests) / sizeof(*tests));
}

#include "access/refusals.h"
#include "base/unit_test.h"

#include <stdio.h>
#include <string.h>

/* Which refusals are remembered, and which of them give way. */

static const char wrong[] = "login: wrong passcode", unknown[] = "login: unknown did";

static struct ip_addr address(uint8_t last)
{
    return (struct ip_addr){ .bytes = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = last } };
}

static int setup(void **state)
{
    return refusals_create((struct refusals **)state) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    refusals_destroy(*state);
    return 0;
}

static void note(struct refusals *r, const char *name, bool known, uint8_t from, const char *reason, int64_t now_s)
{
    struct ip_addr peer = address(from);
    refusals_note(r, str_of(name), known, &peer, reason, now_s);
}

static void the_same_refusal_again_is_counted(void **state)
{
    struct refusal list[REFUSALS_PER_NAME];

    note(*state, "mac1", false, 1, wrong, 100);
    note(*state, "mac1", false, 1, wrong, 160);
    assert_int_equal(refusals_get(*state, STR("mac1"), list), 1);
    assert_string_equal(list[0].reason, wrong);
    assert_int_equal(list[0].count, 2);
    assert_int_equal(list[0].first_s, 100);
    assert_int_equal(list[0].last_s, 160);
    assert_int_equal(refusals_get(*state, STR("mac2"), list), 0);
}

static void the_last_ones_are_kept_and_told_latest_first(void **state)
{
    struct refusal list[REFUSALS_PER_NAME];

    for (uint8_t i = 0; i < 6; i++)
        note(*state, "mac1", true, i, i % 2 ? wrong : unknown, 100 + i);
    note(*state, "mac1", true, 3, wrong, 200);
    assert_int_equal(refusals_get(*state, STR("mac1"), list), REFUSALS_PER_NAME);
    static const int64_t last[] = { 200, 105, 104, 102 };
    for (unsigned i = 0; i < REFUSALS_PER_NAME; i++)
        assert_int_equal(list[i].last_s, last[i]);
    assert_int_equal(list[0].count, 2);
}

static void what_was_refused_before_the_fleet_knew_it_is_told_too(void **state)
{
    struct refusal list[REFUSALS_PER_NAME];

    note(*state, "mac1", false, 1, unknown, 300);
    note(*state, "mac1", true, 1, wrong, 200);
    assert_int_equal(refusals_get(*state, STR("mac1"), list), 2);
    assert_string_equal(list[0].reason, unknown);
    assert_string_equal(list[1].reason, wrong);
}

static void names_that_nobody_knows_push_out_none_that_is_known(void **state)
{
    struct refusal list[REFUSALS_PER_NAME];
    unsigned kept = 0;
    char name[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "known%d", i);
        note(*state, name, true, 1, wrong, 100);
    }
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "stranger%d", i);
        note(*state, name, false, 1, unknown, 1000 + i);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "known%d", i);
        kept += refusals_get(*state, str_of(name), list);
    }
    /* A set has four places: of 1,000 names in 1,024 sets hardly one lacks one. */
    assert_true(kept >= 980);
    assert_int_equal(refusals_get(*state, STR("stranger99999"), list), 1);
}

static void a_name_that_no_device_could_have_is_not_kept(void **state)
{
    struct refusal list[REFUSALS_PER_NAME];
    char name[100];

    memset(name, 'a', sizeof(name));
    struct ip_addr peer = address(1);
    refusals_note(*state, (struct str){ name, sizeof(name) }, false, &peer, wrong, 1);
    refusals_note(*state, STR(""), false, &peer, wrong, 1);
    assert_int_equal(refusals_get(*state, (struct str){ name, sizeof(name) }, list), 0);
    assert_int_equal(refusals_get(*state, STR(""), list), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_refusal_again_is_counted),
        TEST(the_last_ones_are_kept_and_told_latest_first),
        TEST(what_was_refused_before_the_fleet_knew_it_is_told_too),
        TEST(names_that_nobody_knows_push_out_none_that_is_known),
        TEST(a_name_that_no_device_could_have_is_not_kept),
    };
    return cmocka_run_group_tests_name("access_refusals", tests, NULL, NULL);
}

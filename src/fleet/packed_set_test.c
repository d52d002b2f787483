#include "base/unit_test.h"

#include <roaring/roaring.h>
#include <stdlib.h>

#include "fleet/day_sets.h"
#include "fleet/packed_set.h"

enum { CHUNK = 65536, NUMBERS = 7 * CHUNK, KINDS = 6 };

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void add_some(roaring_bitmap_t *r, uint32_t chunk, int count, uint32_t *seed)
{
    for (int i = 0; i < count; i++)
        roaring_bitmap_add(r, chunk * CHUNK + next_random(seed) % CHUNK);
}

/* Nothing; an array; bits, of which one chunk has just enough; runs in few containers, where the format has no offsets;
 * all kinds in many containers; all numbers. */
static roaring_bitmap_t *make(int kind)
{
    roaring_bitmap_t *r = roaring_bitmap_create();
    uint32_t seed = 5;

    if (kind == 1)
        add_some(r, 1, 700, &seed);
    if (kind == 2) {
        add_some(r, 0, 40000, &seed);
        for (uint32_t i = 0; i < 4097; i++)
            roaring_bitmap_add(r, 2 * CHUNK + i * 3);
    }
    if (kind == 3 || kind == 4) {
        roaring_bitmap_add_range(r, CHUNK + 5, CHUNK + 60000);
        roaring_bitmap_add_range(r, 2 * CHUNK - 1, 2 * CHUNK + 1);
    }
    if (kind == 4) {
        add_some(r, 3, 30000, &seed);
        add_some(r, 4, 300, &seed);
        add_some(r, 6, 20000, &seed);
    }
    if (kind == 5)
        roaring_bitmap_add_range(r, 0, NUMBERS);
    roaring_bitmap_run_optimize(r);
    return r;
}

static void a_packed_set_has_what_the_bitmap_has(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        roaring_bitmap_t *r = make(kind);
        char *set = packed_set_of(r);
        assert_int_equal(packed_set_size(set), roaring_bitmap_portable_size_in_bytes(r));
        assert_int_equal(packed_set_count(set), roaring_bitmap_get_cardinality(r));
        for (uint32_t no = 0; no < NUMBERS + CHUNK; no++)
            if (packed_set_has(set, no) != roaring_bitmap_contains(r, no))
                fail_msg("kind %d, number %u", kind, no);
        free(set);
        roaring_bitmap_free(r);
    }
}

static void expect_same(const char *set, const roaring_bitmap_t *wanted)
{
    roaring_bitmap_t *r = roaring_bitmap_portable_deserialize_safe(set, packed_set_size(set));
    assert_non_null(r);
    assert_true(roaring_bitmap_equals(r, wanted));
    assert_int_equal(roaring_bitmap_get_cardinality(r), roaring_bitmap_get_cardinality(wanted));
    roaring_bitmap_free(r);
}

static void a_member_is_removed_in_place_where_its_container_stays_bits(void **state)
{
    static const struct {
        int kind;
        uint32_t chunk;
        bool in_place;
    } cases[] = { { 1, 1, false }, { 2, 0, true },  { 2, 2, false }, { 3, 1, false },
                  { 4, 3, true },  { 4, 4, false }, { 4, 6, true },  { 5, 6, false } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        roaring_bitmap_t *r = make(cases[i].kind);
        char *set = packed_set_of(r);
        uint32_t no = cases[i].chunk * CHUNK;
        while (!roaring_bitmap_contains(r, no))
            no++;
        assert_int_equal(packed_set_remove(set, no), cases[i].in_place);
        if (cases[i].in_place)
            roaring_bitmap_remove(r, no);
        expect_same(set, r);
        free(set);
        roaring_bitmap_free(r);
    }
}

/* The members from `from` on. */
static struct plain_bits from_number(const roaring_bitmap_t *r, uint32_t from)
{
    struct plain_bits bits = plain_bits_of(r);

    for (uint32_t no = 0; no < from; no++)
        if (plain_bits_has(&bits, no))
            bits.words[no >> 6] &= ~(UINT64_C(1) << (no & 63));
    return bits;
}

static void check_day(const struct day_set *day, const roaring_bitmap_t *wanted)
{
    struct plain_bits some = from_number(wanted, CHUNK + 100), all = { 0 };

    assert_int_equal(day_set_count(day), roaring_bitmap_get_cardinality(wanted));
    assert_int_equal(day_set_count_in(day, &some), plain_bits_count(&some));
    day_set_add(day, &all);
    assert_int_equal(plain_bits_count(&all), roaring_bitmap_get_cardinality(wanted));
    for (uint32_t no = 0; no < NUMBERS; no += 3)
        if (day_set_has(day, no) != roaring_bitmap_contains(wanted, no) ||
            plain_bits_has(&all, no) != roaring_bitmap_contains(wanted, no))
            fail_msg("number %u", no);
    plain_bits_free(&some);
    plain_bits_free(&all);
}

static void a_folded_day_is_as_it_was_and_can_still_change(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        struct day_sets days = { 0 };
        roaring_bitmap_t *wanted = make(kind);
        struct day_set *day = day_sets_require(&days, 19675);
        roaring_bitmap_or_inplace(day_set_unfold(day), wanted);
        check_day(day, wanted);
        day_set_fold(day);
        check_day(day, wanted);
        for (uint32_t no = 0; no < NUMBERS; no += CHUNK - 7)
            assert_int_equal(day_set_remove(day, no), roaring_bitmap_remove_checked(wanted, no));
        check_day(day, wanted);
        day_set_fold(day);
        roaring_bitmap_add(day_set_unfold(day), 77);
        roaring_bitmap_add(wanted, 77);
        check_day(day, wanted);
        day_set_fold(day);
        day_set_fold(day);
        check_day(day, wanted);
        day_sets_free(&days);
        roaring_bitmap_free(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packed_set_has_what_the_bitmap_has),
        cmocka_unit_test(a_member_is_removed_in_place_where_its_container_stays_bits),
        cmocka_unit_test(a_folded_day_is_as_it_was_and_can_still_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/unit_test.h"
#include "fleet/fleet_internal.h"
#include "report/report_tree.h"

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void devices_are_counted_by_place_whether_many_or_few(void **state)
{
    enum { PLACES = 5, DEVICES = 2 * CHUNK_ROWS };
    static const uint32_t percent[] = { 0, 1, 40, 60, 99, 100 };
    struct fleet f = { .places = { .count = PLACES } };
    struct report_counts counts;
    struct plain_bits set = { 0 };
    uint32_t seed = 7;

    (void)state;
    assert_int_equal(columns_reserve(&f.columns, 0), MU_OK);
    assert_int_equal(columns_reserve(&f.columns, CHUNK_ROWS), MU_OK);
    plain_bits_reserve(&set, 2);
    for (size_t i = 0; i < sizeof(percent) / sizeof(*percent); i++) {
        uint64_t expected[PLACES] = { 0 };
        for (uint32_t no = 0; no < DEVICES; no++) {
            uint32_t place = next_random(&seed) % PLACES;
            bool is = next_random(&seed) % 100 < percent[i];
            f.columns.chunks[no >> CHUNK_BITS]->place[no & (CHUNK_ROWS - 1)] = place;
            set.words[no / 64] = (set.words[no / 64] & ~(UINT64_C(1) << no % 64)) | (uint64_t)is << no % 64;
            expected[place] += is;
        }
        assert_int_equal(report_counts_init(&f, &counts), MU_OK);
        assert_int_equal(report_count(&f, &set, 1, &counts), MU_OK);
        for (uint32_t place = 0; place < PLACES; place++) {
            assert_int_equal(counts.n[place][0] + counts.n[place][2], 0);
            assert_int_equal(counts.n[place][1], expected[place]);
        }
        report_counts_free(&counts);
    }
    plain_bits_free(&set);
    columns_free(&f.columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_counted_by_place_whether_many_or_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* The hash of tables: known values, seeds, and how evenly it spreads. */

static const struct hash_key key = { UINT64_C(0x243f6a8885a308d3) };

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void assert_all_differ(uint64_t *hashes, size_t count)
{
    qsort(hashes, count, sizeof(*hashes), by_value);
    for (size_t i = 1; i < count; i++)
        assert_true(hashes[i] != hashes[i - 1]);
}

static void each_byte_and_the_length_count(void **state)
{
    (void)state;
    uint8_t bytes[40] = { 0 };
    uint64_t hashes[41 + 40 * 255];
    size_t count = 0;

    for (size_t len = 0; len <= sizeof(bytes); len++) /* zeros all */
        hashes[count++] = hash_bytes(&key, 0, bytes, len);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        for (unsigned value = 1; value < 256; value++) {
            bytes[i] = (uint8_t)value;
            hashes[count++] = hash_bytes(&key, 0, bytes, sizeof(bytes));
        }
        bytes[i] = 0;
    }
    assert_all_differ(hashes, count);
}

static void only_the_bytes_matter_not_where_they_lie(void **state)
{
    (void)state;
    char at[64];

    for (size_t shift = 0; shift < 8; shift++) {
        memset(at, (int)shift, sizeof(at));
        memcpy(at + shift, "0123456789abcdefghi", 19);
        assert_true(hash_bytes(&key, 5, at + shift, 19) == hash_bytes(&key, 5, "0123456789abcdefghi", 19));
    }
}

static void another_start_and_another_seed_give_another_hash(void **state)
{
    (void)state;
    struct hash_key other = { ~key.seed };
    uint64_t hashes[] = {
        hash_bytes(&key, 0, "mac", 3),
        hash_bytes(&key, 1, "mac", 3),
        hash_bytes(&other, 0, "mac", 3),
    };

    assert_all_differ(hashes, 3);
}

enum { SLOTS = 1024, EACH = 64 };

/* Thrown at random, 64 to a slot, the fullest of 1,024 slots has about 92 and the emptiest about 39. */
static void assert_spread(const uint32_t slots[SLOTS])
{
    for (int i = 0; i < SLOTS; i++)
        assert_in_range(slots[i], EACH / 4, EACH * 2);
}

static void what_comes_one_after_the_other_is_spread_by_lower_and_by_upper_bits(void **state)
{
    (void)state;
    uint32_t low[SLOTS] = { 0 }, middle[SLOTS] = { 0 }, bytes_low[SLOTS] = { 0 };

    for (uint32_t no = 1; no <= SLOTS * EACH; no++) {
        uint64_t h = hash_number(no);
        low[h % SLOTS]++;
        middle[(uint32_t)h >> 22]++; /* as an index takes it */
        bytes_low[hash_bytes(&key, 0, &no, sizeof(no)) % SLOTS]++;
    }
    assert_spread(low);
    assert_spread(middle);
    assert_spread(bytes_low);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_and_the_length_count),
        cmocka_unit_test(only_the_bytes_matter_not_where_they_lie),
        cmocka_unit_test(another_start_and_another_seed_give_another_hash),
        cmocka_unit_test(what_comes_one_after_the_other_is_spread_by_lower_and_by_upper_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

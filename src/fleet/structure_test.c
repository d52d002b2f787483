#include "base/unit_test.h"

#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/packed_set.h"
#include "fleet/plain_bits.h"
#include "fleet/index.h"
#include "fleet/order.h"
#include "fleet/places.h"
#include "fleet/pool.h"
#include "fleet/versions.h"

/* The parts that the fleet is made of, each compared with something simpler. */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* --- index ----------------------------------------------------------------------------------- */

static uint32_t keys[4096];

static uint64_t hash_key_of(const void *ctx, uint32_t no)
{
    (void)ctx;
    return keys[no] * 0x9e3779b97f4a7c15u >> 32; /* collides often: many have the same key */
}

static size_t find_all(const struct index *ix, uint32_t key, uint32_t *first)
{
    struct index_probe p = index_probe(ix, key * 0x9e3779b97f4a7c15u >> 32);
    size_t n = 0;
    uint32_t no;

    while ((no = index_next(&p))) {
        if (keys[no] == key && n++ == 0)
            *first = no;
    }
    return n;
}

static void an_index_finds_every_number_of_a_key_through_adding_and_removing(void **state)
{
    (void)state;
    struct index ix;
    bool in[4096] = { false };
    uint32_t seed = 7, first;
    size_t used = 0;

    index_init(&ix, hash_key_of, NULL);
    assert_int_equal(find_all(&ix, 1, &first), 0);
    for (int step = 0; step < 60000; step++) {
        uint32_t no = 1 + next_random(&seed) % 4095;
        if (in[no]) {
            index_remove(&ix, no);
            used--;
        } else {
            keys[no] = next_random(&seed) % 700;
            assert_int_equal(index_reserve(&ix), MU_OK);
            index_add(&ix, no);
            used++;
        }
        in[no] = !in[no];
        assert_int_equal(ix.used, used);
        if (step % 1000)
            continue;
        for (uint32_t key = 0; key < 700; key++) {
            size_t wanted = 0;
            for (uint32_t i = 1; i < 4096; i++)
                wanted += in[i] && keys[i] == key;
            assert_int_equal(find_all(&ix, key, &first), wanted);
        }
    }
    index_free(&ix);
}

static void an_index_that_was_told_how_many_come_keeps_its_slots(void **state)
{
    (void)state;
    struct index ix;
    uint32_t first;

    index_init(&ix, hash_key_of, NULL);
    for (uint32_t no = 1; no < 100; no++) { /* already there: they are placed again */
        keys[no] = no;
        assert_int_equal(index_reserve(&ix), MU_OK);
        index_add(&ix, no);
    }
    assert_int_equal(index_expect(&ix, 3900), MU_OK);
    const uint32_t *slots = ix.slots;
    for (uint32_t no = 100; no < 4000; no++) {
        keys[no] = no;
        assert_int_equal(index_reserve(&ix), MU_OK);
        index_add(&ix, no);
    }
    assert_ptr_equal(ix.slots, slots);
    for (uint32_t no = 1; no < 4000; no++) {
        assert_int_equal(find_all(&ix, no, &first), 1);
        assert_int_equal(first, no);
    }
    assert_int_equal(index_expect(&ix, 0), MU_OK);
    assert_ptr_equal(ix.slots, slots);
    index_free(&ix);
}

/* --- pool ------------------------------------------------------------------------------------ */

static void blocks_of_the_pool_do_not_overlap_and_are_used_again(void **state)
{
    (void)state;
    struct pool p = { 0 };
    struct {
        uint32_t block;
        size_t size;
        uint8_t fill;
    } live[500] = { 0 };
    uint32_t seed = 3;

    for (int step = 0; step < 100000; step++) {
        uint32_t i = next_random(&seed) % 500;
        if (live[i].block) {
            uint8_t *at = pool_at(&p, live[i].block);
            for (size_t k = 0; k < live[i].size; k++)
                assert_int_equal(at[k], live[i].fill);
            pool_free(&p, live[i].block, live[i].size);
            live[i].block = 0;
            continue;
        }
        live[i].size = step % 50 ? 1 + next_random(&seed) % 300 : 1 + next_random(&seed) % POOL_LARGEST;
        live[i].fill = (uint8_t)step;
        live[i].block = pool_alloc(&p, live[i].size);
        assert_int_not_equal(live[i].block, 0);
        memset(pool_at(&p, live[i].block), live[i].fill, live[i].size);
    }
    /* At most 500 blocks live at once: without reuse this would be hundreds of segments. */
    assert_in_range(p.count, 1, 8);
    pool_destroy(&p);
}

/* --- plain bits ---------------------------------------------------------------------------------- */

static void check_plain_bits(const roaring_bitmap_t *r)
{
    struct plain_bits b;
    uint64_t count = roaring_bitmap_get_cardinality(r);
    uint32_t *wanted = malloc((count + 1) * 4), *got = malloc((count + 1) * 4);

    b = plain_bits_of(r);
    assert_int_equal(plain_bits_count(&b), count);
    roaring_bitmap_to_uint32_array(r, wanted);
    plain_bits_list(&b, got);
    assert_memory_equal(got, wanted, count * 4);
    for (uint32_t no = 0; no < 400000; no += 7)
        assert_int_equal(plain_bits_has(&b, no), roaring_bitmap_contains(r, no));
    plain_bits_free(&b);
    free(wanted);
    free(got);
}

static void plain_bits_hold_what_the_bitmap_held_whatever_its_containers(void **state)
{
    (void)state;
    roaring_bitmap_t *r = roaring_bitmap_create();
    uint32_t seed = 11;

    check_plain_bits(r);
    for (int i = 0; i < 20000; i++) /* bits */
        roaring_bitmap_add(r, next_random(&seed) % 65536);
    for (int i = 0; i < 300; i++) /* array; chunk 1 stays empty */
        roaring_bitmap_add(r, 2 * 65536 + next_random(&seed) % 65536);
    check_plain_bits(r);
    roaring_bitmap_add_range(r, 3 * 65536 + 5, 3 * 65536 + 60000); /* runs */
    roaring_bitmap_add(r, 3 * 65536 + 65535);
    roaring_bitmap_run_optimize(r);
    check_plain_bits(r);
    for (uint32_t chunk = 4; chunk < 6; chunk++)
        roaring_bitmap_add_range(r, chunk * 65536, chunk * 65536 + 65536);
    roaring_bitmap_run_optimize(r);
    check_plain_bits(r);
    roaring_bitmap_free(r);
}

/* Compares two sets, and frees them. */
static void expect_bits(struct plain_bits *b, roaring_bitmap_t *wanted)
{
    uint64_t count = roaring_bitmap_get_cardinality(wanted);
    uint32_t *list = malloc((count + 1) * 4), *got = malloc((count + 1) * 4);

    assert_int_equal(plain_bits_count(b), count);
    roaring_bitmap_to_uint32_array(wanted, list);
    plain_bits_list(b, got);
    assert_memory_equal(got, list, count * 4);
    free(list);
    free(got);
    plain_bits_free(b);
    roaring_bitmap_free(wanted);
}

static void check_pair(const roaring_bitmap_t *x, const roaring_bitmap_t *y)
{
    struct plain_bits a, b;
    char *packed = packed_set_of(y);

    a = plain_bits_of(x);
    b = plain_bits_of(y);
    assert_int_equal(plain_bits_count_both(&a, &b), roaring_bitmap_and_cardinality(x, y));
    assert_int_equal(plain_bits_count_in(&a, y), roaring_bitmap_and_cardinality(x, y));
    assert_int_equal(plain_bits_count_in_packed(&a, packed), roaring_bitmap_and_cardinality(x, y));
    plain_bits_keep(&a, &b);
    expect_bits(&a, roaring_bitmap_and(x, y));
    plain_bits_free(&b);
    a = plain_bits_of(x);
    plain_bits_keep_in(&a, y);
    expect_bits(&a, roaring_bitmap_and(x, y));
    a = plain_bits_of(x);
    plain_bits_drop(&a, y);
    expect_bits(&a, roaring_bitmap_andnot(x, y));
    a = plain_bits_of(x);
    plain_bits_add(&a, y);
    expect_bits(&a, roaring_bitmap_or(x, y));
    a = plain_bits_of(x);
    plain_bits_add_packed(&a, packed);
    expect_bits(&a, roaring_bitmap_or(x, y));
    free(packed);
}

static void bits_are_put_together_as_bitmaps_are_whatever_their_containers(void **state)
{
    enum { KINDS = 9 };
    roaring_bitmap_t *r[KINDS];
    uint32_t seed = 23;

    (void)state;
    for (int k = 0; k < KINDS; k++)
        r[k] = roaring_bitmap_create();
    for (uint32_t chunk = 0; chunk < 4; chunk++) { /* the first one stays empty */
        uint32_t from = chunk * 65536;
        for (int i = 0; i < 30000; i++) /* bits, not in all chunks */
            roaring_bitmap_add(r[1], (chunk | 1) * 65536 + next_random(&seed) % 65536);
        for (int i = 0; i < 500; i++) /* an array, in one more */
            roaring_bitmap_add(r[2], (chunk + 1) * 65536 + next_random(&seed) % 65536);
        for (uint32_t at = 0; at < 65000; at += 1 + next_random(&seed) % 3000)
            roaring_bitmap_add_range(r[3], from + at, from + at + 1 + next_random(&seed) % 200); /* runs */
        roaring_bitmap_add_range(r[4], from, from + 65536);                                      /* all */
    }
    roaring_bitmap_add_range(r[5], 65536 - 64, 65536 + 64);         /* ends with words */
    roaring_bitmap_add_range(r[6], 2 * 65536 + 63, 2 * 65536 + 65); /* and across them */
    for (int i = 0; i < 60000; i++)                                 /* bits in all chunks, from the first one on */
        roaring_bitmap_add(r[7], next_random(&seed) % (3 * 65536));
    for (uint32_t i = 0; i < 4096; i++) /* an array as long as the bits of a chunk would be */
        roaring_bitmap_add(r[8], i * 5);
    for (int k = 3; k < KINDS; k++)
        roaring_bitmap_run_optimize(r[k]);
    for (int a = 0; a < KINDS; a++)
        for (int b = 0; b < KINDS; b++)
            check_pair(r[a], r[b]);
    for (int k = 0; k < KINDS; k++)
        roaring_bitmap_free(r[k]);
}

/* --- order ----------------------------------------------------------------------------------- */

enum { ORDERED = 12000 };
static const struct columns *sorting;

static int newest_first(const void *a, const void *b)
{
    return -order_compare(sorting, *(const uint32_t *)a, *(const uint32_t *)b);
}

static void check_order(const struct order *o, const struct columns *cols, const bool *in)
{
    static uint32_t wanted[ORDERED + 1];
    uint32_t n = 0, at = 0, no;

    for (uint32_t i = 1; i <= ORDERED; i++) {
        if (in[i])
            wanted[n++] = i;
    }
    sorting = cols;
    qsort(wanted, n, sizeof(*wanted), newest_first);
    assert_int_equal(order_count(o), n);
    struct order_walk w = order_walk(o);
    while ((no = order_next(&w))) {
        assert_in_range(at, 0, n - 1);
        assert_int_equal(no, wanted[at++]);
    }
    assert_int_equal(at, n);
}

static void an_order_stays_sorted_whatever_is_added_and_removed(void **state)
{
    (void)state;
    struct columns cols = { 0 };
    struct order o = { 0 };
    static bool in[ORDERED + 1];
    uint32_t seed = 5;

    assert_int_equal(columns_reserve(&cols, ORDERED), MU_OK);
    check_order(&o, &cols, in);
    for (int step = 0; step < 60000; step++) {
        uint32_t no = 1 + next_random(&seed) % ORDERED;
        if (in[no]) {
            order_remove(&o, &cols, no);
        } else {
            /* Mostly newer than all before, many in the same second; sometimes anywhere. */
            uint32_t at = next_random(&seed) % 4 ? (uint32_t)step / 16 : next_random(&seed) % 4000;
            cols.chunks[0]->created_at[no] = at;
            snprintf((char *)cols.chunks[0]->did[no], DID_PACKED, "%06x %u", next_random(&seed), no);
            assert_int_equal(order_reserve(&o), MU_OK);
            order_add(&o, &cols, no);
        }
        in[no] = !in[no];
        if (step % 2500 == 0)
            check_order(&o, &cols, in);
    }
    /* Only adds, in random order: the list is merged again and again. */
    for (uint32_t no = 1; no <= ORDERED; no++) {
        if (in[no])
            continue;
        cols.chunks[0]->created_at[no] = next_random(&seed) % 4000;
        snprintf((char *)cols.chunks[0]->did[no], DID_PACKED, "%06x %u", next_random(&seed), no);
        assert_int_equal(order_reserve(&o), MU_OK);
        order_add(&o, &cols, no);
        in[no] = true;
    }
    check_order(&o, &cols, in);
    for (uint32_t no = 1; no <= ORDERED; no++) {
        order_remove(&o, &cols, no);
        in[no] = false;
        if (no % 3000 == 0)
            check_order(&o, &cols, in);
    }
    order_free(&o);
    columns_free(&cols);
}

/* --- places and versions --------------------------------------------------------------------- */

static struct str text_or_any(const char *text)
{
    return text ? str_of(text) : (struct str){ 0 };
}

static uint64_t in_place(const struct places *p, const char *country, const char *region, const char *city)
{
    bool owned;
    const roaring_bitmap_t *r = places_match(p, text_or_any(country), text_or_any(region), text_or_any(city), &owned);
    uint64_t count = roaring_bitmap_get_cardinality(r);

    if (owned)
        roaring_bitmap_free((roaring_bitmap_t *)r);
    return count;
}

static void a_place_is_found_by_any_of_its_names(void **state)
{
    (void)state;
    static const struct place where[] = {
        { "China", "Guangdong", "Guangzhou" }, { "China", "Guangdong", "Shenzhen" }, { "Georgia", "", "" },
        { "USA", "Georgia", "Athens" },        { "Greece", "Attica", "Athens" },     { "", "", "" },
    };
    struct pool pool = { 0 };
    struct hash_key key = { 1 };
    struct places p;
    struct place read;
    uint32_t leaf[6], again;

    places_init(&p, &pool, &key);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(places_leaf(&p, &where[i], &leaf[i]), MU_OK);
        places_add(&p, leaf[i], i + 1);
        places_add(&p, leaf[i], i + 101);
        places_read(&p, leaf[i], &read);
        assert_string_equal(read.country, where[i].country);
        assert_string_equal(read.region, where[i].region);
        assert_string_equal(read.city, where[i].city);
    }
    assert_int_equal(leaf[5], 0);
    assert_int_equal(places_leaf(&p, &where[1], &again), MU_OK);
    assert_int_equal(again, leaf[1]);

    assert_int_equal(in_place(&p, "China", NULL, NULL), 4);
    assert_int_equal(in_place(&p, NULL, "Guangdong", NULL), 4);
    assert_int_equal(in_place(&p, NULL, "Guangdong", "Shenzhen"), 2);
    assert_int_equal(in_place(&p, "Georgia", NULL, NULL), 2);
    assert_int_equal(in_place(&p, NULL, "Georgia", NULL), 2);
    assert_int_equal(in_place(&p, NULL, NULL, "Athens"), 4);
    assert_int_equal(in_place(&p, "Greece", NULL, "Athens"), 2);
    assert_int_equal(in_place(&p, "China", NULL, "Athens"), 0);
    assert_int_equal(in_place(&p, "Atlantis", NULL, NULL), 0);
    places_remove(&p, leaf[3], 4);
    assert_int_equal(in_place(&p, NULL, NULL, "Athens"), 3);
    assert_int_equal(in_place(&p, "USA", NULL, NULL), 1);
    places_free(&p);
    pool_destroy(&pool);
}

static void versions_are_kept_once_and_forgotten_with_their_last_device(void **state)
{
    (void)state;
    struct journal_versions a = { { "1", "2", "3", "4" } }, b = { { "1", "2", "3", "5" } };
    struct journal_versions none = { 0 }, read;
    struct pool pool = { 0 };
    struct hash_key key = { 1 };
    struct versions v;
    uint32_t first, second, third;

    versions_init(&v, &pool, &key);
    assert_int_equal(versions_take(&v, &none, &first), MU_OK);
    assert_int_equal(first, 0);
    assert_int_equal(versions_take(&v, &a, &first), MU_OK);
    assert_int_equal(versions_take(&v, &b, &second), MU_OK);
    assert_int_equal(versions_take(&v, &a, &third), MU_OK);
    assert_int_equal(first, third);
    assert_int_not_equal(first, second);
    versions_read(&v, first, &read);
    assert_memory_equal(&read, &a, sizeof(a));
    versions_drop(&v, first);
    assert_int_equal(v.by_text.used, 2); /* the other device has it still */
    versions_drop(&v, first);
    assert_int_equal(v.by_text.used, 1);
    assert_int_equal(versions_take(&v, &none, &third), MU_OK);
    versions_read(&v, third, &read);
    assert_memory_equal(&read, &none, sizeof(none));
    a.text[0][0] = '9';
    assert_int_equal(versions_take(&v, &a, &third), MU_OK);
    assert_int_equal(third, first); /* its number was free */
    versions_read(&v, second, &read);
    assert_memory_equal(&read, &b, sizeof(b));
    versions_free(&v);
    pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_finds_every_number_of_a_key_through_adding_and_removing),
        cmocka_unit_test(an_index_that_was_told_how_many_come_keeps_its_slots),
        cmocka_unit_test(blocks_of_the_pool_do_not_overlap_and_are_used_again),
        cmocka_unit_test(plain_bits_hold_what_the_bitmap_held_whatever_its_containers),
        cmocka_unit_test(bits_are_put_together_as_bitmaps_are_whatever_their_containers),
        cmocka_unit_test(an_order_stays_sorted_whatever_is_added_and_removed),
        cmocka_unit_test(a_place_is_found_by_any_of_its_names),
        cmocka_unit_test(versions_are_kept_once_and_forgotten_with_their_last_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

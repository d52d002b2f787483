#include "base/unit_test.h"

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"

/* Buffers: maxima, errors that stay, numbers, and control characters. */

static void a_buffer_refuses_what_passes_its_maximum_and_all_that_follows(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_append(&b, "abc", 3);
    buf_append(&b, "def", 3);
    assert_int_equal(b.err, MU_E_LIMIT);
    buf_append(&b, "g", 1);
    assert_int_equal(b.len, 3);
    buf_clear(&b);
    buf_append(&b, "hijkl", 5);
    assert_int_equal(b.err, MU_OK);
    assert_memory_equal(b.data, "hijkl", 5);
    assert_null(buf_reserve(&b, SIZE_MAX));
    assert_int_equal(b.err, MU_E_LIMIT);
    buf_free(&b);
    assert_int_equal(b.max, 5);
}

static void text_of_others_does_nothing_to_a_terminal(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_append_str(&b, "\n\n\x1b[31m\xc2\x9b"
                       "31m \xc2\xb0 \xe5\xad\x97\x7f");
    buf_make_plain(&b, 1);
    assert_int_equal(b.len, strlen("\n??[31m??31m \xc2\xb0 \xe5\xad\x97?"));
    assert_memory_equal(b.data, "\n??[31m??31m \xc2\xb0 \xe5\xad\x97?", b.len);
    buf_free(&b);
}

static void an_empty_reservation_is_no_failure(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_non_null(buf_reserve(&b, 0));
    buf_append(&b, NULL, 0);
    assert_int_equal(b.err, MU_OK);
    buf_free(&b);
}

static void printed_text_and_consumed_bytes_leave_the_rest(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(b.err, MU_OK);
    assert_int_equal(b.len, 290);
    buf_consume(&b, 0);
    buf_consume(&b, 284);
    assert_int_equal(b.len, 6);
    assert_memory_equal(b.data, "98,99,", 6);
    buf_free(&b);
}

static void what_a_buffer_writes_a_reader_reads(void **state)
{
    (void)state;
    static const uint64_t varints[] = { 0, 1, 127, 128, 16383, 16384, 2097151, 2097152, UINT64_MAX };
    struct buf b;
    buf_init(&b, 200);
    buf_append_u8(&b, 0xfe);
    buf_append_u16be(&b, 0xfedc);
    buf_append_u32be(&b, 0xfedcba98);
    buf_append_u64be(&b, 0xfedcba9876543210);
    for (size_t i = 0; i < sizeof(varints) / sizeof(*varints); i++)
        buf_append_varint(&b, varints[i]);

    static const uint8_t head[] = { 0xfe, 0xfe, 0xdc, 0xfe, 0xdc, 0xba, 0x98, 0xfe, 0xdc, 0xba,
                                    0x98, 0x76, 0x54, 0x32, 0x10, 0x00, 0x01, 0x7f, 0x80, 0x01 };
    assert_memory_equal(b.data, head, sizeof(head));
    struct bytes r = bytes_of(b.data, b.len);
    assert_int_equal(bytes_u8(&r), 0xfe);
    assert_int_equal(bytes_u16be(&r), 0xfedc);
    assert_int_equal(bytes_u32be(&r), 0xfedcba98);
    assert_true(bytes_u64be(&r) == 0xfedcba9876543210);
    for (size_t i = 0; i < sizeof(varints) / sizeof(*varints); i++)
        assert_true(bytes_varint(&r, 10) == varints[i]);
    assert_false(r.bad);
    assert_int_equal(r.left, 0);
    buf_free(&b);
}

static void a_reader_that_ran_out_stays_bad(void **state)
{
    (void)state;
    struct bytes r = bytes_of("\x01\x02\x03", 3);
    assert_int_equal(bytes_u32be(&r), 0);
    assert_true(r.bad);
    assert_int_equal(bytes_u8(&r), 0);
    assert_null(bytes_take(&r, 1));
    assert_int_equal(r.left, 3);
}

static void a_varint_longer_than_allowed_is_bad(void **state)
{
    (void)state;
    struct bytes r = bytes_of("\xff\xff\xff\xff\x7f", 5);
    bytes_varint(&r, 4);
    assert_true(r.bad);
    r = bytes_of("\xff\xff\xff\x7f", 4);
    assert_true(bytes_varint(&r, 4) == 268435455);
    assert_false(r.bad);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_refuses_what_passes_its_maximum_and_all_that_follows),
        cmocka_unit_test(an_empty_reservation_is_no_failure),
        cmocka_unit_test(text_of_others_does_nothing_to_a_terminal),
        cmocka_unit_test(printed_text_and_consumed_bytes_leave_the_rest),
        cmocka_unit_test(what_a_buffer_writes_a_reader_reads),
        cmocka_unit_test(a_reader_that_ran_out_stays_bad),
        cmocka_unit_test(a_varint_longer_than_allowed_is_bad),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/text.h"

/* --- buf ------------------------------------------------------------------------------------- */

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

/* --- bytes ----------------------------------------------------------------------------------- */

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

    static const uint8_t head[] = { 0xfe, 0xfe, 0xdc, 0xfe, 0xdc, 0xba, 0x98,
                                    0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10, 0x00, 0x01, 0x7f,
                                    0x80, 0x01 };
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

/* --- arena ----------------------------------------------------------------------------------- */

static void an_arena_gives_zeroed_aligned_memory_up_to_its_maximum(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 10000);
    char *first = arena_alloc(&a, 1);
    *first = 'x';
    unsigned char *second = arena_alloc(&a, 5000);
    assert_int_equal((uintptr_t)second % _Alignof(max_align_t), 0);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(second[i], 0);
    memset(second, 1, 5000);
    assert_null(arena_alloc(&a, 5000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_string_equal(arena_strndup(&a, "hello world", 5), "hello");
    assert_int_equal(*first, 'x');

    arena_reset(&a);
    unsigned char *again = arena_alloc(&a, 9000);
    assert_non_null(again);
    for (int i = 0; i < 9000; i++)
        assert_int_equal(again[i], 0);
    arena_free(&a);
}

/* --- text ------------------------------------------------------------------------------------ */

static void text_compares_trims_and_copies(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("Content-Length"), STR("content-LENGTH")));
    assert_false(str_eq_nocase(STR("a@"), STR("a`")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_eq(str_trim(STR("\t a b \t")), STR("a b")));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);

    char out[4];
    assert_true(str_copy(out, sizeof(out), STR("abc")));
    assert_string_equal(out, "abc");
    assert_false(str_copy(out, sizeof(out), STR("abcd")));
    assert_false(str_copy(out, sizeof(out), STR("a\0b")));
    assert_true(str_copy(out, sizeof(out), STR("")));
    assert_string_equal(out, "");
}

static void only_whole_decimal_integers_are_numbers(void **state)
{
    (void)state;
    int64_t v = 7;
    static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1.0", "0x1", "--1", "1e3",
                                       "9223372036854775808", "-9223372036854775809",
                                       "99999999999999999999999" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(str_int64(str_of(bad[i]), &v));
    assert_int_equal(v, 7);
    assert_true(str_int64(STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(str_int64(STR("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(str_int64(STR("007"), &v) && v == 7);
}

static void malformed_utf8_is_noticed(void **state)
{
    (void)state;
    static const struct str good[] = {
        STR(""), STR("abc"), STR("\xc2\x80"), STR("\xed\x9f\xbf\xee\x80\x80"), STR("制冷"),
        STR("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
    };
    static const struct str bad[] = {
        STR("\x80"), STR("\xc0\x80"), STR("\xc1\xbf"), STR("\xc2"), STR("\xc2" "a"),
        STR("\xe0\x9f\xbf"), STR("\xed\xa0\x80"), STR("\xe5\x88"), STR("\xf0\x8f\xbf\xbf"),
        STR("\xf4\x90\x80\x80"), STR("\xf5\x80\x80\x80"), STR("\xff"), STR("a\0b"),
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_true(str_utf8(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(str_utf8(bad[i]));
}

static void hex_round_trips_and_refuses_the_rest(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_encode(bytes, 256, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 506, "fdfeff", 7);
    assert_int_equal(hex_decode(text, 512, back), MU_OK);
    assert_memory_equal(bytes, back, 256);
    assert_int_equal(hex_decode("aBcD", 4, back), MU_OK);
    assert_memory_equal(back, "\xab\xcd", 2);
    assert_int_equal(hex_decode("abc", 3, back), MU_E_SYNTAX);
    assert_int_equal(hex_decode("0g", 2, back), MU_E_SYNTAX);
    assert_int_equal(hex_decode("0 ", 2, back), MU_E_SYNTAX);
    assert_int_equal(hex_decode("0\xe9", 2, back), MU_E_SYNTAX);
}

static void base64_decodes_the_examples_of_rfc_4648_and_nothing_else(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        { "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
        { "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" },
    };
    static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm9vYg=", "=g==", "Z===", "====", "Zg==Zg==",
                                       "Zh==", "Zm9=", "Zm-_", "Zm9 ", "Z\ng=" };
    uint8_t out[16];
    size_t len;

    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(base64_decode(good[i][0], strlen(good[i][0]), out, &len), MU_OK);
        assert_int_equal(len, strlen(good[i][1]));
        assert_memory_equal(out, good[i][1], len);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(base64_decode(bad[i], strlen(bad[i]), out, &len), MU_E_SYNTAX);
}

static void url_escapes_are_decoded_in_place(void **state)
{
    (void)state;
    char text[] = "a%20b+c%e5%88%B6";
    size_t len = strlen(text);
    assert_int_equal(url_decode(text, &len, true), MU_OK);
    assert_true(str_eq((struct str){ text, len }, STR("a b c制")));

    char plus[] = "a+b";
    len = 3;
    assert_int_equal(url_decode(plus, &len, false), MU_OK);
    assert_memory_equal(plus, "a+b", 3);

    static const char *const bad[] = { "%", "%4", "a%4", "%zz", "%00", "%%41" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char copy[8];
        len = strlen(bad[i]);
        memcpy(copy, bad[i], len);
        assert_int_equal(url_decode(copy, &len, true), MU_E_SYNTAX);
    }
}

/* --- json_out -------------------------------------------------------------------------------- */

static void assert_written(struct buf *b, const char *expected)
{
    assert_int_equal(b->err, MU_OK);
    buf_append_u8(b, 0);
    assert_string_equal((const char *)b->data, expected);
    buf_clear(b);
}

static void json_places_its_commas(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_out_to(&b);
    json_object_begin(&j);
    json_key(&j, "a");
    json_array_begin(&j);
    json_int(&j, INT64_MIN);
    json_int(&j, INT64_MAX);
    json_array_begin(&j);
    json_array_end(&j);
    json_object_begin(&j);
    json_object_end(&j);
    json_bool(&j, true);
    json_bool(&j, false);
    json_array_end(&j);
    json_key_str(&j, STR("b"));
    json_no_value(&j);
    json_key(&j, "c");
    json_text(&j, NULL);
    json_key(&j, "d");
    json_text(&j, "x");
    json_key(&j, "e");
    json_raw(&j, STR("{\"f\":1}"));
    json_object_end(&j);
    assert_written(&b, "{\"a\":[-9223372036854775808,9223372036854775807,[],{},true,false],"
                       "\"b\":null,\"c\":null,\"d\":\"x\",\"e\":{\"f\":1}}");
    buf_free(&b);
}

static void json_text_is_always_valid(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    struct json_out j = json_out_to(&b);
    json_str(&j, STR("制冷 \"\\/\b\f\n\r\t\x01\x1f\x7f\0"));
    assert_written(&b, "\"制冷 \\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\\u0000\"");
    j = json_out_to(&b);
    json_str(&j, STR("a\xff\xe5\x88z\xed\xa0\x80"));
    assert_written(&b, "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    j = json_out_to(&b);
    json_str(&j, (struct str){ NULL, 0 });
    assert_written(&b, "\"\"");
    buf_free(&b);
}

static void doubles_are_written_as_short_as_they_read_back(void **state)
{
    (void)state;
    static const struct { double v; const char *text; } cases[] = {
        { 0, "0" }, { -0.0, "0" }, { 1, "1" }, { -10, "-10" }, { 0.1, "0.1" }, { 21.5, "21.5" },
        { 7.32, "7.32" }, { -0.05, "-0.05" }, { 113.280637, "113.280637" }, { 1e-6, "0.000001" },
        { 1e-7, "1e-07" }, { 0.1 + 0.2, "0.30000000000000004" }, { 1.0 / 3, "0.3333333333333333" },
        { 4294967295.0, "4294967295" }, { 999999999999999.0, "999999999999999" },
        { 9007199254740993.0, "9007199254740992" }, { 1e15, "1e+15" }, { 1e300, "1e+300" },
        { 1505789918.123, "1505789918.123" },
        { INFINITY, "null" }, { -INFINITY, "null" }, { NAN, "null" },
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct json_out j = json_out_to(&b);
        json_double(&j, cases[i].v);
        assert_written(&b, cases[i].text);
    }
    buf_free(&b);
}

static void any_double_reads_back_as_itself(void **state)
{
    (void)state;
    struct buf b;
    uint64_t random = 20240229;

    buf_init(&b, 100);
    for (int i = 0; i < 20000; i++) {
        double v;
        random = random * 6364136223846793005u + 1442695040888963407u;
        if (i % 2)
            v = (double)(int64_t)(random >> 30) / (double)(1 + (random >> 5) % 100000);
        else
            memcpy(&v, &random, sizeof(v));
        if (!isfinite(v))
            continue;
        struct json_out j = json_out_to(&b);
        json_double(&j, v);
        buf_append_u8(&b, 0);
        assert_true(strtod((const char *)b.data, NULL) == v);
        buf_clear(&b);
    }
    buf_free(&b);
}

static void log_times_have_three_decimals(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    static const struct { int64_t us; const char *text; } cases[] = {
        { 0, "0.000" }, { 1999, "0.001" }, { 1505789918123456, "1505789918.123" },
        { 1505789918000000, "1505789918.000" }, { -1, "-0.001" }, { -1500000, "-1.500" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct json_out j = json_out_to(&b);
        json_seconds_ms(&j, cases[i].us);
        assert_written(&b, cases[i].text);
    }
    buf_free(&b);
}

/* --- log ------------------------------------------------------------------------------------- */

static void a_quoted_value_stays_one_value_on_one_line(void **state)
{
    (void)state;
    assert_string_equal(LOG_Q("a\"b\\c\nd\x1b\x7f", -1), "\"a\\\"b\\\\c\\x0ad\\x1b\\x7f\"");
    assert_string_equal(LOG_Q("制\xc2\x9b\xff", -1), "\"制\\xc2\\x9b\\xff\"");
    assert_string_equal(LOG_Q("abc", 2), "\"ab\"");
    assert_string_equal(LOG_Q("a\0b", 3), "\"a\\x00b\"");
    assert_string_equal(LOG_Q(NULL, -1), "\"\"");
}

static void a_quoted_value_is_cut_at_120_bytes_between_characters(void **state)
{
    (void)state;
    char text[1000];
    memset(text, '\n', sizeof(text));
    const char *quoted = LOG_Q(text, sizeof(text));
    assert_int_equal(strlen(quoted), 1 + 4 * 120 + 1 + 3);
    assert_string_equal(quoted + 1 + 4 * 120, "\"...");

    memset(text, 'a', sizeof(text));
    memcpy(text + 119, "制", 3);
    quoted = LOG_Q(text, 122);
    assert_int_equal(strlen(quoted), 1 + 119 + 1 + 3);
    memset(text, 'a', 120);
    assert_int_equal(strlen(LOG_Q(text, 120)), 122);
}

static void an_event_is_one_line_of_key_value_pairs(void **state)
{
    (void)state;
    enum log_level level;
    int fds[2];
    char line[8192];
    int kept = dup(STDERR_FILENO);
    char *wide = malloc(6000);

    memset(wide, 'w', 5999);
    wide[5999] = '\0';
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    dup2(fds[1], STDERR_FILENO);
    assert_true(log_level_parse("warn", &level));
    assert_false(log_level_parse("loud", &level));
    log_set_level(level);
    log_event(LOG_INFO, "hidden", "x=1");
    log_event(LOG_WARN, "first", "n=%d name=%s bad=%s", 5, LOG_Q("a b", -1), "x\ny");
    ssize_t first = read(fds[0], line, sizeof(line) - 1);
    log_event(LOG_ERROR, "long", "w=%s", wide);
    log_event(LOG_ERROR, "bare", "%s", "");
    char tail[8192];
    ssize_t second = read(fds[0], tail, sizeof(tail));
    log_set_level(LOG_INFO);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(fds[0]);
    close(fds[1]);
    free(wide);

    assert_true(first > 30);
    line[first] = '\0';
    assert_memory_equal(line, "time=20", 7);
    assert_string_equal(line + strlen("time=2024-02-29T00:00:00.000Z"),
                        " level=warn event=first n=5 name=\"a b\" bad=x?y\n");
    assert_true(second > 4096);
    assert_int_equal(tail[4095], '\n');
    assert_memory_equal(tail + 4096, "time=", 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_refuses_what_passes_its_maximum_and_all_that_follows),
        cmocka_unit_test(an_empty_reservation_is_no_failure),
        cmocka_unit_test(printed_text_and_consumed_bytes_leave_the_rest),
        cmocka_unit_test(what_a_buffer_writes_a_reader_reads),
        cmocka_unit_test(a_reader_that_ran_out_stays_bad),
        cmocka_unit_test(a_varint_longer_than_allowed_is_bad),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_up_to_its_maximum),
        cmocka_unit_test(text_compares_trims_and_copies),
        cmocka_unit_test(only_whole_decimal_integers_are_numbers),
        cmocka_unit_test(malformed_utf8_is_noticed),
        cmocka_unit_test(hex_round_trips_and_refuses_the_rest),
        cmocka_unit_test(base64_decodes_the_examples_of_rfc_4648_and_nothing_else),
        cmocka_unit_test(url_escapes_are_decoded_in_place),
        cmocka_unit_test(json_places_its_commas),
        cmocka_unit_test(json_text_is_always_valid),
        cmocka_unit_test(doubles_are_written_as_short_as_they_read_back),
        cmocka_unit_test(any_double_reads_back_as_itself),
        cmocka_unit_test(log_times_have_three_decimals),
        cmocka_unit_test(a_quoted_value_stays_one_value_on_one_line),
        cmocka_unit_test(a_quoted_value_is_cut_at_120_bytes_between_characters),
        cmocka_unit_test(an_event_is_one_line_of_key_value_pairs),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

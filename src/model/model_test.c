#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/api_error.h"
#include "model/calendar.h"
#include "model/cidr.h"
#include "model/frame.h"
#include "model/id.h"
#include "model/quota.h"
#include "model/session_record.h"

/* --- identifiers and errors ------------------------------------------------------------------ */

static void new_identifiers_are_valid_and_differ(void **state)
{
    (void)state;
    char hex[2][ID_HEX_LEN + 1], did[2][DID_LEN + 1];

    for (int i = 0; i < 200; i++) {
        id_new_hex(hex[i % 2]);
        did_new(did[i % 2]);
        assert_true(id_is_hex(str_of(hex[i % 2])));
        assert_true(did_valid(str_of(did[i % 2])));
        if (i) {
            assert_string_not_equal(hex[0], hex[1]);
            assert_string_not_equal(did[0], did[1]);
        }
    }
}

static void malformed_identifiers_are_refused(void **state)
{
    (void)state;
    assert_false(id_is_hex(STR("0123456789abcdef0123456789abcde")));
    assert_false(id_is_hex(STR("0123456789abcdef0123456789abcdeF")));
    assert_false(id_is_hex(STR("0123456789abcdef0123456789abcdeg")));
    assert_false(did_valid(STR("222222222222222222222")));
    static const char foreign[] = "0O1Il+/\xe5";
    for (size_t i = 0; i < sizeof(foreign); i++) {
        char did[] = "2222222222222222222222";
        did[21] = foreign[i];
        assert_false(did_valid((struct str){ did, 22 }));
    }
    assert_true(mac_valid(STR("virtual:site")));
    assert_false(mac_valid(STR("")));
    assert_false(mac_valid(STR("a b")));
    assert_false(mac_valid(STR("a\x7f")));
    assert_false(mac_valid(STR("a\xc3\xa9")));
    char long_mac[66];
    memset(long_mac, 'f', sizeof(long_mac));
    assert_true(mac_valid((struct str){ long_mac, 64 }));
    assert_false(mac_valid((struct str){ long_mac, 65 }));
    assert_true(passcode_valid((struct str){ long_mac, 32 }));
    assert_false(passcode_valid((struct str){ long_mac, 33 }));
}

static void every_error_has_a_row_and_a_code_of_its_own(void **state)
{
    (void)state;
    for (int i = API_OK + 1; i < API_ERROR_COUNT; i++) {
        const struct api_error_row *row = api_error_row((enum api_error)i);
        assert_true(row->status >= 400 && row->status < 600);
        assert_true(*row->message);
        for (int k = API_OK + 1; k < i; k++)
            assert_int_not_equal(row->code, api_error_row((enum api_error)k)->code);
    }
    assert_int_equal(api_error_row(API_ATTR_UNKNOWN)->status, 404);
    assert_int_equal(api_error_row(API_ATTR_UNKNOWN)->code, 5405);
}

/* --- frames ---------------------------------------------------------------------------------- */

static size_t from_hex(const char *hex, uint8_t *out)
{
    assert_int_equal(hex_decode(hex, strlen(hex), out), MU_OK);
    return strlen(hex) / 2;
}

static void the_frames_of_the_document_are_written_and_read(void **state)
{
    (void)state;
    static const struct { const char *hex; uint16_t cmd; uint32_t sn; size_t p0_len; } cases[] = {
        { "0000000309000090010101000010", FRAME_CONTROL, 0, 6 },
        { "000000030b0000910401000010000000", FRAME_REPORT, 0, 8 },
        { "0000000303000091", FRAME_REPORT, 0, 0 },
        { "000000030700009300000001", FRAME_CONTROL_ACK, 1, 0 },
        { "0000000308000094fffffffe02", FRAME_ACK, 0xfffffffe, 1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t bytes[64];
        size_t len = from_hex(cases[i].hex, bytes);
        struct frame f;
        assert_int_equal(frame_parse(bytes, len, &f), MU_OK);
        assert_int_equal(f.cmd, cases[i].cmd);
        assert_int_equal(f.has_sn, cases[i].cmd == FRAME_CONTROL_ACK || cases[i].cmd == FRAME_ACK);
        assert_int_equal(f.sn, cases[i].sn);
        assert_int_equal(f.p0_len, cases[i].p0_len);
        assert_ptr_equal(f.p0 + f.p0_len, bytes + len);

        struct buf out;
        buf_init(&out, 100);
        frame_write(&out, f.cmd, f.sn, f.p0, f.p0_len);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, bytes, len);
        buf_free(&out);
    }
}

static void a_frame_cut_anywhere_or_with_a_byte_too_many_is_refused(void **state)
{
    (void)state;
    static const uint16_t cmds[] = { FRAME_CONTROL, FRAME_REPORT, FRAME_CONTROL_ACK, FRAME_ACK };
    static const size_t sizes[] = { 0, 1, 124, 125, 20000, 2100000 };
    uint8_t *p0 = calloc(1, 2100000);

    for (size_t c = 0; c < 4; c++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
            struct frame f;
            struct buf out;
            buf_init(&out, 2200000);
            frame_write(&out, cmds[c], 7, p0, sizes[s]);
            assert_int_equal(frame_parse(out.data, out.len, &f), MU_OK);
            assert_int_equal(f.p0_len, sizes[s]);
            for (size_t len = 0; len < out.len && len < 300; len++) {
                /* An exact copy, so that a sanitizer sees a read past the end. */
                uint8_t *cut = malloc(len ? len : 1);
                memcpy(cut, out.data, len);
                assert_int_equal(frame_parse(cut, len, &f), MU_E_FRAME);
                free(cut);
            }
            buf_append_u8(&out, 0);
            assert_int_equal(frame_parse(out.data, out.len, &f), MU_E_FRAME);
            buf_free(&out);
        }
    }
    free(p0);
}

static void malformed_envelopes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0000000409000090010101000010", /* another version */
        "0000000302000090",             /* no room for the command */
        "00000003060000930000000100",   /* a varlen that ends within the serial number */
        "000000030600009300000001",
        "00000003ffffffff7f000091",     /* five bytes of varlen */
        "000000038080808003000091",
        "00000003000000910401",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        uint8_t bytes[64];
        struct frame f;
        size_t len = from_hex(bad[i], bytes);
        assert_int_equal(frame_parse(bytes, len, &f), MU_E_FRAME);
    }
    uint8_t bytes[64];
    struct frame f;
    size_t len = from_hex("000000038300000091", bytes); /* a length written wider than need be */
    assert_int_equal(frame_parse(bytes, len, &f), MU_OK);
}

/* --- addresses ------------------------------------------------------------------------------- */

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;
    assert_int_equal(ip_parse(str_of(text), &out), MU_OK);
    return out;
}

static bool contains(const char *net, const char *address)
{
    struct cidr c;
    struct ip_addr a = ip(address);
    assert_int_equal(cidr_parse(str_of(net), &c), MU_OK);
    return cidr_contains(&c, &a);
}

static void a_network_contains_its_addresses_and_no_others(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.255.255"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.168.1.77/26", "192.168.1.127")); /* host bits set */
    assert_false(contains("192.168.1.77/26", "192.168.1.128"));
    assert_true(contains("1.2.3.4", "1.2.3.4"));
    assert_false(contains("1.2.3.4", "1.2.3.5"));
    assert_true(contains("1.2.3.4/31", "1.2.3.5"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("2001:db8::1", "2001:DB8:0::1"));
    assert_false(contains("2001:db8::1", "2001:db8::2"));
    assert_true(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
    assert_false(contains("10.0.0.0/8", "::10.1.1.1"));
    assert_false(contains("128.0.0.0/1", "2001:db8::1"));
    assert_true(contains("128.0.0.0/1", "255.0.0.1"));
    assert_true(contains("0.0.0.0/0", "8.8.8.8"));
    assert_true(contains("0.0.0.0/0", "2001:db8::1"));
    assert_true(contains("::/0", "8.8.8.8"));
}

static void malformed_networks_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/-0", "10.0.0/8", "10.0.0.256",
        "::/129", "::1%lo", "::g", "10.0.0.0/8/8", "10.0.0.0/ 8", " 10.0.0.0", "a.b.c.d", "10.0.0.0/+8",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    };
    struct cidr c;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(cidr_parse(str_of(bad[i]), &c), MU_E_SYNTAX);
    assert_int_equal(cidr_parse(STR("1.2.3.4\0"), &c), MU_E_SYNTAX);
}

static void addresses_read_the_same_from_any_socket(void **state)
{
    (void)state;
    static const char *const texts[] = { "192.168.1.7", "2001:db8::7", "::1", "127.0.0.1", "::" };
    char text[IP_TEXT_SIZE];
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct ip_addr a = ip(texts[i]);
        ip_text(&a, text);
        assert_string_equal(text, texts[i]);
    }

    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct ip_addr from_v4, from_v6, unix_peer, expected = ip("192.168.1.7");
    inet_pton(AF_INET, "192.168.1.7", &in.sin_addr);
    inet_pton(AF_INET6, "::ffff:192.168.1.7", &in6.sin6_addr);
    ip_of_sockaddr((const struct sockaddr *)&in, &from_v4);
    ip_of_sockaddr((const struct sockaddr *)&in6, &from_v6);
    assert_memory_equal(&from_v4, &expected, sizeof(expected));
    assert_memory_equal(&from_v6, &expected, sizeof(expected));
    ip_of_sockaddr(&(struct sockaddr){ .sa_family = AF_UNIX }, &unix_peer);
    expected = ip("::");
    assert_memory_equal(&unix_peer, &expected, sizeof(expected));

    static const struct { const char *text; bool is; } loopback[] = {
        { "127.0.0.1", true }, { "127.9.9.9", true }, { "::1", true }, { "::ffff:127.0.0.1", true },
        { "128.0.0.1", false }, { "::2", false }, { "::", false }, { "7f00::", false },
    };
    for (size_t i = 0; i < sizeof(loopback) / sizeof(*loopback); i++) {
        struct ip_addr a = ip(loopback[i].text);
        assert_int_equal(ip_is_loopback(&a), loopback[i].is);
    }
}

/* --- quotas ---------------------------------------------------------------------------------- */

static void a_quota_is_used_up_and_comes_back_with_the_hour(void **state)
{
    (void)state;
    struct quota q = { 0 };
    struct quota_view v;
    int64_t now = 417000 * INT64_C(3600) + 1800;

    for (uint32_t left = 3; left-- > 0;) {
        assert_true(quota_take(&q, 3, now, &v));
        assert_int_equal(v.limit, 3);
        assert_int_equal(v.remaining, left);
        assert_int_equal(v.reset, 417001 * INT64_C(3600));
    }
    assert_false(quota_take(&q, 3, now + 1799, &v));
    assert_int_equal(v.remaining, 0);
    assert_true(quota_take(&q, 4, now, &v)); /* raised within the hour */
    assert_false(quota_take(&q, 2, now, &v));
    assert_int_equal(v.remaining, 0);
    assert_true(quota_take(&q, 3, now + 1800, &v));
    assert_int_equal(v.remaining, 2);
    assert_int_equal(v.reset, 417002 * INT64_C(3600));
    assert_true(quota_take(&q, 3, now, &v)); /* the clock was set back */
    assert_false(quota_take(&(struct quota){ 0 }, 0, now, &v));
}

static void a_bucket_lets_a_burst_through_and_then_its_rate(void **state)
{
    (void)state;
    struct bucket b = { 0 };
    int64_t now = 5000000;

    for (int i = 0; i < 50; i++)
        assert_true(bucket_take(&b, 10, 50, 1, now));
    assert_false(bucket_take(&b, 10, 50, 1, now));
    assert_false(bucket_take(&b, 10, 50, 1, now + 99000));
    assert_true(bucket_take(&b, 10, 50, 1, now + 100000));
    assert_false(bucket_take(&b, 10, 50, 1, now + 100000));
    /* A long rest fills it to the burst, not beyond. */
    now += INT64_C(3600) * 1000000;
    assert_true(bucket_take(&b, 10, 50, 50, now));
    assert_false(bucket_take(&b, 10, 50, 1, now));
    /* A refusal takes nothing. */
    now += 300000;
    assert_false(bucket_take(&b, 10, 50, 4, now));
    assert_true(bucket_take(&b, 10, 50, 3, now));
    assert_true(bucket_take(&b, 0, 0, 1e9, now));
}

/* --- session records ------------------------------------------------------------------------- */

static void heartbeats_are_accounted_as_the_online_log_wants_them(void **state)
{
    (void)state;
    struct heartbeat_meter m;
    heartbeat_start(&m, 1000000);
    struct heartbeat h = heartbeat_end(&m, 1030400);
    assert_int_equal(h.count, 0);
    assert_int_equal(h.max | h.min | h.avg, 0);
    assert_int_equal(h.last, 30);

    heartbeat_ping(&m, 1050000);
    h = heartbeat_end(&m, 1060000);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.max | h.min | h.avg, 0);
    assert_int_equal(h.last, 10);

    heartbeat_ping(&m, 1099600);  /* 49.6 s */
    heartbeat_ping(&m, 1160000);  /* 60.4 s */
    h = heartbeat_end(&m, 1219500);
    assert_int_equal(h.count, 3);
    assert_int_equal(h.min, 50);
    assert_int_equal(h.max, 60);
    assert_int_equal(h.avg, 53);
    assert_int_equal(h.last, 60);
}

static void heartbeats_of_a_session_of_years_do_not_wrap(void **state)
{
    (void)state;
    const int64_t start = 12345, year = INT64_C(365) * 86400 * 1000;
    struct heartbeat_meter m;
    heartbeat_start(&m, start);
    heartbeat_ping(&m, start + 50000);
    heartbeat_ping(&m, start + year);
    heartbeat_ping(&m, start + year + 50000);
    struct heartbeat h = heartbeat_end(&m, start + year + 60000);
    assert_int_equal(h.min, 50);
    assert_int_equal(h.max, 365 * 86400 - 50);
    assert_int_equal(h.avg, (365 * 86400 + 50 + 1) / 3);
    assert_int_equal(h.last, 10);
}

static void every_end_has_the_word_of_the_document(void **state)
{
    (void)state;
    assert_string_equal(end_reason_text(END_MQTT_DISCONNECT), "mqtt_disconnect");
    assert_string_equal(end_reason_text(END_NO_HEARTBEAT), "no_heartbeat");
    assert_string_equal(end_reason_text(END_TCP_CLOSED), "tcp_closed");
    assert_string_equal(end_reason_text(END_SSL_CLOSED), "ssl_closed");
    assert_string_equal(end_reason_text(END_FORCE), "offline_force");
    assert_string_equal(end_reason_text(END_RESET), "offline_reset");
    assert_string_equal(end_reason_text(END_EXCEPTION), "offline_exception");
    assert_string_equal(end_reason_text(END_DENSITY), "offline_sending_density_overflow");
    assert_string_equal(end_reason_text(END_DATA_SIZE), "offline_sending_data_size_overflow");
}

/* --- calendar -------------------------------------------------------------------------------- */

static struct calendar *open_zone(const char *zone)
{
    struct calendar *cal;
    assert_int_equal(calendar_open(&cal, zone), MU_OK);
    return cal;
}

static int64_t utc(int year, int month, int day, int hour, int minute)
{
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour,
                     .tm_min = minute };
    return timegm(&tm);
}

static int32_t civil(int year, int month, int day)
{
    return (int32_t)(utc(year, month, day, 0, 0) / 86400);
}

static void a_day_ends_at_the_midnight_of_its_zone(void **state)
{
    (void)state;
    struct calendar *shanghai = open_zone("Asia/Shanghai"), *world = open_zone("UTC");
    static const int ends[][3] = { { 2024, 2, 29 }, { 2023, 2, 28 }, { 2023, 12, 31 }, { 2024, 4, 30 } };

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        int32_t day = civil(ends[i][0], ends[i][1], ends[i][2]);
        int64_t end = utc(ends[i][0], ends[i][1], ends[i][2], 16, 0);
        assert_int_equal(calendar_day(shanghai, end - 1), day);
        assert_int_equal(calendar_day(shanghai, end), day + 1);
        assert_int_equal(calendar_day_start(shanghai, day + 1), end);
        assert_int_equal(calendar_day(world, end + 8 * 3600 - 1), day);
        assert_int_equal(calendar_day(world, end + 8 * 3600), day + 1);
        assert_int_equal(calendar_day_start(world, day + 1), end + 8 * 3600);
    }
    assert_int_equal(calendar_day(world, -1), -1);
    assert_int_equal(calendar_day(world, -86400), -1);
    assert_int_equal(calendar_day(shanghai, utc(2150, 1, 1, 15, 59)), civil(2150, 1, 1));
    assert_int_equal(calendar_day(shanghai, utc(2150, 1, 1, 16, 0)), civil(2150, 1, 2));
    calendar_free(shanghai);
    calendar_free(world);
}

static void days_of_summer_time_changes_have_23_and_25_hours(void **state)
{
    (void)state;
    struct calendar *cal = open_zone("America/New_York");
    static const int years[] = { 2007, 2024, 2099 };
    static const int spring[] = { 11, 10, 8 }, autumn[] = { 4, 3, 1 };

    for (size_t i = 0; i < 3; i++) {
        int32_t in = civil(years[i], 3, spring[i]), out = civil(years[i], 11, autumn[i]);
        assert_int_equal(calendar_day_start(cal, in), utc(years[i], 3, spring[i], 5, 0));
        assert_int_equal(calendar_day_start(cal, in + 1) - calendar_day_start(cal, in), 23 * 3600);
        assert_int_equal(calendar_day_start(cal, out), utc(years[i], 11, autumn[i], 4, 0));
        assert_int_equal(calendar_day_start(cal, out + 1) - calendar_day_start(cal, out), 25 * 3600);
    }
    calendar_free(cal);
}

static void a_day_without_a_midnight_starts_when_its_clock_does(void **state)
{
    (void)state;
    /* Brazil went from 2018-11-03 23:59:59 (-03) to 2018-11-04 01:00 (-02). */
    struct calendar *cal = open_zone("America/Sao_Paulo");
    int32_t day = civil(2018, 11, 4);
    assert_int_equal(calendar_day_start(cal, day), utc(2018, 11, 4, 3, 0));
    assert_int_equal(calendar_day(cal, utc(2018, 11, 4, 3, 0)), day);
    assert_int_equal(calendar_day(cal, utc(2018, 11, 4, 3, 0) - 1), day - 1);
    calendar_free(cal);

    /* Samoa left 2011-12-30 out. */
    cal = open_zone("Pacific/Apia");
    day = civil(2011, 12, 30);
    assert_int_equal(calendar_day_start(cal, day), utc(2011, 12, 30, 10, 0));
    assert_int_equal(calendar_day_start(cal, day + 1), utc(2011, 12, 30, 10, 0));
    assert_int_equal(calendar_day(cal, utc(2011, 12, 30, 10, 0)), day + 1);
    calendar_free(cal);
}

static void every_day_starts_at_its_first_second(void **state)
{
    (void)state;
    static const char *const zones[] = { "Asia/Shanghai", "America/New_York", "UTC", "Asia/Kathmandu",
                                         "Australia/Lord_Howe", "Pacific/Kiritimati", "Asia/Beirut" };
    for (size_t z = 0; z < sizeof(zones) / sizeof(*zones); z++) {
        struct calendar *cal = open_zone(zones[z]);
        for (int32_t day = civil(1996, 1, 1); day < civil(2050, 1, 1); day++) {
            int64_t start = calendar_day_start(cal, day);
            assert_int_equal(calendar_day(cal, start), day);
            assert_int_equal(calendar_day(cal, start - 1), day - 1);
        }
        calendar_free(cal);
    }
}

static void the_table_agrees_with_the_c_library(void **state)
{
    (void)state;
    static const char *const zones[] = {
        "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe",
    };
    setenv("TZ", "Asia/Tokyo", 1);
    for (size_t z = 0; z < sizeof(zones) / sizeof(*zones); z++) {
        struct calendar *cal = open_zone(zones[z]);
        assert_string_equal(getenv("TZ"), "Asia/Tokyo");
        setenv("TZ", zones[z], 1);
        tzset();
        for (int64_t t = 0; t < utc(2100, 1, 1, 0, 0); t += 86400 * 3 + 3571) {
            time_t when = t;
            struct tm tm;
            localtime_r(&when, &tm);
            assert_int_equal(calendar_day(cal, t),
                             civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
        }
        setenv("TZ", "Asia/Tokyo", 1);
        calendar_free(cal);
    }
    unsetenv("TZ");
    tzset();
    calendar_free(open_zone("Asia/Shanghai"));
    assert_null(getenv("TZ"));
}

static void unknown_zones_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "Mars/Olympus", "/usr/share/zoneinfo/Asia/Shanghai", "../zoneinfo/Asia/Shanghai",
        "Asia/../Asia/Shanghai", "Asia", "Asia/", "tzdata.zi", "zone.tab", "UTC0", ":Asia/Shanghai",
        "Asia/Shanghai\n", "<+08>-8",
    };
    struct calendar *cal;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(calendar_open(&cal, bad[i]), MU_E_NOT_FOUND);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_identifiers_are_valid_and_differ),
        cmocka_unit_test(malformed_identifiers_are_refused),
        cmocka_unit_test(every_error_has_a_row_and_a_code_of_its_own),
        cmocka_unit_test(the_frames_of_the_document_are_written_and_read),
        cmocka_unit_test(a_frame_cut_anywhere_or_with_a_byte_too_many_is_refused),
        cmocka_unit_test(malformed_envelopes_are_refused),
        cmocka_unit_test(a_network_contains_its_addresses_and_no_others),
        cmocka_unit_test(malformed_networks_are_refused),
        cmocka_unit_test(addresses_read_the_same_from_any_socket),
        cmocka_unit_test(a_quota_is_used_up_and_comes_back_with_the_hour),
        cmocka_unit_test(a_bucket_lets_a_burst_through_and_then_its_rate),
        cmocka_unit_test(heartbeats_are_accounted_as_the_online_log_wants_them),
        cmocka_unit_test(heartbeats_of_a_session_of_years_do_not_wrap),
        cmocka_unit_test(every_end_has_the_word_of_the_document),
        cmocka_unit_test(a_day_ends_at_the_midnight_of_its_zone),
        cmocka_unit_test(days_of_summer_time_changes_have_23_and_25_hours),
        cmocka_unit_test(a_day_without_a_midnight_starts_when_its_clock_does),
        cmocka_unit_test(every_day_starts_at_its_first_second),
        cmocka_unit_test(the_table_agrees_with_the_c_library),
        cmocka_unit_test(unknown_zones_are_refused),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}

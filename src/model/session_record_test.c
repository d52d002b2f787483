#include "base/unit_test.h"

#include "model/session_record.h"

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

    heartbeat_ping(&m, 1099600); /* 49.6 s */
    heartbeat_ping(&m, 1160000); /* 60.4 s */
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(heartbeats_are_accounted_as_the_online_log_wants_them),
        cmocka_unit_test(heartbeats_of_a_session_of_years_do_not_wrap),
        cmocka_unit_test(every_end_has_the_word_of_the_document),
    };
    return cmocka_run_group_tests_name("session_record", tests, NULL, NULL);
}

#include "base/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/log_errors.h"

/* One process, one list: each test goes on where the one before has ended. */

static void an_error_of_the_log_is_kept_and_nothing_else(void **state)
{
    struct log_error errors[LOG_ERRORS_KEPT];

    (void)state;
    assert_int_equal(log_errors(errors), 0);
    log_event(LOG_WARN, "warned", "a=1");
    log_event(LOG_ERROR, "failed", "error=%s", LOG_Q("no room", -1));
    assert_int_equal(log_errors(errors), 1);
    assert_string_equal(errors[0].event, "failed");
    assert_string_equal(errors[0].line, "error=\"no room\"");
    assert_int_equal(errors[0].count, 1);
    assert_true(errors[0].last_s > 1700000000 && errors[0].first_s == errors[0].last_s);
}

static void the_same_event_again_is_counted(void **state)
{
    struct log_error errors[LOG_ERRORS_KEPT];

    (void)state;
    log_errors_keep("other", "", 5);
    log_errors_keep("failed", "error=late", INT32_MAX);
    assert_int_equal(log_errors(errors), 2);
    assert_string_equal(errors[0].event, "failed");
    assert_string_equal(errors[0].line, "error=late");
    assert_int_equal(errors[0].count, 2);
    assert_int_equal(errors[0].last_s, INT32_MAX);
    assert_true(errors[0].first_s < INT32_MAX);
    assert_string_equal(errors[1].event, "other");
}

static void the_oldest_goes_when_there_are_too_many(void **state)
{
    struct log_error errors[LOG_ERRORS_KEPT];
    char event[20], line[1000];

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < LOG_ERRORS_KEPT + 3; i++) {
        snprintf(event, sizeof(event), "event%d", i);
        log_errors_keep(event, line, i);
    }
    assert_int_equal(log_errors(errors), LOG_ERRORS_KEPT);
    for (int i = 0; i < LOG_ERRORS_KEPT; i++) {
        snprintf(event, sizeof(event), "event%d", LOG_ERRORS_KEPT + 2 - i);
        assert_string_equal(errors[i].event, event);
        assert_int_equal(errors[i].count, 1);
        assert_int_equal(strlen(errors[i].line), sizeof(errors[i].line) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_of_the_log_is_kept_and_nothing_else),
        cmocka_unit_test(the_same_event_again_is_counted),
        cmocka_unit_test(the_oldest_goes_when_there_are_too_many),
    };
    return cmocka_run_group_tests_name("log_errors", tests, NULL, NULL);
}

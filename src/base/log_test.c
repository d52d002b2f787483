#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

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
        cmocka_unit_test(a_quoted_value_stays_one_value_on_one_line),
        cmocka_unit_test(a_quoted_value_is_cut_at_120_bytes_between_characters),
        cmocka_unit_test(an_event_is_one_line_of_key_value_pairs),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

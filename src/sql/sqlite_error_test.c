/* A connection with statements that fail. */
#include "base/unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sql/sqlite_file.h"

enum { CALLS = 2000 };

/* Catches what a function writes to stderr. */
static void capture(void (*fn)(void), char *out, size_t size)
{
    int kept = dup(STDERR_FILENO);
    FILE *file = tmpfile();

    assert_non_null(file);
    dup2(fileno(file), STDERR_FILENO);
    fn();
    dup2(kept, STDERR_FILENO);
    close(kept);
    rewind(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void fail_often(void)
{
    struct db db = { 0 };

    for (int i = 0; i < CALLS; i++)
        assert_int_equal(sqlite_error(&db, SQLITE_FULL), MU_E_FULL);
    db.failures.paid_ms = 0; /* a while later */
    assert_int_equal(sqlite_error(&db, SQLITE_FULL), MU_E_FULL);
}

static void a_failure_that_repeats_is_logged_a_few_times_and_counted(void **state)
{
    static char text[CALLS * 200];
    unsigned lines = 0, suppressed = 0;

    (void)state;
    capture(fail_often, text, sizeof(text));
    for (const char *at = text; (at = strstr(at, "suppressed=")); at++, lines++)
        suppressed += (unsigned)strtoul(at + strlen("suppressed="), NULL, 10);
    assert_in_range(lines, 2, CALLS / 2);
    assert_int_equal(lines + suppressed, CALLS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_that_repeats_is_logged_a_few_times_and_counted),
    };
    return cmocka_run_group_tests_name("sqlite_error", tests, NULL, NULL);
}

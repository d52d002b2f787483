#include "ops/privileges.h"

#include "base/unit_test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static enum mu_err step_down(char *why, size_t why_size)
{
    return privileges_step_down("nobody", why, why_size);
}

static enum mu_err drop(char *why, size_t why_size)
{
    return privileges_drop("nobody", why, why_size);
}

/* libpq looks for certificates below HOME, and gives up if it may not look there. */
static void whoever_is_no_longer_root_has_not_roots_home(void **state)
{
    enum mu_err (*const ways[])(char *why, size_t why_size) = { step_down, drop };
    (void)state;

    if (getuid() != 0)
        skip();
    for (size_t i = 0; i < 2; i++) {
        int status;
        pid_t child = fork();

        if (child == 0) {
            char why[256];
            setenv("HOME", "/root", 1);
            _exit(ways[i](why, sizeof(why)) == MU_OK && geteuid() != 0 && !getenv("HOME") ? 0 : 1);
        }
        assert_true(child > 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_no_longer_root_has_not_roots_home),
    };
    return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}

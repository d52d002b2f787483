#include "base/unit_test.h"

#include <stdlib.h>

/* Linked into every unit test: MUSTER_CASE='PATTERN' in the environment runs only the cases whose names match. */
__attribute__((constructor)) static void choose_cases(void)
{
    const char *pattern = getenv("MUSTER_CASE");

    if (pattern)
        cmocka_set_test_filter(pattern);
}

#ifndef MUSTER_BASE_UNIT_TEST_H
#define MUSTER_BASE_UNIT_TEST_H

/* What every unit test begins with: cmocka wants the others before itself. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

#ifndef MUSTER_OPS_DIR_FIXTURE_H
#define MUSTER_OPS_DIR_FIXTURE_H

#include "base/unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/dir.h"

/* Small files in directories, for tests of functions that work on them. */

static inline void put_file(int at, const char *path, const char *text)
{
    int fd = dir_create_file(at, path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static inline void must_lie_in(int at, const char *path, const char *text)
{
    char why[512] = "", found[16] = "";
    int fd;

    assert_int_equal(dir_open_file(at, path, &fd, why, sizeof(why)), MU_OK);
    assert_int_equal(read(fd, found, sizeof(found) - 1), strlen(text));
    assert_string_equal(found, text);
    close(fd);
}

#endif

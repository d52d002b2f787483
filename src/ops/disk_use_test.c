#include "ops/disk_use.h"

#include <sys/resource.h>

#include "ops/dir_fixture.h"

static void each_store_is_told_by_itself(void **state)
{
    (void)state;
    char path[] = "/tmp/disk_use_test.XXXXXX";
    struct disk_use use;

    assert_non_null(mkdtemp(path));
    int dir = dir_open(path);
    put_file(dir, "registry.db", "12345");
    put_file(dir, "registry.db-wal", "123");
    put_file(dir, "journal/000001.log", "12");
    put_file(dir, "lock", "1");
    close(dir);
    disk_use_read(path, &use);
    assert_int_equal(use.registry, 8);
    assert_int_equal(use.journal, 2);
    assert_int_equal(use.other, 1);
    assert_true(use.free > 0 && use.free <= use.size);
    dir_remove_tree(AT_FDCWD, path);
}

/* A page that then says 0 bytes free would wake somebody for nothing. */
static void without_a_descriptor_the_last_measurement_stays(void **state)
{
    (void)state;
    struct disk_use use = { .registry = 1, .free = 2, .size = 3 };
    struct rlimit before;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, before.rlim_max }), 0);
    disk_use_read("/tmp", &use);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(use.registry, 1);
    assert_int_equal(use.free, 2);
    assert_int_equal(use.size, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_store_is_told_by_itself),
        cmocka_unit_test(without_a_descriptor_the_last_measurement_stays),
    };
    return cmocka_run_group_tests_name("disk_use", tests, NULL, NULL);
}

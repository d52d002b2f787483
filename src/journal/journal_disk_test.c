#include "journal/journal_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/random.h"

/* A disk that fails to sync, and one that fills up: a small file system of its own, in a mount
 * namespace of its own, with a file that takes the room away and gives it back. Skipped where that
 * is not allowed. */

#define MIB (1024 * 1024)

enum { RECORD = 64 * 1024 };

static bool own_namespace, mounted;

/* Once and before RocksDB has any threads: they would stay behind. */
static int enter_namespace(void **state)
{
    (void)state;
    own_namespace = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return 0;
}

static int make_small_disk(void **state)
{
    char *path = strdup("/tmp/journal-disk-XXXXXX");

    *state = path;
    if (!path || !mkdtemp(path))
        return -1;
    mounted = own_namespace && mount("tmpfs", path, "tmpfs", 0, "size=256m,mode=700") == 0;
    return 0;
}

static int remove_small_disk(void **state)
{
    if (mounted)
        umount2(*state, MNT_DETACH);
    return remove_directory(state);
}

static const char *disk(void **state)
{
    if (!mounted) {
        print_message("no file system of its own: skipped\n");
        skip();
    }
    return *state;
}

/* Takes room until `left` bytes are free. */
static void fill_disk(const char *dir, uint64_t left)
{
    char path[100];
    struct statvfs fs;

    snprintf(path, sizeof(path), "%s/ballast", dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600), err;
    /* RocksDB's threads may take or give room between the two calls. */
    do {
        assert_int_equal(statvfs(dir, &fs), 0);
        int64_t take = (int64_t)(fs.f_bavail * fs.f_frsize) - (int64_t)left;
        assert_true(take > 0);
        err = posix_fallocate(fd, 0, take);
    } while (err == ENOSPC);
    assert_int_equal(err, 0);
    close(fd);
}

static void free_disk(const char *dir)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/ballast", dir);
    assert_int_equal(unlink(path), 0);
}

static struct journal *open_reserving(const char *dir, uint64_t reserve)
{
    struct journal *j;
    char why[300] = "";
    struct rocks_journal_options options = { .retention_days = 7, .reserve_bytes = reserve, .clock_patience_s = -1 };
    if (rocks_journal_open(&j, dir, &options, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

/* 1 MiB that does not compress, as messages *number + 1 and up; *number counts what is committed. */
static enum mu_err commit_mebibyte(struct journal *j, struct journal_batch *b, uint64_t *number)
{
    static uint8_t payload[RECORD];
    uint64_t n = *number;

    for (int i = 0; i < MIB / RECORD; i++) {
        n++;
        random_bytes(payload, sizeof(payload));
        struct journal_message m = {
            .ts_us = DAY_ZERO + (int64_t)n, .number = n, .payload = payload, .payload_len = sizeof(payload)
        };
        journal_batch_message(b, 1, &m);
    }
    struct journal_state s = { .messages = n };
    journal_batch_state(b, 1, &s);
    enum mu_err err = journal_commit(j, b, DAY_ZERO);
    if (err == MU_OK)
        *number = n;
    return err;
}

static void expect_messages(struct journal *j, uint64_t number)
{
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), number);
}

/* --- syncing ----------------------------------------------------------------------------------------*/
static atomic_int syncs;
static atomic_bool syncs_fail;

/* In the place of the C library's, for RocksDB too. */
int fdatasync(int fd)
{
    atomic_fetch_add(&syncs, 1);
    if (atomic_load(&syncs_fail)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void a_commit_returns_after_its_sync(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    put_message(b, 1, DAY_ZERO, 1);
    int before = atomic_load(&syncs);
    commit(j, b);
    assert_true(atomic_load(&syncs) > before);
    journal_batch_destroy(b);
    journal_close(j);
}

/* The batch is written but its sync fails: reported as failed, it comes back at the next opening.
 * The committer would give its numbers out a second time. A process of its own, forked before this one
 * has threads of RocksDB's with a journal. */
static void a_batch_that_comes_back_after_its_failure_ends_the_process(void **state)
{
    pid_t child = fork();

    if (child == 0) {
        struct journal *j = open_journal(*state);
        struct journal_batch *b = make_batch(j);
        put_message(b, 1, DAY_ZERO, 1);
        commit(j, b);
        put_message(b, 1, DAY_ZERO + 1, 2);
        atomic_store(&syncs_fail, true);
        if (journal_commit(j, b, DAY_ZERO) != MU_E_IO)
            _exit(2);
        atomic_store(&syncs_fail, false);
        put_message(b, 1, DAY_ZERO + 2, 2);
        enum mu_err err = journal_commit(j, b, DAY_ZERO);
        _exit(err == MU_OK ? 3 : 4); /* it must not come so far */
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);

    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    put_message(b, 1, DAY_ZERO + 3, 3);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 3);
    journal_batch_destroy(b);
    journal_close(j);
}

/* --- a full disk ------------------------------------------------------------------------------------*/
static void below_the_reserve_batches_are_refused_until_there_is_room(void **state)
{
    const char *dir = disk(state);
    struct journal *j = open_reserving(dir, 64 * MIB);
    struct journal_batch *b = make_batch(j);
    uint64_t number = 0;

    assert_int_equal(commit_mebibyte(j, b, &number), MU_OK);
    fill_disk(dir, 63 * MIB);
    for (int i = 0; i < 3; i++)
        assert_int_equal(commit_mebibyte(j, b, &number), MU_E_FULL);
    assert_int_equal(journal_roll(j, DAY_ZERO), MU_E_FULL);
    expect_messages(j, number);

    free_disk(dir);
    assert_int_equal(journal_roll(j, DAY_ZERO), MU_OK);
    assert_int_equal(commit_mebibyte(j, b, &number), MU_OK);
    expect_messages(j, number);
    journal_batch_destroy(b);
    journal_close(j);
}

static void an_expired_day_goes_from_a_full_disk(void **state)
{
    const char *dir = disk(state);
    struct journal *j = open_reserving(dir, 64 * MIB);
    struct journal_batch *b = make_batch(j);
    uint64_t number = 0;

    assert_int_equal(commit_mebibyte(j, b, &number), MU_OK);
    fill_disk(dir, 32 * MIB);
    assert_int_equal(journal_roll(j, DAY_ZERO + 8 * DAY), MU_E_FULL); /* no room for the new day */
    expect_messages(j, 0);
    free_disk(dir);
    journal_batch_destroy(b);
    journal_close(j);
}

/* Without a reserve RocksDB meets the end of the disk itself: in its log, or in a table, whichever
 * comes first. A table that is given up, or a log that is done with, may make a little room again in
 * the background: the end is where several commits in a row are refused. */
static void meet_the_end(const char *dir, uint64_t left)
{
    struct journal *j = open_reserving(dir, 1);
    struct journal_batch *b = make_batch(j);
    uint64_t number = 0;
    enum mu_err err;

    assert_int_equal(commit_mebibyte(j, b, &number), MU_OK);
    fill_disk(dir, left);
    for (int refused = 0; refused < 4;) {
        err = commit_mebibyte(j, b, &number);
        assert_true(err == MU_OK || err == MU_E_FULL);
        refused = err == MU_E_FULL ? refused + 1 : 0;
        if (refused)
            expect_messages(j, number);
    }

    free_disk(dir);
    /* A table that was begun before may be given up only now. */
    for (int refused = 0; (err = commit_mebibyte(j, b, &number)) == MU_E_FULL && refused < 4; refused++)
        expect_messages(j, number);
    assert_int_equal(err, MU_OK);
    assert_int_equal(commit_mebibyte(j, b, &number), MU_OK);
    expect_messages(j, number);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_reserving(dir, 1);
    expect_messages(j, number);
    journal_close(j);
}

static void a_log_that_meets_the_end_of_the_disk_goes_on_when_there_is_room(void **state)
{
    meet_the_end(disk(state), 2 * MIB);
}

static void a_table_that_meets_the_end_of_the_disk_goes_on_when_there_is_room(void **state)
{
    meet_the_end(disk(state), 60 * MIB);
}

static void a_full_disk_is_refused_at_the_start_with_a_sentence(void **state)
{
    const char *dir = disk(state);
    struct journal *j;
    char why[300] = "";
    struct rocks_journal_options options = { .reserve_bytes = 64 * MIB };

    journal_close(open_reserving(dir, 64 * MIB));
    fill_disk(dir, MIB);
    assert_int_equal(rocks_journal_open(&j, dir, &options, why, sizeof(why)), MU_E_FULL);
    assert_non_null(strstr(why, dir));
    assert_non_null(strstr(why, "64 MiB"));
    free_disk(dir);
}

#define ON_A_SMALL_DISK(test) cmocka_unit_test_setup_teardown(test, make_small_disk, remove_small_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_batch_that_comes_back_after_its_failure_ends_the_process), /* forks: before any threads */
        IN_DIRECTORY(a_commit_returns_after_its_sync),
        ON_A_SMALL_DISK(below_the_reserve_batches_are_refused_until_there_is_room),
        ON_A_SMALL_DISK(an_expired_day_goes_from_a_full_disk),
        ON_A_SMALL_DISK(a_log_that_meets_the_end_of_the_disk_goes_on_when_there_is_room),
        ON_A_SMALL_DISK(a_table_that_meets_the_end_of_the_disk_goes_on_when_there_is_room),
        ON_A_SMALL_DISK(a_full_disk_is_refused_at_the_start_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}

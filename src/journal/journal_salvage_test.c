#include "journal/journal_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

#include "journal/rocks_internal.h"
#include "journal/salvage.h"

/* What is left of a journal whose tables or logs are damaged. */

enum { DEVICES = 400, MESSAGES = 60, COMMITS = 30 };

/* Each commit has messages of all devices, and their states. */
static void fill_from(struct journal *j, int first, int end)
{
    struct journal_batch *b = make_batch(j);

    for (int c = first; c < end; c++) {
        for (uint32_t device = 1; device <= DEVICES; device++) {
            uint64_t number = 0;
            for (int i = 0; i < MESSAGES / COMMITS; i++) {
                number = (uint64_t)(c * (MESSAGES / COMMITS) + i + 1);
                put_message(b, device, DAY_ZERO + (int64_t)number * SECOND, number);
            }
            struct journal_state s = { .messages = number,
                                       .decoded = number,
                                       .last_ts_us = DAY_ZERO + (int64_t)number * SECOND };
            journal_batch_state(b, device, &s);
        }
        commit(j, b);
    }
    journal_batch_destroy(b);
}

static void fill(struct journal *j)
{
    fill_from(j, 0, COMMITS);
}

/* The largest file of a pattern. */
static void find_largest(const char *dir, const char *pattern, char *out, size_t size)
{
    char path[300];
    glob_t found;
    struct stat st;
    off_t largest = -1;

    snprintf(path, sizeof(path), "%s/journal/%s", dir, pattern);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        assert_int_equal(stat(found.gl_pathv[i], &st), 0);
        if (st.st_size > largest) {
            largest = st.st_size;
            snprintf(out, size, "%s", found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

static void flip_in(const char *path, double part)
{
    struct stat st;
    uint8_t byte;

    assert_int_equal(stat(path, &st), 0);
    off_t at = (off_t)((double)st.st_size * part);
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void make_dir(char *out, size_t size, const char *in, const char *name)
{
    snprintf(out, size, "%s/%s", in, name);
    assert_int_equal(mkdir(out, 0700), 0);
}

static void copy_tree(const char *from, const char *to)
{
    char command[700];

    snprintf(command, sizeof(command), "cp -r %s/. %s", from, to);
    assert_int_equal(system(command), 0);
}

/* `copy` gets the name of a filled journal's directory, as a kill leaves it. */
static void make_killed(const char *in, char *copy, size_t size)
{
    char from[300];

    make_dir(from, sizeof(from), in, "running");
    make_dir(copy, size, in, "from");
    struct journal *j = open_journal(from);
    fill(j);
    copy_tree(from, copy);
    journal_close(j);
}

static struct journal_salvaged salvage(const char *from, const char *in, char *to, size_t to_size)
{
    const struct rocks_journal_registry registry = { .id = "sixteen bytes id", .change = 9, .device = DEVICES };
    struct journal_salvaged told = { 0 };
    struct journal_salvage *s;
    char why[400] = "", scratch[300];

    make_dir(to, to_size, in, "to");
    make_dir(scratch, sizeof(scratch), in, "scratch");
    if (journal_salvage_open(&s, from, scratch, why, sizeof(why)) != MU_OK ||
        journal_salvage_copy(s, to, &registry, &told, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    journal_salvage_close(s);
    return told;
}

/* Each device's totals are its rows, whatever the window, and it goes on with the next number. */
static uint64_t count_rest(const char *dir)
{
    struct journal *j = open_journal(dir);
    uint64_t all = 0;

    for (uint32_t device = 1; device <= DEVICES; device++) {
        uint64_t whole = count_messages(j, device, 0, INT64_MAX), parts = 0;
        for (int i = 0; i <= MESSAGES; i += 10) {
            struct journal_window w = { .from_us = DAY_ZERO + i * SECOND,
                                        .to_us = DAY_ZERO + (i + 10) * SECOND - 1,
                                        .limit = UINT64_MAX };
            uint64_t total;
            assert_int_equal(journal_messages(j, device, &w, ignore_message, NULL, &total), MU_OK);
            parts += total;
        }
        assert_int_equal(parts, whole);
        all += whole;
    }
    journal_close(j);
    return all;
}

static void a_damaged_block_takes_no_more_than_what_is_in_it(void **state)
{
    char from[300], table[300], to[300];

    for (int part = 1; part < 9; part += 2) {
        char in[100];
        snprintf(in, sizeof(in), "%s/%d", (const char *)*state, part);
        assert_int_equal(mkdir(in, 0700), 0);
        make_dir(from, sizeof(from), in, "from");
        struct journal *j = open_journal(from);
        fill(j);
        journal_close(j);
        find_largest(from, "*.sst", table, sizeof(table));
        flip_in(table, part / 10.0);
        struct journal_salvaged told = salvage(from, in, to, sizeof(to));
        assert_true(told.messages >= DEVICES * MESSAGES * 8 / 10);
        assert_true(told.messages < DEVICES * MESSAGES);
        assert_int_equal(count_rest(to), told.messages);
        assert_false(told.states);
    }
}

static void what_stands_behind_a_flipped_bit_of_a_log_is_read(void **state)
{
    char log[300], to[300], copy[300];

    make_killed(*state, copy, sizeof(copy));
    find_largest(copy, "*.log", log, sizeof(log));
    flip_in(log, 0.3);
    struct journal_salvaged told = salvage(copy, *state, to, sizeof(to));
    assert_true(told.messages > DEVICES * MESSAGES / 2);
    assert_true(told.missing > 0);
    assert_true(told.commits > 0);
    assert_int_equal(count_rest(to), told.messages);
}

/* As the end of a day, or a full memtable, makes it: one family's table is written and the log goes on in a new file. The
 * others still need the old one, and the MANIFEST tells how long that is. */
static void flush_states(struct journal *j)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *text = NULL;

    rocksdb_flush_cf(rocks_of(j)->db, options, rocks_of(j)->fixed[FAMILY_STATE], &text);
    assert_null(text);
    rocksdb_flushoptions_destroy(options);
}

static void make_killed_with_two_logs(const char *in, char *copy, size_t size)
{
    char from[300];

    make_dir(from, sizeof(from), in, "running");
    make_dir(copy, size, in, "from");
    struct journal *j = open_journal(from);
    fill_from(j, 0, COMMITS / 2);
    flush_states(j);
    fill_from(j, COMMITS / 2, COMMITS);
    copy_tree(from, copy);
    journal_close(j);
}

/* The first or the last of the logs that have something in them. */
static void find_log(const char *dir, bool last, char *out, size_t size)
{
    char path[400];
    glob_t found;
    struct stat st;

    snprintf(path, sizeof(path), "%.300s/journal/*.log", dir);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    *out = '\0';
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (stat(found.gl_pathv[i], &st) == 0 && st.st_size && (last || !*out))
            snprintf(out, size, "%s", found.gl_pathv[i]);
    globfree(&found);
}

static void cut_in(const char *path, double part)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, (off_t)((double)st.st_size * part)), 0);
}

static void one_of_two_logs_may_be_damaged(void **state)
{
    for (int i = 0; i < 6; i++) {
        char in[100], log[300], to[300], copy[300];
        snprintf(in, sizeof(in), "%s/%d", (const char *)*state, i);
        assert_int_equal(mkdir(in, 0700), 0);
        make_killed_with_two_logs(in, copy, sizeof(copy));
        find_log(copy, i % 2, log, sizeof(log));
        if (i / 2 == 0)
            flip_in(log, 0.3);
        else if (i / 2 == 1)
            cut_in(log, 0.7);
        else
            assert_int_equal(unlink(log), 0);
        struct journal_salvaged told = salvage(copy, in, to, sizeof(to));
        assert_in_range(told.messages, DEVICES * MESSAGES / 3, DEVICES * MESSAGES - 1);
        assert_int_equal(count_rest(to), told.messages);
    }
}

static void a_damaged_CURRENT_takes_nothing(void **state)
{
    char from[300], current[300], to[300];

    make_dir(from, sizeof(from), *state, "from");
    struct journal *j = open_journal(from);
    fill(j);
    journal_close(j);
    find_largest(from, "CURRENT", current, sizeof(current));
    flip_in(current, 0.6);
    struct journal_salvaged told = salvage(from, *state, to, sizeof(to));
    assert_int_equal(told.messages, DEVICES * MESSAGES);
    assert_int_equal(told.commits, 0);
    assert_false(told.states);
    assert_int_equal(count_rest(to), told.messages);
}

static void the_logs_are_read_without_their_manifest(void **state)
{
    char to[300], copy[300], manifest[300];

    make_killed(*state, copy, sizeof(copy));
    find_largest(copy, "MANIFEST-*", manifest, sizeof(manifest));
    assert_int_equal(unlink(manifest), 0);
    struct journal_salvaged told = salvage(copy, *state, to, sizeof(to));
    assert_int_equal(told.messages, DEVICES * MESSAGES);
    assert_int_equal(count_rest(to), told.messages);
}

static void nothing_is_left_of_a_journal_that_is_missing(void **state)
{
    char from[300], to[300];

    make_dir(from, sizeof(from), *state, "from");
    struct journal_salvaged told = salvage(from, *state, to, sizeof(to));
    assert_int_equal(told.messages, 0);
    assert_int_equal(count_rest(to), 0);
}

static enum mu_err keep_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    (void)device;
    *(struct journal_state *)ctx = *s;
    return MU_OK;
}

static enum mu_err no_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    (void)ctx;
    (void)device;
    (void)v;
    return MU_OK;
}

/* Of two messages that its state does not count the newer one is not later than those that it does: a clock was set
 * back, and the state that was written then is lost. */
static void a_state_counts_what_a_start_would_not_find(void **state)
{
    char from[300], to[300];
    struct journal_state s = { .messages = 1, .decoded = 1, .last_ts_us = DAY_ZERO + 9 * SECOND, .followed = true };
    struct journal_visitor v = { .ctx = &s, .state = keep_state, .versions = no_versions };

    make_dir(from, sizeof(from), *state, "from");
    struct journal *j = open_journal(from);
    struct journal_batch *b = make_batch(j);
    put_message(b, 1, DAY_ZERO + 9 * SECOND, 1);
    put_message(b, 1, DAY_ZERO + 10 * SECOND, 2);
    put_message(b, 1, DAY_ZERO + SECOND, 3);
    journal_batch_state(b, 1, &s);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
    (void)salvage(from, *state, to, sizeof(to));
    j = open_journal(to);
    assert_int_equal(journal_visit(j, &v), MU_OK);
    journal_close(j);
    assert_int_equal(s.messages, 3);
    assert_true(s.followed); /* its events may tell more */
}

/* The clock was ahead for two of four messages; later it comes by these again. */
static void messages_may_come_between_those_that_lie_ahead(void **state)
{
    static const int at[] = { 0, 100, 200, 50 };
    char from[300], to[300];

    make_dir(from, sizeof(from), *state, "from");
    struct journal *j = open_journal(from);
    struct journal_batch *b = make_batch(j);
    for (uint64_t i = 0; i < 4; i++)
        put_message(b, 1, DAY_ZERO + at[i] * SECOND, i + 1);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
    (void)salvage(from, *state, to, sizeof(to));
    j = open_journal(to);
    b = make_batch(j);
    put_message(b, 1, DAY_ZERO + 150 * SECOND, 5);
    commit(j, b);
    journal_batch_destroy(b);
    assert_int_equal(count_messages(j, 1, DAY_ZERO + 100 * SECOND, INT64_MAX), 3);
    assert_int_equal(count_messages(j, 1, DAY_ZERO + 120 * SECOND, INT64_MAX), 2);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_damaged_block_takes_no_more_than_what_is_in_it),
        IN_DIRECTORY(what_stands_behind_a_flipped_bit_of_a_log_is_read),
        IN_DIRECTORY(one_of_two_logs_may_be_damaged),
        IN_DIRECTORY(a_damaged_CURRENT_takes_nothing),
        IN_DIRECTORY(the_logs_are_read_without_their_manifest),
        IN_DIRECTORY(a_state_counts_what_a_start_would_not_find),
        IN_DIRECTORY(messages_may_come_between_those_that_lie_ahead),
        IN_DIRECTORY(nothing_is_left_of_a_journal_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

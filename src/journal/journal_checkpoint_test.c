#include "journal/journal_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* A checkpoint is a journal of its own, of the moment at which it was made. */

static const char *make_copy_dir(const char *dir, char path[100])
{
    snprintf(path, 100, "%s/copy", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static void a_checkpoint_holds_what_was_committed_and_nothing_later(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    char path[100];
    const char *copy = make_copy_dir(*state, path);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(rocks_journal_flush(j), MU_OK);
    put_message(b, 1, DAY_ZERO + 1, 2); /* only in the log */
    commit(j, b);
    assert_int_equal(rocks_journal_checkpoint(j, copy), MU_OK);
    put_message(b, 1, DAY_ZERO + 2, 3);
    put_message(b, 1, DAY_ZERO + DAY, 4);
    commit(j, b);
    assert_int_equal(rocks_journal_flush(j), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 4);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(copy);
    assert_int_equal(journal_boot(j).number, 2);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    journal_close(j);
}

static void a_checkpoint_outlives_what_its_journal_drops(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    char path[100];
    const char *copy = make_copy_dir(*state, path);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(rocks_journal_flush(j), MU_OK);
    assert_int_equal(rocks_journal_checkpoint(j, copy), MU_OK);
    assert_int_equal(journal_roll(j, DAY_ZERO + 9 * DAY), MU_OK);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(copy);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    journal_close(j);
}

static void a_checkpoint_where_none_can_be_is_an_error_and_the_journal_goes_on(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(rocks_journal_checkpoint(j, "/proc"), MU_E_IO);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(rocks_journal_checkpoint(j, *state), MU_E_IO); /* the journal itself is there */
    put_message(b, 1, DAY_ZERO + 1, 2);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 2);
    journal_batch_destroy(b);
    journal_close(j);
}

/* --- flushing beside commits ------------------------------------------------------------------------*/
struct flushing {
    struct journal *j;
    atomic_bool stop;
};

static void *flush_again_and_again(void *arg)
{
    struct flushing *f = arg;

    while (!atomic_load(&f->stop))
        if (rocks_journal_flush(f->j) != MU_OK)
            return f;
    return NULL;
}

static void commits_and_new_days_go_on_while_another_thread_flushes(void **state)
{
    struct flushing f = { .j = open_journal(*state) };
    struct journal_batch *b = make_batch(f.j);
    pthread_t thread;
    void *failed;

    assert_int_equal(pthread_create(&thread, NULL, flush_again_and_again, &f), 0);
    for (uint64_t n = 1; n <= 60; n++) {
        put_message(b, 1, DAY_ZERO + (int64_t)n * DAY / 10, n);
        commit(f.j, b);
    }
    atomic_store(&f.stop, true);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(count_messages(f.j, 1, 0, INT64_MAX), 60);
    journal_batch_destroy(b);
    journal_close(f.j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(a_checkpoint_holds_what_was_committed_and_nothing_later),
        IN_DIRECTORY(a_checkpoint_outlives_what_its_journal_drops),
        IN_DIRECTORY(a_checkpoint_where_none_can_be_is_an_error_and_the_journal_goes_on),
        IN_DIRECTORY(commits_and_new_days_go_on_while_another_thread_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

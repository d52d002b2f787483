#include "journal/journal_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* kill -9 between any two steps. A writer commits batch after batch, each with one message to every
 * device and their states, and tells its number once it is committed; time runs so fast that days
 * begin and expire all the while. After its end another process reads what is on disk. (This one
 * never opens a journal: threads of RocksDB would not live on in its children.) */

enum { ROUNDS = 10, DEVICES = 5, BATCHES_PER_DAY = 6 };

#define STEP (DAY / BATCHES_PER_DAY)
#define MUST(condition)                                                 \
    do {                                                                \
        if (!(condition)) {                                             \
            fprintf(stderr, "line %d: not %s\n", __LINE__, #condition); \
            _exit(1);                                                   \
        }                                                               \
    } while (0)

static struct journal *must_open(const char *dir)
{
    struct journal *j;
    char why[300];
    struct rocks_journal_options options = { .retention_days = 2, .reserve_bytes = TEST_RESERVE };
    MUST(rocks_journal_open(&j, dir, &options, why, sizeof(why)) == MU_OK);
    return j;
}

/* --- what a visit finds ------------------------------------------------------------------------*/
struct crash_found {
    uint64_t messages[DEVICES], versions[DEVICES];
};

static enum mu_err find_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct crash_found *f = ctx;
    MUST(device < DEVICES);
    f->messages[device] = s->messages;
    return MU_OK;
}

static enum mu_err find_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    struct crash_found *f = ctx;
    MUST(device < DEVICES);
    f->versions[device] = strtoull(v->text[VERSION_MCU_SOFT], NULL, 10);
    return MU_OK;
}

static struct crash_found visit(struct journal *j)
{
    struct crash_found f = { 0 };
    struct journal_visitor visitor = { .ctx = &f, .state = find_state, .versions = find_versions };
    MUST(journal_visit(j, &visitor) == MU_OK);
    return f;
}

/* --- the writer -------------------------------------------------------------------------------------*/
static void put_batch(struct journal_batch *b, uint64_t number, int64_t ts_us)
{
    for (uint32_t device = 0; device < DEVICES; device++) {
        struct journal_state s = { .last_ts_us = ts_us, .messages = number };
        struct journal_session login = { .ts_us = ts_us, .number = number };
        struct journal_versions v = { 0 };
        snprintf(v.text[VERSION_MCU_SOFT], sizeof(v.text[0]), "%llu", (unsigned long long)number);
        put_message(b, device, ts_us, number);
        journal_batch_session(b, device, &login);
        journal_batch_state(b, device, &s);
        journal_batch_versions(b, device, &v);
    }
}

static void write_until_killed(const char *dir, int tell)
{
    struct journal *j = must_open(dir);
    struct journal_batch *b;
    MUST(journal_batch_create(&b, j) == MU_OK);

    for (uint64_t number = visit(j).messages[0] + 1;; number++) {
        int64_t ts_us = DAY_ZERO + (int64_t)number * STEP;
        put_batch(b, number, ts_us);
        MUST(journal_commit(j, b, ts_us) == MU_OK);
        MUST(write(tell, &number, sizeof(number)) == sizeof(number));
        MUST(journal_roll(j, ts_us) == MU_OK);
    }
}

/* --- the reader -------------------------------------------------------------------------------------*/
struct crash_rows {
    uint64_t first, last, count;
};

static enum mu_err add_message(void *ctx, const struct journal_message *m)
{
    struct crash_rows *r = ctx;
    MUST(r->count == 0 || m->number == r->last + 1);
    r->first = r->count ? r->first : m->number;
    r->last = m->number;
    r->count++;
    return MU_OK;
}

static enum mu_err add_session(void *ctx, const struct journal_session *s)
{
    return add_message(ctx, &(struct journal_message){ .number = s->number });
}

static void check_device(struct journal *j, uint32_t device, const struct crash_found *found)
{
    struct journal_window w = { .to_us = INT64_MAX, .limit = UINT64_MAX };
    struct crash_rows messages = { 0 }, sessions = { 0 };
    uint64_t total;

    MUST(journal_messages(j, device, &w, add_message, &messages, &total) == MU_OK);
    MUST(messages.count == total);
    MUST(journal_sessions(j, device, &w, add_session, &sessions, &total) == MU_OK);
    MUST(sessions.count == total);

    uint64_t last = found->messages[0];
    MUST(found->messages[device] == last && found->versions[device] == last);
    MUST(messages.last == last && sessions.last == last);
    MUST(messages.first == sessions.first);
    /* Retention took whole days from the front, and none that it should not. */
    MUST(last == 0 || messages.first <= (last > 2 * BATCHES_PER_DAY ? last - 2 * BATCHES_PER_DAY : 1));
}

static void check_all(const char *dir, uint64_t told, uint64_t starts)
{
    struct journal *j = must_open(dir);
    struct crash_found found = visit(j);

    for (uint32_t device = 0; device < DEVICES; device++)
        check_device(j, device, &found);
    MUST(found.messages[0] >= told);
    /* A start counts once it has been opened; those of the writers may have been killed before. */
    MUST(journal_boot(j).number <= starts);
    MUST(told == 0 || journal_boot(j).number >= 2);
    journal_close(j);
    _exit(0);
}

/* Killed so long after its beginning or, `commits`, after its first commit. */
static uint64_t run_writer(const char *dir, bool commits, useconds_t life)
{
    int pipe_ends[2];
    uint64_t told = 0, number;

    assert_int_equal(pipe(pipe_ends), 0);
    pid_t writer = fork();
    if (writer == 0)
        write_until_killed(dir, pipe_ends[1]);
    close(pipe_ends[1]);
    if (commits)
        assert_int_equal(read(pipe_ends[0], &told, sizeof(told)), sizeof(told));
    usleep(life);
    kill(writer, SIGKILL);

    int status;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_true(WIFSIGNALED(status));
    while (read(pipe_ends[0], &number, sizeof(number)) == sizeof(number))
        told = number;
    close(pipe_ends[0]);
    return told;
}

static void what_was_committed_survives_kill_9_whole(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    uint64_t told = 0;

    print_message("seed %u\n", seed);
    for (unsigned round = 1; round <= ROUNDS; round++) {
        uint64_t heard = run_writer(*state, round % 2 == 0, (useconds_t)(rand_r(&seed) % 300000));
        told = heard ? heard : told;

        pid_t reader = fork();
        if (reader == 0)
            check_all(*state, told, 2 * round);
        int status;
        assert_int_equal(waitpid(reader, &status, 0), reader);
        assert_int_equal(status, 0);
    }
    print_message("%llu batches\n", (unsigned long long)told);
    assert_true(told > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(what_was_committed_survives_kill_9_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

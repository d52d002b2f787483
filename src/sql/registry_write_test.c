/* Many writers, one commit. */
#include "sql/registry_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* --- isolation ------------------------------------------------------------------------------------*/

static enum mu_err put_and_fail(struct registry_tx *tx, void *arg)
{
    enum mu_err err = fixture_put_rows(tx, arg);
    return err == MU_OK ? MU_E_REFUSED : err;
}

struct count {
    unsigned devices, products;
    uint64_t seq;
};

static enum mu_err count_device(void *ctx, const struct device_row *row)
{
    (void)row;
    ((struct count *)ctx)->devices++;
    return MU_OK;
}

static enum mu_err count_product(void *ctx, const struct product_row *row)
{
    (void)row;
    ((struct count *)ctx)->products++;
    return MU_OK;
}

static struct count count_all(struct registry_fixture *f)
{
    struct count count = { 0 };
    struct registry_visitor v = { .ctx = &count, .device = count_device, .product = count_product };

    assert_int_equal(registry_visit_all(f->reg, &v, &count.seq), MU_OK);
    return count;
}

static void a_function_that_fails_leaves_nothing_behind(void **state)
{
    struct registry_fixture *f = *state;
    struct product_row product = { .name = "p" };
    struct count before = count_all(f);

    id_new_hex(product.product_key);
    assert_int_equal(registry_write(f->reg, put_and_fail, &(struct fixture_rows){ .product = &product }), MU_E_REFUSED);
    struct count after = count_all(f);
    assert_memory_equal(&after, &before, sizeof(after));
    fixture_reopen(f);
    assert_int_equal(count_all(f).products, 0);
}

/* --- many threads ---------------------------------------------------------------------------------*/

enum { THREADS = 16, WRITES_EACH = 60 };

struct thread_work {
    struct registry_fixture *f;
    uint32_t product;
    int index;
    pthread_barrier_t *start;
};

static void *write_a_lot(void *arg)
{
    struct thread_work *work = arg;
    struct register_result r;
    char mac[LIMIT_MAC + 1];

    pthread_barrier_wait(work->start);
    for (int i = 0; i < WRITES_EACH; i++) {
        snprintf(mac, sizeof(mac), "t%02dn%03d", work->index, i);
        if (i % 3 == 2) { /* a third of them fail after they have written */
            struct device_row d = { .product = work->product, .passcode = "fails" };
            strcpy(d.mac, mac);
            did_new(d.did);
            if (registry_write(work->f->reg, put_and_fail, &(struct fixture_rows){ .device = &d }) != MU_E_REFUSED)
                return "a failing function did not fail";
            continue;
        }
        if (registry_register_device(work->f->reg, &(struct register_request){ work->product, mac, "pass", false, i },
                                     &r) != MU_OK ||
            r.outcome != REGISTER_CREATED)
            return "a registration failed";
        if (registry_register_device(work->f->reg, &(struct register_request){ work->product, mac, "pass", false, i },
                                     &r) != MU_OK ||
            r.outcome != REGISTER_SAME)
            return "a writer does not read what it wrote";
    }
    return NULL;
}

static void writers_of_many_threads_share_commits_and_not_their_failures(void **state)
{
    struct registry_fixture *f = *state;
    pthread_barrier_t start;
    pthread_t threads[THREADS];
    struct thread_work work[THREADS];
    uint32_t product = fixture_product(f);

    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        work[i] = (struct thread_work){ f, product, i, &start };
        assert_int_equal(pthread_create(&threads[i], NULL, write_a_lot, &work[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *complaint;
        pthread_join(threads[i], &complaint);
        if (complaint)
            fail_msg("%s", (const char *)complaint);
    }
    pthread_barrier_destroy(&start);
    fixture_reopen(f);
    assert_int_equal(count_all(f).devices, THREADS * WRITES_EACH * 2 / 3);
}

/* Holds a writer inside its function. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool entered, open;
    struct registry_fixture *f;
};

static enum mu_err wait_at_gate(struct registry_tx *tx, void *arg)
{
    struct gate *gate = arg;
    (void)tx;
    pthread_mutex_lock(&gate->lock);
    gate->entered = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return MU_OK;
}

static void *write_gate(void *arg)
{
    struct gate *gate = arg;
    return registry_write(gate->f->reg, wait_at_gate, gate) == MU_OK ? NULL : "failed";
}

static void readers_do_not_wait_for_a_writer(void **state)
{
    struct registry_fixture *f = *state;
    struct gate gate = { .f = f };
    pthread_t thread;
    void *complaint;

    fixture_product(f);
    pthread_mutex_init(&gate.lock, NULL);
    pthread_cond_init(&gate.changed, NULL);
    assert_int_equal(pthread_create(&thread, NULL, write_gate, &gate), 0);
    pthread_mutex_lock(&gate.lock);
    while (!gate.entered)
        pthread_cond_wait(&gate.changed, &gate.lock);
    pthread_mutex_unlock(&gate.lock);

    assert_int_equal(count_all(f).products, 1); /* would wait for ever */

    pthread_mutex_lock(&gate.lock);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
    pthread_join(thread, &complaint);
    assert_null(complaint);
    pthread_cond_destroy(&gate.changed);
    pthread_mutex_destroy(&gate.lock);
}

static enum mu_err read_then_write(struct registry_tx *tx, void *arg)
{
    return tx_put_product(tx, arg);
}

static void a_reading_transaction_cannot_write(void **state)
{
    struct registry_fixture *f = *state;
    struct product_row product = { .name = "p" };

    id_new_hex(product.product_key);
    assert_int_not_equal(registry_read(f->reg, read_then_write, &product), MU_OK);
    assert_int_equal(count_all(f).products, 0);
    assert_int_equal(registry_write(f->reg, read_then_write, &product), MU_OK);
}

/* --- a crash --------------------------------------------------------------------------------------*/

static void what_was_acknowledged_outlives_a_kill(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f), acknowledged = 0, no;
    struct count before = count_all(f);
    int fds[2];

    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        char why[512], mac[LIMIT_MAC + 1];
        struct register_result r;
        if (fixture_open(f, why, sizeof(why)) != MU_OK)
            _exit(1);
        for (int i = 0;; i++) {
            snprintf(mac, sizeof(mac), "mac%d", i);
            if (registry_register_device(f->reg, &(struct register_request){ product, mac, "pass", false, i }, &r) !=
                    MU_OK ||
                write(fds[1], &r.device.no, sizeof(r.device.no)) != sizeof(r.device.no))
                _exit(1);
        }
    }
    close(fds[1]);
    for (unsigned n = 0; n < 50 && read(fds[0], &no, sizeof(no)) == sizeof(no); n++)
        acknowledged++;
    kill(child, SIGKILL);
    while (read(fds[0], &no, sizeof(no)) == sizeof(no))
        acknowledged++;
    close(fds[0]);
    waitpid(child, NULL, 0);

    fixture_reopen(f);
    struct count after = count_all(f);
    assert_true(acknowledged >= 50);
    assert_in_range(after.devices - before.devices, acknowledged, acknowledged + 1);
}

/* --- figures --------------------------------------------------------------------------------------*/

static uint64_t timed(struct registry_fixture *f)
{
    struct registry_figures figures;
    uint64_t count = 0;

    registry_get_figures(f->reg, &figures);
    for (unsigned i = 0; i <= LATENCY_BUCKETS; i++)
        count += figures.latency.counts[i];
    assert_int_equal(figures.commit_failures, 0);
    assert_true(count == 0 || figures.latency.sum_us > 0);
    return count;
}

static void every_commit_is_timed_also_one_whose_function_failed(void **state)
{
    struct registry_fixture *f = *state;
    struct product_row product = { .name = "p" };
    uint64_t before = timed(f);

    fixture_product(f);
    assert_int_equal(timed(f), before + 1);
    id_new_hex(product.product_key);
    assert_int_equal(registry_write(f->reg, put_and_fail, &(struct fixture_rows){ .product = &product }), MU_E_REFUSED);
    assert_int_equal(timed(f), before + 2);
}

/* --- a full disk ----------------------------------------------------------------------------------*/

static bool mount_small_disk(struct registry_fixture *f)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", f->dir, "tmpfs", 0, "size=4m") == 0;
}

static void fill_disk(const char *path)
{
    static char block[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    close(fd);
}

static enum mu_err enrol_number(struct registry_fixture *f, uint32_t product, int i)
{
    struct register_result r;
    char mac[LIMIT_MAC + 1];

    snprintf(mac, sizeof(mac), "mac%d", i);
    return registry_register_device(f->reg, &(struct register_request){ product, mac, "pass", false, i }, &r);
}

static void a_full_disk_refuses_writes_until_there_is_room_again(void **state)
{
    struct registry_fixture *f = *state;
    char ballast[128], mark[128], why[512] = "";
    enum mu_err err = MU_OK;
    unsigned written = 0;
    struct registry_figures figures;

    fixture_needs_file(f);
    registry_close(f->reg);
    f->reg = NULL;
    if (!mount_small_disk(f))
        skip(); /* needs root */
    snprintf(ballast, sizeof(ballast), "%s/ballast", f->dir);
    fixture_reopen(f);
    uint32_t product = fixture_product(f);

    fill_disk(ballast);
    for (int i = 0; i < 100000 && err == MU_OK; i++) {
        if ((err = enrol_number(f, product, i)) == MU_OK)
            written++;
    }
    assert_int_equal(err, MU_E_FULL);
    assert_int_equal(enrol_number(f, product, 200000), MU_E_FULL);
    assert_int_equal(count_all(f).devices, written);
    registry_get_figures(f->reg, &figures);
    assert_int_equal(figures.commit_failures, 2);

    assert_int_equal(unlink(ballast), 0);
    assert_int_equal(enrol_number(f, product, 200000), MU_OK);
    fixture_reopen(f);
    assert_int_equal(count_all(f).devices, written + 1);

    registry_close(f->reg);
    f->reg = NULL;
    assert_int_equal(unlink(f->file), 0);
    snprintf(mark, sizeof(mark), "%s/registry.mark", f->dir);
    assert_int_equal(unlink(mark), 0);
    fill_disk(ballast);
    assert_int_equal(registry_open(&f->reg, f->dir, why, sizeof(why)), MU_E_FULL);
    assert_non_null(strstr(why, "full"));
    assert_int_equal(umount(f->dir), 0);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_function_that_fails_leaves_nothing_behind),
        with_registry(writers_of_many_threads_share_commits_and_not_their_failures),
        with_registry(readers_do_not_wait_for_a_writer),
        with_registry(a_reading_transaction_cannot_write),
        with_registry(what_was_acknowledged_outlives_a_kill),
        with_registry(every_commit_is_timed_also_one_whose_function_failed),
        with_registry(a_full_disk_refuses_writes_until_there_is_room_again),
    };
    return cmocka_run_group_tests_name("registry_write", tests, NULL, NULL);
}

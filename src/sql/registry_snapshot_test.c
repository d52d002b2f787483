/* A copy of one moment. */
#include "sql/registry_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

static uint64_t products_of(struct registry *reg)
{
    struct registry_snapshot *s;
    struct registry_totals totals;

    assert_int_equal(registry_freeze(reg, fixture_nothing, NULL, &s), MU_OK);
    assert_int_equal(registry_snapshot_count(s, &totals), MU_OK);
    registry_snapshot_free(s);
    return totals.products;
}

static void write_copy(struct registry_fixture *f, struct registry_snapshot *s, char dir[128])
{
    snprintf(dir, 128, "%s/copy", f->dir);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(registry_snapshot_write(s, dir), MU_OK);
}

static void a_snapshot_keeps_its_moment_while_writes_go_on(void **state)
{
    struct registry_fixture *f = *state;
    struct registry_snapshot *s;
    struct registry *copy;
    struct registry_totals totals;
    char dir[128], file[160], why[512];
    struct stat st;
    uint64_t bytes;

    fixture_product(f);
    fixture_product(f);
    assert_int_equal(registry_freeze(f->reg, fixture_nothing, NULL, &s), MU_OK);
    for (int i = 0; i < 50; i++)
        fixture_product(f);
    assert_int_equal(registry_snapshot_count(s, &totals), MU_OK);
    assert_int_equal(totals.products, 2);
    assert_int_equal(registry_snapshot_size(s, &bytes), MU_OK);
    write_copy(f, s, dir);
    registry_snapshot_free(s);

    snprintf(file, sizeof(file), "%s/registry.db", dir);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_size, bytes);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(file, sizeof(file), "%s/registry.db-wal", dir);
    assert_int_not_equal(access(file, F_OK), 0);
    assert_int_equal(products_of(f->reg), 52);
    assert_int_equal(registry_open(&copy, dir, why, sizeof(why)), MU_OK);
    assert_int_equal(products_of(copy), 2);
    registry_close(copy);
}

static void a_copy_does_not_overwrite_a_file(void **state)
{
    struct registry_fixture *f = *state;
    struct registry_snapshot *s;

    assert_int_equal(registry_freeze(f->reg, fixture_nothing, NULL, &s), MU_OK);
    assert_int_equal(registry_snapshot_write(s, f->dir), MU_E_IO);
    registry_snapshot_free(s);
    fixture_reopen(f);
}

static enum mu_err refuse(void *ctx)
{
    (void)ctx;
    return MU_E_REFUSED;
}

static void what_fails_in_the_moment_leaves_no_snapshot(void **state)
{
    struct registry_fixture *f = *state;
    struct registry_snapshot *s;

    assert_int_equal(registry_freeze(f->reg, refuse, NULL, &s), MU_E_REFUSED);
    assert_null(s);
    fixture_product(f); /* writes go on */
}

/* --- nobody writes in the moment --------------------------------------------------------------------*/
struct writing {
    struct registry_fixture *f;
    atomic_uint written;
    atomic_bool stop;
};

static void *write_again_and_again(void *arg)
{
    struct writing *w = arg;

    while (!atomic_load(&w->stop)) {
        fixture_product(w->f);
        atomic_fetch_add(&w->written, 1);
    }
    return NULL;
}

struct moment {
    struct writing *w;
    unsigned before, after;
};

static enum mu_err wait_a_little(void *ctx)
{
    struct moment *m = ctx;

    m->before = atomic_load(&m->w->written);
    usleep(20000);
    m->after = atomic_load(&m->w->written);
    return MU_OK;
}

static void nobody_writes_during_the_moment(void **state)
{
    enum { THREADS = 3 };
    struct writing w = { .f = *state };
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_again_and_again, &w), 0);
    for (int round = 0; round < 10; round++) {
        struct moment m = { .w = &w };
        struct registry_snapshot *s;
        struct registry_totals totals;
        while (atomic_load(&w.written) == m.after)
            usleep(100);
        assert_int_equal(registry_freeze(w.f->reg, wait_a_little, &m, &s), MU_OK);
        assert_int_equal(registry_snapshot_count(s, &totals), MU_OK);
        /* When the moment begins, a writer may have ended its write but not counted it yet. */
        assert_in_range(m.after - m.before, 0, THREADS);
        assert_in_range(totals.products, m.after, m.after + THREADS);
        registry_snapshot_free(s);
    }
    atomic_store(&w.stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(products_of(w.f->reg), atomic_load(&w.written));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_keeps_its_moment_while_writes_go_on),
        TEST(a_copy_does_not_overwrite_a_file),
        TEST(what_fails_in_the_moment_leaves_no_snapshot),
        TEST(nobody_writes_during_the_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

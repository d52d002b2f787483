#include "base/unit_test.h"

#include <stdlib.h>

#include <stdatomic.h>

#include "net/workers.h"

struct numbered {
    struct job job;
    unsigned number;
    atomic_uint *next, *wrong;
};

static void check_number(struct job *job)
{
    struct numbered *n = (struct numbered *)job;
    if (atomic_fetch_add(n->next, 1) != n->number)
        atomic_fetch_add(n->wrong, 1);
}

/* Returns how many began out of order. */
static unsigned run_jobs(unsigned threads)
{
    enum { JOBS = 5000 };
    struct workers *w;
    struct numbered *jobs = calloc(JOBS, sizeof(*jobs));
    atomic_uint next = 0, wrong = 0;

    assert_non_null(jobs);
    assert_int_equal(workers_create(&w, threads), MU_OK);
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (struct numbered){ { NULL, check_number }, i, &next, &wrong };
        workers_submit(w, &jobs[i].job);
    }
    workers_destroy(w);
    assert_int_equal(atomic_load(&next), JOBS);
    free(jobs);
    return atomic_load(&wrong);
}

static void one_worker_runs_jobs_in_order_and_all_before_it_ends(void **state)
{
    (void)state;
    assert_int_equal(run_jobs(1), 0);
}

static void several_workers_run_every_job_once(void **state)
{
    (void)state;
    run_jobs(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_runs_jobs_in_order_and_all_before_it_ends),
        cmocka_unit_test(several_workers_run_every_job_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

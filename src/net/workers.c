#include "net/workers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"

/* The pool wakes the waiting worker that worked last: its stack, and the memory that malloc keeps for its thread, are
 * still in the processor's cache. The others sleep on while a few are enough. */
struct worker {
    struct workers *workers;
    pthread_t thread;
    pthread_cond_t wake;
    struct worker *next; /* that waits */
    bool woken;
};

struct workers {
    pthread_mutex_t lock;
    struct worker *waiting;
    struct job *first, **end;
    bool ending;
    unsigned count;
    struct worker at[];
};

static _Thread_local bool is_worker;

bool workers_is_one(void)
{
    return is_worker;
}

static void wait_for_more(struct workers *w, struct worker *self)
{
    self->woken = false;
    self->next = w->waiting;
    w->waiting = self;
    while (!self->woken)
        pthread_cond_wait(&self->wake, &w->lock);
}

/* The worker to signal, after the lock is released; NULL: none waits. */
static struct worker *take_waiting(struct workers *w)
{
    struct worker *worker = w->waiting;

    if (worker) {
        w->waiting = worker->next;
        worker->woken = true;
    }
    return worker;
}

static void *work(void *arg)
{
    struct worker *self = arg;
    struct workers *w = self->workers;

    is_worker = true;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->first && !w->ending)
            wait_for_more(w, self);
        struct job *job = w->first;
        if (!job)
            break;
        w->first = job->next;
        if (!w->first)
            w->end = &w->first;
        pthread_mutex_unlock(&w->lock);
        job->run(job);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum mu_err workers_create(struct workers **out, unsigned threads)
{
    struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(w->at[0]));

    *out = NULL;
    if (!w)
        return MU_E_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    w->end = &w->first;

    while (w->count < threads) {
        struct worker *self = &w->at[w->count];
        self->workers = w;
        pthread_cond_init(&self->wake, NULL);
        if (thread_start(&self->thread, "worker", work, self) != MU_OK) {
            pthread_cond_destroy(&self->wake);
            workers_destroy(w);
            return MU_E_NOMEM;
        }
        w->count++;
    }
    *out = w;
    return MU_OK;
}

void workers_submit(struct workers *w, struct job *job)
{
    assert(job->run);
    job->next = NULL;
    pthread_mutex_lock(&w->lock);
    assert(!w->ending);
    *w->end = job;
    w->end = &job->next;
    struct worker *worker = take_waiting(w);
    pthread_mutex_unlock(&w->lock);
    if (worker)
        pthread_cond_signal(&worker->wake);
}

void workers_destroy(struct workers *w)
{
    if (!w)
        return;
    assert(!is_worker);
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    for (struct worker *worker; (worker = take_waiting(w));)
        pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->count; i++) {
        pthread_join(w->at[i].thread, NULL);
        pthread_cond_destroy(&w->at[i].wake);
    }
    pthread_mutex_destroy(&w->lock);
    free(w);
}

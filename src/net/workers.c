#include "net/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "net/thread_private.h"

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *first, **end;
    bool ending;
    unsigned count;
    pthread_t thread[];
};

static void *work(void *arg)
{
    struct workers *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->first && !w->ending)
            pthread_cond_wait(&w->more, &w->lock);
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
    struct workers *w = calloc(1, sizeof(*w) + threads * sizeof(w->thread[0]));

    *out = NULL;
    if (!w)
        return MU_E_NOMEM;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    w->end = &w->first;

    while (w->count < threads && thread_start(&w->thread[w->count], "worker", work, w) == MU_OK)
        w->count++;
    if (w->count < threads) {
        workers_destroy(w);
        return MU_E_NOMEM;
    }
    *out = w;
    return MU_OK;
}

void workers_submit(struct workers *w, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&w->lock);
    *w->end = job;
    w->end = &job->next;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->more);
}

void workers_destroy(struct workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_broadcast(&w->more);
    for (unsigned i = 0; i < w->count; i++)
        pthread_join(w->thread[i], NULL);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

#include "access/locator.h"

#include <pthread.h>
#include <stdlib.h>

#include "access/geoip.h"
#include "base/log.h"

/* Places devices by their address: a bounded queue and one worker at a time. */

#define QUEUE_SIZE 4096
#define ROUND_SIZE 64 /* looked up, written, and then shown by the fleet, together */

struct locator_question {
    uint32_t device;
    struct ip_addr ip;
};

struct locator {
    struct job job; /* first */
    struct registry *registry;
    struct committer *committer;
    struct workers *workers;
    struct geoip *geoip;
    pthread_mutex_t lock; /* over what follows */
    bool running;
    size_t first, count;
    struct locator_question queue[QUEUE_SIZE];
};

static size_t take_round(struct locator *l, struct locator_question round[ROUND_SIZE])
{
    size_t n = 0;

    pthread_mutex_lock(&l->lock);
    for (; n < ROUND_SIZE && l->count; n++) {
        round[n] = l->queue[l->first];
        l->first = (l->first + 1) % QUEUE_SIZE;
        l->count--;
    }
    l->running = n > 0;
    pthread_mutex_unlock(&l->lock);
    return n;
}

static enum mu_err locate(struct locator *l, const struct locator_question *q, bool *written)
{
    struct geoip_place found;

    if (!geoip_find(l->geoip, &q->ip, &found))
        return MU_OK;
    *written = true;
    return registry_locate_device(l->registry, q->device, &found.place, found.has_coordinates, found.longitude,
                                  found.latitude);
}

static void run(struct job *job)
{
    struct locator *l = (struct locator *)job;
    struct locator_question round[ROUND_SIZE];
    size_t n;

    while ((n = take_round(l, round))) {
        enum mu_err err = MU_OK;
        bool written = false;
        for (size_t i = 0; i < n && err == MU_OK; i++)
            err = locate(l, &round[i], &written);
        if (err == MU_OK && written)
            err = committer_follow_registry(l->committer);
        if (err != MU_OK)
            log_event(LOG_WARN, "locating_failed", "reason=\"%s\"", mu_err_text(err));
    }
}

void locator_ask(struct locator *l, uint32_t device, const struct ip_addr *ip)
{
    bool start = false;

    pthread_mutex_lock(&l->lock);
    if (l->count < QUEUE_SIZE) {
        l->queue[(l->first + l->count) % QUEUE_SIZE] = (struct locator_question){ device, *ip };
        l->count++;
        start = !l->running;
        l->running = true;
    }
    pthread_mutex_unlock(&l->lock);
    if (start)
        workers_submit(l->workers, &l->job);
}

enum mu_err locator_create(struct locator **out, const struct locator_options *o, char *why, size_t why_size)
{
    struct locator *l = calloc(1, sizeof(*l));
    enum mu_err err = MU_E_NOMEM;

    *out = NULL;
    if (!l || (err = geoip_open(&l->geoip, o->geoip_db, why, why_size)) != MU_OK) {
        free(l);
        return err;
    }
    l->job.run = run;
    l->registry = o->registry;
    l->committer = o->committer;
    l->workers = o->workers;
    pthread_mutex_init(&l->lock, NULL);
    *out = l;
    return MU_OK;
}

void locator_destroy(struct locator *l)
{
    if (!l)
        return;
    geoip_close(l->geoip);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

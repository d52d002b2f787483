#ifndef MUSTER_NET_WORKERS_H
#define MUSTER_NET_WORKERS_H

#include <stdbool.h>

#include "base/err.h"

/* A small pool of threads for what may wait: stores, files. Jobs begin in the order submitted. */
struct workers;

struct job {
    struct job *next;
    void (*run)(struct job *job); /* on a worker; owns job from then */
};

MU_MUST_USE enum mu_err workers_create(struct workers **out, unsigned threads); /* take no signals */
void workers_submit(struct workers *w, struct job *job);                        /* any thread, never blocks */
bool workers_is_one(void);               /* whether the thread that asks is a worker */
void workers_destroy(struct workers *w); /* runs what was submitted, then joins */

#endif

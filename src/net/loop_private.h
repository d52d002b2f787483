#ifndef MUSTER_NET_LOOP_PRIVATE_H
#define MUSTER_NET_LOOP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "net/loop.h"
#include "net/timer_wheel.h"

/* What conn.c and loop.c know of each other; private to net/. */

enum { LOOP_EVENTS = 256 };

/* Descriptors that the loop waits for, and those that are ready in this round. */
struct loop_set {
    int epoll;
    int at, count; /* the one being dispatched, and all */
    struct epoll_event event[LOOP_EVENTS];
};

/* How the patient set is waited for: loop_wait.c. */
struct loop_patience {
    struct loop_fd io;      /* that set, in the prompt one */
    bool spaced;            /* the loop looks by itself */
    bool full;              /* the last look has not taken all */
    int64_t came, since_us; /* ready ones, since when */
    int64_t hurried_us;
};

struct conn;

struct loop {
    unsigned index;
    struct loop_fd wake; /* an eventfd, edge-triggered and never read */
    pthread_t thread;
    bool started;
    int64_t now_us;

    struct loop_set prompt, patient;
    struct loop_patience patience;

    struct timer_wheel timers;
    struct loop_hook *hooks, **hooks_end;

    /* Connections to look at after this round's mail: ended ones whose owners have not been told yet, and those
     * that go on with input they have kept. */
    struct conn *pending;
    uint8_t *input; /* what connections read into */
    size_t input_size;

    /* Other threads write these, so they have a cache line of their own: the loop's fields stay in its cache. */
    _Alignas(64) _Atomic(struct mail *) mailbox; /* newest first */
    atomic_bool stopping;
};

/* False in the thread of another loop or in a worker: only mail goes there. For assertions. */
bool loop_may_touch(const struct loop *loop);

/* At least size bytes to read into, for the one connection whose turn it is; NULL without memory. */
uint8_t *loop_input(struct loop *loop, size_t size);

/* --- loop_wait.c -----------------------------------------------------------------------------------*/
/* MU_E_IO; loop_sets_close in any case. */
MU_MUST_USE enum mu_err loop_sets_open(struct loop *loop);
void loop_sets_close(struct loop *loop);
/* Sleeps until something is ready, at most timeout_ms (-1: no limit). Reads the round's time and calls ready() of
 * every ready descriptor. */
void loop_wait(struct loop *loop, int timeout_ms);

/* One round without waiting, in the calling thread, on a loop that is never started: for tests that control every
 * step. True if there is more to do at once. */
bool loop_turn(struct loop *loop);

/* In conn.c: handles loop->pending as it is now; what is added meanwhile waits for the next round. */
void conn_run_pending(struct loop *loop);
/* Tells the owners of ended connections until there is none left, and reads no more. */
void conn_report_ended(struct loop *loop);

#endif

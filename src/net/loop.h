#ifndef MUSTER_NET_LOOP_H
#define MUSTER_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* An event loop: one thread, one epoll instance, its timers and its mailbox. Everything that a loop
 * owns (connections, sessions, timers) is touched by its thread only; other threads post mail. */
struct loop;

/* Also makes the process ignore SIGPIPE: a peer that goes away must not end it. */
MU_MUST_USE enum mu_err loop_create(struct loop **out, unsigned index);
/* After its thread has ended; undelivered mail is dropped through mail->drop. NULL is a no-op. */
void loop_destroy(struct loop *loop);
/* Starts the thread, which takes no signals. */
MU_MUST_USE enum mu_err loop_start(struct loop *loop);
/* Any thread. The loop ends after a round in which it delivers all mail posted before. */
void loop_stop(struct loop *loop);
void loop_join(struct loop *loop);

unsigned loop_index(const struct loop *loop);
bool loop_is_current(const struct loop *loop); /* this is the loop's thread, and the loop runs */

/* The round's time, read once per wake-up: what timers and accounting go by. Loop thread. */
int64_t loop_now_ms(const struct loop *loop);
int64_t loop_now_us(const struct loop *loop);

/* --- descriptors: the owner embeds a loop_fd ---------------------------------------------------*/
struct loop_fd {
    int fd;          /* -1: none; whoever owns it calls ready */
    uint32_t events; /* EPOLLIN | EPOLLOUT wanted, LOOP_PATIENT; kept by loop_fd_* */
    void (*ready)(struct loop_fd *io, uint32_t events);
};

/* An event flag of ours, no bit of epoll's: this descriptor may wait for 2 ms while many such descriptors become
 * ready one after the other, so that they share a round. */
#define LOOP_PATIENT (1u << 24)
/* A peer waits for our answer before it goes on: for the next 0.1 s no descriptor waits. Loop thread. */
void loop_hurry(struct loop *loop);

MU_MUST_USE enum mu_err loop_fd_add(struct loop *loop, struct loop_fd *io, uint32_t events);
void loop_fd_want(struct loop *loop, struct loop_fd *io, uint32_t events);
/* After this no more ready() for io, even if this round had one queued: its memory may be freed. */
void loop_fd_remove(struct loop *loop, struct loop_fd *io);

/* --- timers: the owner embeds one; 10 ms granularity, O(1) start, stop and expiry ----------------
 * All zero is a timer that does not run; the owner sets fire. It fires once, never before its time;
 * those of the same 10 ms in no particular order. It may be freed when it does not run, so also in
 * its own fire(). */
struct timer {
    struct timer *next, **prev; /* in a slot of the wheel; prev NULL = not running */
    int64_t due_ms;
    void (*fire)(struct timer *t);
};

/* delay_ms counts from loop_now_ms. Restarts a running one. */
void timer_start(struct loop *loop, struct timer *t, int64_t delay_ms);
void timer_stop(struct timer *t); /* no-op if not running */
static inline bool timer_is_running(const struct timer *t)
{
    return t->prev != NULL;
}

/* --- mail: how other threads hand things over ---------------------------------------------------*/
struct mail {
    struct mail *next;
    void (*deliver)(struct mail *m, struct loop *loop); /* on the loop's thread; owns m from then */
    void (*drop)(struct mail *m);                       /* instead, if the loop ended before */
};

/* Any thread; never blocks; FIFO per sender. What the loop posts to itself during or after the delivery of mail is
 * delivered in the next round. */
void loop_post(struct loop *loop, struct mail *m);

/* --- end of round --------------------------------------------------------------------------------
 * Called after each round's events, timers and mail, to send what was gathered. Called once more if connections
 * had to be looked at again after that (conn_resume, an end behind the input). */
struct loop_hook {
    struct loop_hook *next;
    void (*run)(struct loop_hook *h, struct loop *loop);
};
void loop_add_hook(struct loop *loop, struct loop_hook *h); /* before loop_start, or in its thread */

#endif

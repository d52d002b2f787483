#include "net/loop_private.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "net/workers.h"

/* One round: wait and descriptors (loop_wait.c), timers, mail, hooks, pending connections (and hooks again).
 *
 * The mailbox is a stack. Senders push to it; the loop takes all of it and reverses it, which keeps each sender's
 * order. Only the sender that finds it empty writes the eventfd, so a burst costs one system call. A sender that
 * finds mail there need not write: an earlier write has not been seen yet, or the loop is awake and will still look
 * into the box. */

#define INPUT_SIZE      (64 * 1024)
#define LONGEST_WAIT_MS (60 * 60 * 1000) /* a timer may be further away than an int can say */

static _Thread_local struct loop *current;

static void ignore_wake(struct loop_fd *io, uint32_t events)
{
    (void)io;
    (void)events;
}

static void wake(struct loop *loop)
{
    uint64_t one = 1;
    while (write(loop->wake.fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

enum mu_err loop_create(struct loop **out, unsigned index)
{
    enum mu_err err = MU_E_NOMEM;
    struct loop *loop = aligned_alloc(_Alignof(struct loop), sizeof(*loop));

    *out = NULL;
    if (!loop)
        return err;
    *loop = (struct loop){ .index = index,
                           .prompt = { .epoll = -1 },
                           .patient = { .epoll = -1 },
                           .wake = { .fd = -1, .ready = ignore_wake } };
    loop->hooks_end = &loop->hooks;
    loop->now_us = clock_mono_us();
    timer_wheel_init(&loop->timers, loop_now_ms(loop));
    /* OpenSSL writes to its socket without MSG_NOSIGNAL. */
    signal(SIGPIPE, SIG_IGN);

    if (!loop_input(loop, INPUT_SIZE))
        goto out;
    err = MU_E_IO;
    if (loop_sets_open(loop) != MU_OK)
        goto out;
    if ((loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
        goto out;
    if ((err = loop_fd_add(loop, &loop->wake, EPOLLIN | EPOLLET)) != MU_OK)
        goto out;
    *out = loop;
    loop = NULL;
out:
    loop_destroy(loop);
    return err;
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    assert(!loop->started && !current);
    conn_report_ended(loop);
    struct mail *m = atomic_exchange(&loop->mailbox, NULL);
    while (m) {
        struct mail *next = m->next;
        m->drop(m);
        m = next;
    }
    if (loop->wake.fd >= 0)
        close(loop->wake.fd);
    loop_sets_close(loop);
    free(loop->input);
    free(loop);
}

static int wait_ms(struct loop *loop)
{
    if (loop->pending || atomic_load_explicit(&loop->mailbox, memory_order_relaxed))
        return 0;
    int64_t next = timer_wheel_next_ms(&loop->timers);
    if (next < 0)
        return -1;
    int64_t left = next - clock_mono_ms();
    if (left > LONGEST_WAIT_MS)
        return LONGEST_WAIT_MS;
    return left > 0 ? (int)left : 0;
}

static void deliver_mail(struct loop *loop)
{
    struct mail *newest = atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
    struct mail *oldest = NULL;

    while (newest) {
        struct mail *m = newest;
        newest = m->next;
        m->next = oldest;
        oldest = m;
    }
    while (oldest) {
        struct mail *m = oldest;
        oldest = m->next;
        m->deliver(m, loop);
    }
}

static void run_hooks(struct loop *loop)
{
    for (struct loop_hook *h = loop->hooks; h; h = h->next)
        h->run(h, loop);
}

/* One round, on the loop's thread. True: it was the last. */
static bool turn(struct loop *loop, int longest_wait_ms)
{
    loop_wait(loop, longest_wait_ms);
    /* Before the mail is taken: what was posted before loop_stop is still delivered. */
    bool last = atomic_load_explicit(&loop->stopping, memory_order_acquire);

    timer_wheel_advance(&loop->timers, loop_now_ms(loop));
    deliver_mail(loop);
    run_hooks(loop);
    if (loop->pending) {
        conn_run_pending(loop);
        run_hooks(loop);
    }
    return last;
}

static void *run(void *arg)
{
    struct loop *loop = arg;

    current = loop;
    while (!turn(loop, wait_ms(loop)))
        ;
    conn_report_ended(loop);
    current = NULL;
    return NULL;
}

bool loop_turn(struct loop *loop)
{
    assert(!loop->started && !current);
    current = loop;
    turn(loop, 0);
    current = NULL;
    return loop->pending || atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
}

enum mu_err loop_start(struct loop *loop)
{
    char name[16];

    assert(!loop->started);
    snprintf(name, sizeof(name), "loop-%u", loop->index);
    enum mu_err err = thread_start(&loop->thread, name, run, loop);
    loop->started = err == MU_OK;
    return err;
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stopping, true, memory_order_release);
    wake(loop);
}

void loop_join(struct loop *loop)
{
    if (loop->started)
        pthread_join(loop->thread, NULL);
    loop->started = false;
}

unsigned loop_index(const struct loop *loop)
{
    return loop->index;
}

bool loop_is_current(const struct loop *loop)
{
    return loop == current;
}

bool loop_may_touch(const struct loop *loop)
{
    return loop == current || (!current && !workers_is_one());
}

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_us / 1000;
}

int64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

void timer_start(struct loop *loop, struct timer *t, int64_t delay_ms)
{
    assert(t->fire && loop_may_touch(loop));
    if (delay_ms < 0)
        delay_ms = 0;
    if (delay_ms > INT64_MAX / 2)
        delay_ms = INT64_MAX / 2;
    timer_wheel_start(&loop->timers, t, loop_now_ms(loop) + delay_ms);
}

void loop_post(struct loop *loop, struct mail *m)
{
    struct mail *newest = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);

    assert(m->deliver);
    do
        m->next = newest;
    while (
        !atomic_compare_exchange_weak_explicit(&loop->mailbox, &newest, m, memory_order_release, memory_order_relaxed));
    /* The loop's own thread looks into the box before it sleeps. */
    if (!newest && !loop_is_current(loop))
        wake(loop);
}

void loop_add_hook(struct loop *loop, struct loop_hook *h)
{
    assert(h->run && loop_may_touch(loop));
    h->next = NULL;
    *loop->hooks_end = h;
    loop->hooks_end = &h->next;
}

uint8_t *loop_input(struct loop *loop, size_t size)
{
    if (size > loop->input_size) {
        free(loop->input);
        loop->input = malloc(size);
        loop->input_size = loop->input ? size : 0;
    }
    return loop->input;
}

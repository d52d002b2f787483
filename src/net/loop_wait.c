#include "net/loop_private.h"

#include <assert.h>
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"

/* Waiting for descriptors. Patient descriptors are in an epoll set of their own, and that set is one descriptor in
 * the main set. Many devices that report now and then would each wake the loop for one packet, and a wake-up costs
 * more than the packet: at 2,500 packets a second a packet took 8.5 us of the loop; in rounds of 2 ms it takes 2.5.
 * So while more than MANY come in LOOK_MS, the loop does not wait for the patient set but looks into it every
 * LOOK_MS. Everything else still wakes the loop at once.
 *
 * Where devices wait for their acknowledgements before they go on, the loop must not wait. But it yields while other
 * threads have work on its core, and more packets come in meanwhile. With 200 devices and no limit a message took
 * 8.1 us of CPU time without the yield and 6.7 with it. */
enum {
    LOOK_MS = 2,
    MANY = 4,       /* in LOOK_MS, to begin with it */
    FEW = 2,        /* fewer: to end it */
    HURRY_MS = 100, /* a loop_hurry lasts */
};

static struct loop_set *set_of(struct loop *loop, const struct loop_fd *io)
{
    return io->events & LOOP_PATIENT ? &loop->patient : &loop->prompt;
}

static void take(struct loop_set *set, int timeout_ms)
{
    int n = epoll_wait(set->epoll, set->event, LOOP_EVENTS, timeout_ms);

    set->count = n > 0 ? n : 0;
}

static void dispatch(struct loop_set *set)
{
    for (set->at = 0; set->at < set->count; set->at++) {
        struct epoll_event *e = &set->event[set->at];
        struct loop_fd *io = e->data.ptr;
        if (io)
            io->ready(io, e->events);
    }
    set->count = 0;
}

static bool is_hurried(const struct loop *loop)
{
    return loop->now_us < loop->patience.hurried_us + HURRY_MS * 1000;
}

/* Decides by how many have come since the last decision. */
static void decide(struct loop *loop)
{
    struct loop_patience *p = &loop->patience;
    int64_t passed_us = loop->now_us - p->since_us;

    if (passed_us < LOOK_MS * 1000)
        return;
    p->spaced = p->came * LOOK_MS * 1000 >= (p->spaced ? FEW : MANY) * passed_us && !is_hurried(loop);
    loop_fd_want(loop, &p->io, p->spaced ? 0 : EPOLLIN);
    p->came = 0;
    p->since_us = loop->now_us;
}

static void look(struct loop_fd *io, uint32_t events)
{
    struct loop *loop = (struct loop *)((char *)io - offsetof(struct loop, patience.io));

    (void)events;
    take(&loop->patient, 0);
    loop->patience.came += loop->patient.count;
    loop->patience.full = loop->patient.count == LOOP_EVENTS;
    dispatch(&loop->patient);
    decide(loop);
}

/* When the loop is to look into the patient set; -1: it waits for it. */
static int64_t look_us(const struct loop *loop)
{
    const struct loop_patience *p = &loop->patience;

    if (!p->spaced)
        return -1;
    return p->full ? loop->now_us : p->since_us + LOOK_MS * 1000;
}

void loop_wait(struct loop *loop, int timeout_ms)
{
    int64_t at = timeout_ms ? look_us(loop) : -1;

    if (at >= 0) {
        int64_t left = (at - clock_mono_us() + 999) / 1000;
        if (timeout_ms < 0 || left < timeout_ms)
            timeout_ms = left > 0 ? (int)left : 0;
    }
    if (timeout_ms && is_hurried(loop))
        sched_yield();
    take(&loop->prompt, timeout_ms);
    loop->now_us = clock_mono_us();
    dispatch(&loop->prompt);
    if ((at = look_us(loop)) >= 0 && loop->now_us >= at)
        look(&loop->patience.io, EPOLLIN);
}

void loop_hurry(struct loop *loop)
{
    loop->patience.hurried_us = loop->now_us;
}

enum mu_err loop_sets_open(struct loop *loop)
{
    loop->prompt.epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->patient.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->prompt.epoll < 0 || loop->patient.epoll < 0)
        return MU_E_IO;
    loop->patience.io = (struct loop_fd){ .fd = loop->patient.epoll, .ready = look };
    return loop_fd_add(loop, &loop->patience.io, EPOLLIN);
}

void loop_sets_close(struct loop *loop)
{
    if (loop->patient.epoll >= 0)
        close(loop->patient.epoll);
    if (loop->prompt.epoll >= 0)
        close(loop->prompt.epoll);
}

enum mu_err loop_fd_add(struct loop *loop, struct loop_fd *io, uint32_t events)
{
    struct epoll_event e = { .events = events & ~LOOP_PATIENT, .data.ptr = io };

    io->events = events;
    if (io->fd < 0)
        return MU_OK;
    return epoll_ctl(set_of(loop, io)->epoll, EPOLL_CTL_ADD, io->fd, &e) == 0 ? MU_OK : MU_E_IO;
}

void loop_fd_want(struct loop *loop, struct loop_fd *io, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = io };

    events |= io->events & LOOP_PATIENT;
    if (io->events == events)
        return;
    io->events = events;
    if (io->fd < 0)
        return;
    /* Changing what is registered needs no memory: it fails only for a descriptor that is not. */
    int failed = epoll_ctl(set_of(loop, io)->epoll, EPOLL_CTL_MOD, io->fd, &e);
    assert(!failed);
    (void)failed;
}

void loop_fd_remove(struct loop *loop, struct loop_fd *io)
{
    struct loop_set *set = set_of(loop, io);

    if (io->fd < 0)
        return;
    epoll_ctl(set->epoll, EPOLL_CTL_DEL, io->fd, NULL);
    for (int i = set->at; i < set->count; i++)
        if (set->event[i].data.ptr == io)
            set->event[i].data.ptr = NULL;
}

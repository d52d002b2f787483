#include "net/timer_wheel.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

/* A hierarchical wheel. Time is cut into ticks; level 0 has a slot for each of the next 256 ticks,
 * level 1 a slot for each of the next 256 runs of 256 ticks, and so on:
 *
 *     level 0   2.56 s     heartbeats of the simulator, pacing
 *     level 1   11 min     keepalives, idle connections
 *     level 2   46 h
 *     level 3   497 days   beyond it a timer waits in the last slot and is placed again from there
 *
 * When the tick enters a new run, that run's slot is emptied into the levels below, so a timer moves at most three
 * times in its life. Starting and stopping only link and unlink. A stop does not know its wheel and leaves the
 * slot's bit set; the next search that finds the slot empty clears it. */

#define LEVEL_BITS 8
#define SLOT_MASK  (TIMER_SLOTS - 1)

static int64_t tick_of(int64_t ms)
{
    return (ms + TIMER_TICK_MS - 1) / TIMER_TICK_MS; /* upwards: a timer is never early */
}

static void link_timer(struct timer **head, struct timer *t)
{
    t->next = *head;
    t->prev = head;
    if (t->next)
        t->next->prev = &t->next;
    *head = t;
}

static void unlink_timer(struct timer *t)
{
    assert(*t->prev == t);
    *t->prev = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->prev = NULL;
    t->next = NULL;
}

/* Moves the whole list of a slot to another head. */
static void take_slot(struct timer_level *level, unsigned index, struct timer **head)
{
    *head = level->slot[index];
    if (*head)
        (*head)->prev = head;
    level->slot[index] = NULL;
    level->used[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

static void place(struct timer_wheel *w, struct timer *t)
{
    int64_t tick = tick_of(t->due_ms);
    if (tick < w->tick)
        tick = w->tick;

    int64_t distance = tick - w->tick;
    unsigned n = 0;
    while (n < TIMER_LEVELS - 1 && distance >> (LEVEL_BITS * (n + 1)))
        n++;
    if (distance >> (LEVEL_BITS * TIMER_LEVELS))
        tick = w->tick + (INT64_C(1) << (LEVEL_BITS * TIMER_LEVELS)) - 1;

    assert(n < TIMER_LEVELS && tick >= w->tick);
    unsigned index = (unsigned)(tick >> (LEVEL_BITS * n)) & SLOT_MASK;
    link_timer(&w->level[n].slot[index], t);
    w->level[n].used[index / 64] |= UINT64_C(1) << (index % 64);
}

void timer_wheel_init(struct timer_wheel *w, int64_t now_ms)
{
    memset(w, 0, sizeof(*w));
    w->tick = tick_of(now_ms);
}

void timer_wheel_start(struct timer_wheel *w, struct timer *t, int64_t due_ms)
{
    timer_stop(t);
    t->due_ms = due_ms;
    place(w, t);
}

void timer_stop(struct timer *t)
{
    if (t->prev)
        unlink_timer(t);
}

/* Empties the slots whose run begins with this tick into the levels below. */
static void cascade(struct timer_wheel *w)
{
    for (unsigned n = 1; n < TIMER_LEVELS; n++) {
        int64_t run = w->tick >> (LEVEL_BITS * n);
        if (run << (LEVEL_BITS * n) != w->tick)
            return;
        struct timer *list;
        take_slot(&w->level[n], (unsigned)run & SLOT_MASK, &list);
        while (list) {
            struct timer *t = list;
            unlink_timer(t);
            place(w, t);
        }
    }
}

/* The distance from index `from` to the first slot in use, going round; -1 if there is none. */
static int first_used(struct timer_level *level, unsigned from)
{
    for (unsigned i = 0; i < TIMER_SLOTS;) {
        unsigned index = (from + i) & SLOT_MASK;
        uint64_t bits = level->used[index / 64] >> (index % 64);
        if (!bits) {
            i += 64 - index % 64;
            continue;
        }
        i += (unsigned)__builtin_ctzll(bits);
        if (i >= TIMER_SLOTS)
            break;
        index = (from + i) & SLOT_MASK;
        if (level->slot[index])
            return (int)i;
        level->used[index / 64] &= ~(UINT64_C(1) << (index % 64));
    }
    return -1;
}

/* The first tick, from w->tick on, at which a slot is to be emptied; -1 = all are empty. */
static int64_t next_tick(struct timer_wheel *w)
{
    int64_t next = -1;

    for (unsigned n = 0; n < TIMER_LEVELS; n++) {
        int64_t run = w->tick >> (LEVEL_BITS * n);
        /* The current run was emptied when it began: what its slot holds now is due one revolution later. */
        if (run << (LEVEL_BITS * n) != w->tick)
            run++;
        int distance = first_used(&w->level[n], (unsigned)run & SLOT_MASK);
        if (distance >= 0) {
            int64_t tick = (run + distance) << (LEVEL_BITS * n);
            next = next < 0 || tick < next ? tick : next;
        }
    }
    return next;
}

int64_t timer_wheel_next_ms(struct timer_wheel *w)
{
    int64_t tick = next_tick(w);
    return tick < 0 ? -1 : tick * TIMER_TICK_MS;
}

void timer_wheel_advance(struct timer_wheel *w, int64_t now_ms)
{
    int64_t last = now_ms / TIMER_TICK_MS, tick;

    while ((tick = next_tick(w)) >= 0 && tick <= last) {
        w->tick = tick;
        cascade(w);
        struct timer *due;
        take_slot(&w->level[0], (unsigned)tick & SLOT_MASK, &due);
        w->tick++; /* first, so that what is started now cannot land in the slot being run */
        while (due) {
            struct timer *t = due;
            assert(t->due_ms <= tick * TIMER_TICK_MS);
            unlink_timer(t);
            t->fire(t);
        }
    }
    if (w->tick <= last)
        w->tick = last + 1;
}

#include "sim/sim_run.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* Runs a fleet of simulated devices on some loops, and prints what they did. */

#define LOOPS_MAX     16
#define START_TICK_MS 20
/* At the end no more is waited for when nothing has come for so long: what has no acknowledgement by then has failed. */
#define STOP_WAIT_MS 5000

/* One loop with its share of the fleet: devices first, first + step, … */
struct share {
    struct loop *loop;
    struct sim_stats stats;
    struct sim_device *devices;
    size_t first, step, count, started;
    unsigned per_tick;
    struct timer timer;
    struct mail start, stop;
    _Atomic bool stopping;
};

static void start_some(struct timer *t)
{
    struct share *s = (struct share *)((char *)t - offsetof(struct share, timer));

    for (unsigned i = 0; i < s->per_tick && s->started < s->count; i++, s->started++)
        sim_device_start(&s->devices[s->first + s->started * s->step], s->loop, &s->stats);
    if (s->started < s->count)
        timer_start(s->loop, &s->timer, START_TICK_MS);
}

static void deliver_start(struct mail *m, struct loop *loop)
{
    (void)loop;
    start_some(&((struct share *)((char *)m - offsetof(struct share, start)))->timer);
}

static void deliver_stop(struct mail *m, struct loop *loop)
{
    struct share *s = (struct share *)((char *)m - offsetof(struct share, stop));

    (void)loop;
    timer_stop(&s->timer);
    for (size_t i = 0; i < s->started; i++)
        sim_device_stop(&s->devices[s->first + i * s->step]);
    s->stopping = true;
}

static void drop_mail(struct mail *m)
{
    (void)m; /* embedded in its share */
}

static void print_summary(const struct sim_stats *t, size_t devices, size_t never, unsigned qos, double seconds)
{
    printf("sim devices=%zu never_connected=%zu connected=%llu closed_by_server=%llu seconds=%.1f\n", devices, never,
           (unsigned long long)t->connected, (unsigned long long)t->closed, seconds);
    printf("sim sent=%llu acknowledged=%llu failed=%llu controls=%llu per_second=%.0f\n", (unsigned long long)t->sent,
           (unsigned long long)t->acked, (unsigned long long)t->failed, (unsigned long long)t->controls,
           (double)(qos ? t->acked - t->acked_late : t->sent) / seconds);
    if (qos)
        printf("sim latency_ms p50=%.3f p90=%.3f p99=%.3f p999=%.3f max=%.3f\n",
               (double)sim_stats_percentile(t, 0.5) / 1e3, (double)sim_stats_percentile(t, 0.9) / 1e3,
               (double)sim_stats_percentile(t, 0.99) / 1e3, (double)sim_stats_percentile(t, 0.999) / 1e3,
               (double)t->latency_max / 1e3);
    fflush(stdout);
}

/* Waits for a signal or the end of the duration. */
static void wait_for_end(const sigset_t *signals, double duration)
{
    if (duration <= 0) {
        sigwaitinfo(signals, NULL);
        return;
    }
    struct timespec t = { .tv_sec = (time_t)duration, .tv_nsec = (long)((duration - (double)(time_t)duration) * 1e9) };
    sigtimedwait(signals, NULL, &t);
}

/* Waits until every device has logged out, as long as acknowledgements come or devices log out. A further signal ends
 * that. */
static void wait_for_logouts(const struct share *shares, size_t count, const sigset_t *signals)
{
    static const struct timespec pause = { .tv_nsec = START_TICK_MS * 1000000L };
    uint64_t before = 0;
    int64_t until = clock_mono_ms() + STOP_WAIT_MS;

    do {
        uint64_t open = 0, come = 0;
        for (size_t i = 0; i < count; i++) {
            open += shares[i].stats.open + !shares[i].stopping;
            come += shares[i].stats.acked_late;
        }
        if (open == 0)
            return;
        if (come - open != before) {
            before = come - open;
            until = clock_mono_ms() + STOP_WAIT_MS;
        }
    } while (clock_mono_ms() < until && sigtimedwait(signals, NULL, &pause) < 0);
}

int sim_run(const struct settings *set, const struct sim_options *options, struct sim_device *devices, size_t count,
            const sigset_t *signals)
{
    static struct share shares[LOOPS_MAX];
    struct sim_stats total = { 0 };
    size_t never = 0; /* devices that never came as far as reporting */
    unsigned long loops = setting_count(set, "threads"), rate = setting_count(set, "connect-rate");

    for (size_t i = 0; i < loops; i++) {
        struct share *s = &shares[i];
        *s = (struct share){ .devices = devices,
                             .first = i,
                             .step = loops,
                             .count = (count + loops - 1 - i) / loops,
                             .per_tick = (unsigned)(rate * START_TICK_MS / 1000 / loops) + 1,
                             .timer = { .fire = start_some },
                             .start = { .deliver = deliver_start, .drop = drop_mail },
                             .stop = { .deliver = deliver_stop, .drop = drop_mail } };
        if (loop_create(&s->loop, (unsigned)i) != MU_OK || loop_start(s->loop) != MU_OK) {
            fprintf(stderr, "muster sim: cannot start a thread: %s\n", strerror(errno));
            return 1;
        }
        loop_post(s->loop, &s->start);
    }
    int64_t began = clock_mono_us();
    wait_for_end(signals, setting_number(set, "duration"));
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    for (size_t i = 0; i < loops; i++)
        loop_post(shares[i].loop, &shares[i].stop);
    wait_for_logouts(shares, loops, signals);
    for (size_t i = 0; i < loops; i++) {
        loop_stop(shares[i].loop);
        loop_join(shares[i].loop);
    }
    for (size_t i = 0; i < count; i++) {
        total.failed += sim_device_unsettled(&devices[i]);
        never += devices[i].due_us == 0;
    }
    for (size_t i = 0; i < loops; i++) {
        sim_stats_add(&total, &shares[i].stats);
        loop_destroy(shares[i].loop);
    }
    print_summary(&total, count, never, options->qos, seconds);
    return total.failed == 0 && never == 0 ? 0 : 1;
}

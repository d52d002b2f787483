/* muster serve with sessions of the devices in its directory, as many as there is memory for, since none
 * of them needs a socket (null_client.h):
 *
 *     null_sessions serve's settings…
 *
 * Behind the line that says `muster ready`, each line of the input is a command that is answered by a
 * line of JSON when it is done; the end of the input ends the server.
 *
 *     come N         until N devices are there and the fleet shows them
 *     churn N S      for S seconds, N devices a minute go (saying so, cut off, falling silent, replaced by
 *                    a second login of their own) and as many come
 *     settle         waits for what is under way and looks whether all is as it has to be
 *
 * own_bytes is the memory that the devices' side takes in this process. Every device pings every 50 s. After the first
 * devices have all come, each second some devices that were left alone for a while are compared with what the fleet
 * says about them; `wrong` counts the differences. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "null_client.h"
#include "serve/serve.h"
#include "serve/serve_settings.h"
#include "serve/server.h"

enum {
    TICK_MS = 10,
    PING_MS = 50000,
    COME_PER_S = 20000, /* at first, on each loop */
    LOOK_AT = 5000,     /* devices a second and loop */
    AWAY_AT_LEAST = 10, /* tenths of a second */
    SETTLED = 50,       /* tenths of a second after which what has happened to a device must show */
    SILENCE_S = 180,    /* 1.5 × keepalive */
    WAYS_TO_GO = 10,
};

/* The devices of one loop, all touched by its thread. */
struct crowd {
    struct loop *loop;
    struct timer tick;
    struct null_client *clients;
    uint32_t count, *away, away_count;
    uint32_t come_to; /* sessions that are wanted */
    double per_ms;    /* that go and come */
    double to_ping, to_go, to_come;
    uint32_t next_ping, next_look;
    int64_t then_ms, looked_ms;
    uint64_t random;
    bool looks;
    uint64_t came, refused, said, cut, fell_silent, replaced, pings, unanswered, looked, wrong, here;
};

static struct server server;
static struct crowd crowds[SERVER_LOOPS_MAX];

static uint32_t now_tenths(const struct crowd *w)
{
    return (uint32_t)(loop_now_ms(w->loop) / 100);
}

static uint32_t any(struct crowd *w, uint32_t below)
{
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((w->random >> 32) * below >> 32);
}

/* --- coming, going, staying ----------------------------------------------------------------------*/

static void went(struct crowd *w, uint32_t i)
{
    w->away[w->away_count++] = i;
}

static void come(struct crowd *w)
{
    uint32_t at = any(w, w->away_count), i = w->away[at];

    /* Its end may not have been told yet, and then would be told as a replacement's. */
    if (now_tenths(w) - w->clients[i].changed < AWAY_AT_LEAST)
        return;
    w->away[at] = w->away[--w->away_count];
    if (null_client_come(&w->clients[i], w->loop)) {
        w->came++;
    } else {
        w->refused++;
        went(w, i);
    }
}

static void go(struct crowd *w)
{
    struct null_client *c = NULL;
    uint32_t i = 0;

    /* Most are here and have nothing to say. */
    for (int tries = 0; tries < 100 && !c; tries++) {
        i = any(w, w->count);
        if (w->clients[i].state == NULL_HERE && !w->clients[i].silent && !w->clients[i].says)
            c = &w->clients[i];
    }
    if (!c)
        return;
    switch (any(w, WAYS_TO_GO)) {
    case 0: /* the server will find out */
        c->silent = true;
        w->fell_silent++;
        break;
    case 1:
        w->replaced++;
        w->came += null_client_come(c, w->loop);
        break;
    case 2:
    case 3:
    case 4:
        w->cut++;
        null_client_leave(c, true);
        went(w, i);
        break;
    default:
        w->said++;
        null_client_leave(c, false);
        went(w, i);
        break;
    }
}

static void ping_next(struct crowd *w)
{
    uint32_t i = w->next_ping;
    struct null_client *c = &w->clients[i];

    w->next_ping = (i + 1) % w->count;
    if (c->silent && c->state == NULL_AWAY) { /* found out */
        c->silent = false;
        went(w, i);
    } else if (c->state == NULL_HERE && !c->silent) {
        w->pings++;
        w->unanswered += c->unanswered;
        null_client_ping(c);
    }
}

/* --- is all as it has to be? -----------------------------------------------------------------------*/

static void look_at(struct crowd *w, const struct null_client *c)
{
    struct fleet_device d;

    /* Of one that fell silent the fleet knows that it is gone some seconds before its connection is closed. */
    if (c->state == NULL_COMES || c->silent || now_tenths(w) - c->changed < SETTLED)
        return;
    w->looked++;
    if (fleet_device_by_no(server.stores.fleet, c->device, &d) && d.is_online == (c->state == NULL_HERE))
        return;
    if (w->wrong++ < 5)
        fprintf(stderr, "null_sessions: device %u is %s, the fleet says otherwise\n", c->device,
                c->state == NULL_HERE ? "here" : "not here");
}

static void tick(struct timer *t)
{
    struct crowd *w = (struct crowd *)((char *)t - offsetof(struct crowd, tick));
    int64_t now = loop_now_ms(w->loop);
    double ms = (double)(now - w->then_ms);
    uint32_t here = w->count - w->away_count;

    w->then_ms = now;
    w->to_ping += ms * w->count / (int)PING_MS;
    w->to_go += ms * w->per_ms;
    w->to_come += here < w->come_to ? ms * (int)COME_PER_S / 1000 : 0;
    for (; w->to_ping >= 1; w->to_ping--)
        ping_next(w);
    for (; w->to_go >= 1; w->to_go--)
        go(w);
    for (; w->to_come >= 1 && w->count - w->away_count < w->come_to; w->to_come--)
        come(w);
    if (w->looks && now - w->looked_ms >= 1000) {
        w->looked_ms = now;
        for (unsigned i = 0; i < LOOK_AT; i++, w->next_look = (w->next_look + 1) % w->count)
            look_at(w, &w->clients[w->next_look]);
    }
    timer_start(w->loop, &w->tick, TICK_MS);
}

static void begin_ticking(struct crowd *w)
{
    w->then_ms = loop_now_ms(w->loop);
    timer_start(w->loop, &w->tick, TICK_MS);
}

static void count_here(struct crowd *w)
{
    w->here = 0;
    for (uint32_t i = 0; i < w->count; i++)
        w->here += w->clients[i].state == NULL_HERE;
}

static void begin_looking(struct crowd *w)
{
    w->looks = true;
}

static void look_at_all(struct crowd *w)
{
    for (uint32_t i = 0; i < w->count; i++)
        look_at(w, &w->clients[i]);
}

/* --- from the main thread --------------------------------------------------------------------------*/

struct call {
    struct mail mail;
    void (*fn)(struct crowd *w);
    struct crowd *crowd;
    atomic_bool done;
};

static void make_call(struct mail *m, struct loop *loop)
{
    struct call *call = (struct call *)m;

    (void)loop;
    call->fn(call->crowd);
    atomic_store(&call->done, true);
}

static void drop_call(struct mail *m)
{
    (void)m; /* on the stack of a caller that waits */
}

static void on_each(void (*fn)(struct crowd *w))
{
    for (unsigned i = 0; i < server.loop_count; i++) {
        struct call call = { .mail = { .deliver = make_call, .drop = drop_call }, .fn = fn, .crowd = &crowds[i] };
        loop_post(server.loops[i], &call.mail);
        while (!atomic_load(&call.done))
            usleep(1000);
    }
}

static uint64_t wanted, go_per_minute;

static void set_pace(struct crowd *w)
{
    w->per_ms = (double)go_per_minute / 60000 / server.loop_count;
    w->come_to = (uint32_t)(wanted / server.loop_count + (loop_index(w->loop) < wanted % server.loop_count));
}

static uint64_t sum(size_t field)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < server.loop_count; i++)
        n += *(uint64_t *)((char *)&crowds[i] + field);
    return n;
}
#define SUM(name) ((unsigned long long)sum(offsetof(struct crowd, name)))

static void answer(double seconds)
{
    struct access_figures f;
    struct fleet_counts counts;
    unsigned long long devices = 0;

    for (unsigned i = 0; i < server.loop_count; i++)
        devices += crowds[i].count;
    on_each(count_here);
    access_get_figures(server.access, &f);
    fleet_count(server.stores.fleet, &counts);
    printf("{\"seconds\": %.3f, \"here\": %llu, \"sessions\": %llu, \"online\": %llu, \"came\": %llu, "
           "\"logins\": %llu, \"refused\": %llu, \"takeovers\": %llu, \"pings\": %llu, \"unanswered\": %llu, "
           "\"looked\": %llu, \"wrong\": %llu",
           seconds, SUM(here), (unsigned long long)f.sessions, (unsigned long long)counts.online, SUM(came),
           (unsigned long long)f.logins, SUM(refused), (unsigned long long)f.takeovers, SUM(pings), SUM(unanswered),
           SUM(looked), SUM(wrong));
    printf(", \"own_bytes\": %llu", devices * (sizeof(struct null_client) + sizeof(uint32_t)));
    printf(", \"went\": {\"mqtt_disconnect\": %llu, \"tcp_closed\": %llu, \"no_heartbeat\": %llu, "
           "\"offline_force\": %llu}, \"ends\": {",
           SUM(said), SUM(cut), SUM(fell_silent), SUM(replaced));
    for (int i = 0; i < END_REASON_COUNT; i++)
        printf("%s\"%s\": %llu", i ? ", " : "", end_reason_text((enum end_reason)i), (unsigned long long)f.ends[i]);
    printf("}}\n");
    fflush(stdout);
}

static void wait_for_all(void)
{
    struct fleet_counts counts;

    do {
        usleep(100000);
        on_each(count_here);
        fleet_count(server.stores.fleet, &counts);
    } while (SUM(here) < wanted || counts.online < wanted);
    on_each(begin_looking);
}

static void settle(void)
{
    sleep(SILENCE_S + PING_MS / 1000 + SETTLED / 10); /* until the last silent one has been found out */
    on_each(look_at_all);
}

static bool obey(const char *line)
{
    int64_t began = clock_mono_us();
    unsigned long long n, s;

    if (sscanf(line, "come %llu", &n) == 1) {
        wanted = n;
        on_each(set_pace);
        wait_for_all();
    } else if (sscanf(line, "churn %llu %llu", &n, &s) == 2) {
        go_per_minute = n;
        on_each(set_pace);
        sleep((unsigned)s);
        go_per_minute = 0;
        on_each(set_pace);
    } else if (strcmp(line, "settle\n") == 0) {
        settle();
    } else {
        fprintf(stderr, "null_sessions: no such command: %s", line);
        return false;
    }
    answer((double)(clock_mono_us() - began) / 1e6);
    return true;
}

/* --- the whole -------------------------------------------------------------------------------------*/

/* Shares the devices that may log in out among the loops. */
static bool gather(void)
{
    struct fleet_counts counts;
    unsigned loops = server.loop_count;

    fleet_count(server.stores.fleet, &counts);
    for (unsigned i = 0; i < loops; i++) {
        struct crowd *w = &crowds[i];
        size_t most = counts.devices / loops + 1;
        *w = (struct crowd){ .loop = server.loops[i],
                             .tick.fire = tick,
                             .random = i,
                             .clients = calloc(most, sizeof(*w->clients)),
                             .away = calloc(most, sizeof(*w->away)) };
        if (!w->clients || !w->away)
            return false;
    }
    for (uint32_t no = 1; no <= counts.devices; no++) {
        struct crowd *w = &crowds[no % loops];
        struct fleet_device d;
        if (!fleet_device_by_no(server.stores.fleet, no, &d) || d.is_disabled)
            continue;
        w->clients[w->count].device = no;
        went(w, w->count++);
    }
    null_clients_of(server.access, server.stores.fleet);
    return true;
}

static void stop_ticking(struct crowd *w)
{
    timer_stop(&w->tick);
}

int main(int argc, char **argv)
{
    struct settings settings;
    char line[64];
    sigset_t signals;
    bool good;

    server.stores.data.lock_fd = -1;
    server.settings = &settings;
    if (settings_parse(&settings, &serve_command, serve_settings, argc, argv) != MU_OK)
        return 2;
    log_set_level(LOG_ERROR);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM); /* the end of the input is what ends it */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    good = server_start(&server) == MU_OK && gather();
    if (good) {
        on_each(begin_ticking);
        server_print_ready(&server);
        while (good && fgets(line, sizeof(line), stdin))
            good = obey(line);
        on_each(stop_ticking);
    } else {
        fprintf(stderr, "null_sessions: %s\n", server.why);
    }
    server_stop(&server);
    settings_free(&settings);
    for (unsigned i = 0; i < SERVER_LOOPS_MAX; i++) {
        free(crowds[i].clients);
        free(crowds[i].away);
    }
    return good ? 0 : 1;
}

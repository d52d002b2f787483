/* Idle devices, as many as a process has descriptors for, that come and stay as they are told:
 *
 *     session_load PRODUCT_KEY COUNT MQTT HTTP|- NAMES
 *
 * MQTT and HTTP are ADDR:PORT. They are `muster sim`'s devices: each request over a connection of its
 * own, then CONNECT and three SUBSCRIBEs one after the other, then a ping every 50 s, and no reports.
 * With HTTP every device registers first, and its "did,passcode" is written to the file NAMES at the
 * end. With "-" they log in as the file says, or, if it is "-" too, with made-up names.
 *
 * Each line of the input is a command, each is answered by one line of JSON when it is done:
 *
 *     connect N    all of the first N devices are to be there
 *     hold S       stay for S seconds, then wait for the last heartbeats' answers
 *
 * The end of the input ends it: the devices log out. */

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/privileges.h"
#include "sim/sim_device.h"

enum {
    /* The loopback addresses that devices connect from. If more than half of the ports of one address are in use to
     * another address, the kernel takes long to find a port. */
    SOURCES = 8,
    ON_THE_WAY = 256, /* at most so many devices at a time are between first connection and last SUBACK */
    ANSWER_MS = 5000, /* how long the last heartbeats wait for their answers */
    GIVE_UP_S = 60,   /* end after so long without one more device */
};

static struct {
    struct loop *loop;
    struct loop_hook hook;
    struct sim_options options[SOURCES];
    struct sim_stats stats;
    struct sim_device *devices;
    size_t count, started, wanted;
    sem_t done;
} load;

/* --- on the loop ---------------------------------------------------------------------------------*/

static void start_more(struct loop_hook *h, struct loop *loop)
{
    (void)h;
    if (load.stats.connected >= load.wanted)
        return;
    while (load.started < load.wanted && load.started - load.stats.connected < ON_THE_WAY)
        sim_device_start(&load.devices[load.started++], loop, &load.stats);
}

struct load_call {
    struct mail mail;
    void (*fn)(size_t arg);
    size_t arg;
};

static void make_call(struct mail *m, struct loop *loop)
{
    struct load_call *call = (struct load_call *)m;

    (void)loop;
    call->fn(call->arg);
    sem_post(&load.done);
}

static void drop_call(struct mail *m)
{
    (void)m; /* on the stack of a caller that waits */
}

static void on_loop(void (*fn)(size_t arg), size_t arg)
{
    struct load_call call = { .mail = { .deliver = make_call, .drop = drop_call }, .fn = fn, .arg = arg };

    loop_post(load.loop, &call.mail);
    while (sem_wait(&load.done) != 0)
        ;
}

static void want(size_t devices)
{
    load.wanted = devices < load.count ? devices : load.count;
}

static struct sim_stats seen;

static void look(size_t unused)
{
    (void)unused;
    seen = load.stats;
}

static void stop_all(size_t unused)
{
    (void)unused;
    for (size_t i = 0; i < load.started; i++)
        sim_device_stop(&load.devices[i]);
}

/* --- commands ------------------------------------------------------------------------------------*/

static void answer(double seconds)
{
    printf("{\"seconds\": %.3f, \"registered\": %llu, \"connected\": %llu, \"closed\": %llu, "
           "\"pings\": %llu, \"pongs\": %llu}\n",
           seconds, (unsigned long long)seen.registered, (unsigned long long)seen.connected,
           (unsigned long long)seen.closed, (unsigned long long)seen.pings, (unsigned long long)seen.pongs);
    fflush(stdout);
}

static bool connect_up_to(size_t n)
{
    int64_t began = clock_mono_us(), last = began;

    on_loop(want, n);
    do {
        uint64_t before = seen.connected;
        usleep(1000);
        on_loop(look, 0);
        if (seen.connected != before)
            last = clock_mono_us();
    } while (seen.connected < load.wanted && clock_mono_us() - last < GIVE_UP_S * INT64_C(1000000));
    answer((double)(clock_mono_us() - began) / 1e6);
    return seen.connected >= load.wanted;
}

static bool hold(unsigned seconds)
{
    int64_t began = clock_mono_ms();
    int64_t until = began + seconds * INT64_C(1000) + ANSWER_MS;

    sleep(seconds);
    do {
        on_loop(look, 0);
        usleep(10000);
    } while (seen.pongs < seen.pings && clock_mono_ms() < until);
    answer((double)(clock_mono_ms() - began) / 1e3);
    return true;
}

static bool obey(const char *line)
{
    size_t n;

    if (sscanf(line, "connect %zu", &n) == 1)
        return connect_up_to(n);
    if (sscanf(line, "hold %zu", &n) == 1)
        return hold((unsigned)n);
    fprintf(stderr, "session_load: no such command: %s", line);
    return false;
}

/* --- names -----------------------------------------------------------------------------------------*/

static bool read_names(const char *file)
{
    FILE *f = fopen(file, "r");
    bool good = f != NULL;

    for (size_t i = 0; good && i < load.count; i++)
        good = fscanf(f, "%22[^,],%10s\n", load.devices[i].did, load.devices[i].passcode) == 2;
    if (f)
        fclose(f);
    return good;
}

static bool write_names(const char *file)
{
    FILE *f = fopen(file, "w");

    if (!f)
        return false;
    for (size_t i = 0; i < load.started; i++)
        fprintf(f, "%s,%s\n", load.devices[i].did, load.devices[i].passcode);
    return fclose(f) == 0;
}

static bool begin(char **argv)
{
    struct sim_options *o = &load.options[0];
    bool registers = strcmp(argv[4], "-") != 0;
    char from[NET_ADDRESS_TEXT];

    *o = (struct sim_options){
        .product_key = argv[1], .has_mqtt = true, .plain_broker = !registers, .interval_us = -1, .level = 3, .window = 1
    };
    load.count = strtoul(argv[2], NULL, 10);
    if (net_address_parse(str_of(argv[3]), &o->mqtt) != MU_OK ||
        (registers && (net_address_parse(str_of(argv[4]), &o->http) != MU_OK ||
                       !str_copy(o->http_host, sizeof(o->http_host), str_of(argv[4])))))
        return false;
    for (unsigned i = SOURCES; i-- > 0;) {
        load.options[i] = *o;
        snprintf(from, sizeof(from), "127.0.0.%u:0", i + 1);
        if (net_address_parse(str_of(from), &load.options[i].from) != MU_OK)
            return false;
    }
    load.devices = calloc(load.count, sizeof(*load.devices));
    for (size_t i = 0; load.devices && i < load.count; i++) {
        struct sim_device *d = &load.devices[i];
        snprintf(d->mac, sizeof(d->mac), "%012zx", i + 1);
        snprintf(d->passcode, sizeof(d->passcode), "0123456789");
        if (sim_device_init(d, &load.options[i % SOURCES], i + 1) != MU_OK)
            return false;
    }
    return load.devices && (registers || strcmp(argv[5], "-") == 0 || read_names(argv[5]));
}

int main(int argc, char **argv)
{
    char line[64];
    bool good = argc == 6 && begin(argv);

    if (!good) {
        fprintf(stderr, "usage: session_load PRODUCT_KEY COUNT MQTT HTTP|- NAMES\n");
        return 2;
    }
    privileges_raise_descriptors();
    sem_init(&load.done, 0, 0);
    load.hook.run = start_more;
    if (loop_create(&load.loop, 0) != MU_OK)
        return 1;
    loop_add_hook(load.loop, &load.hook);
    if (loop_start(load.loop) != MU_OK)
        return 1;
    while (good && fgets(line, sizeof(line), stdin))
        good = obey(line);
    if (good && !load.options[0].plain_broker)
        good = write_names(argv[5]);
    on_loop(stop_all, 0);
    loop_stop(load.loop);
    loop_join(load.loop);
    loop_destroy(load.loop);
    for (size_t i = 0; i < load.count; i++)
        sim_device_free(&load.devices[i]);
    free(load.devices);
    return good ? 0 : 1;
}

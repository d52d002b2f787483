/* Devices that report, from one thread with one epoll, without anything of muster's, for any broker:
 *
 *     report_load ADDR PORT NAMES DEVICES SHAPE QOS LEVEL
 *
 * NAMES is a file of "did,passcode" lines, of which the first DEVICES log in, in MQTT 3.1 (LEVEL 3) or 3.1.1 (4).
 * SHAPE is how they report:
 *
 *     window=N      closed loop: each has N reports unacknowledged, and sends the next one when one is acknowledged
 *     interval=MS   open loop: each sends one every MS milliseconds, at a moment of its own, whatever is acknowledged
 *
 * All are there when the line "ready" is printed. Then each line "run SECONDS" of the input lets them report for so
 * long, waits for what is unacknowledged, and is answered by a line of JSON. Latencies are from the moment when a
 * report was due to its PUBACK. What a report tells is an air conditioner's state, whose room temperature wanders. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PACKET_MAX = 80,
    SOURCES = 8, /* loopback addresses: one has not enough free ports for all */
    WINDOW_MAX = 128,
    ON_THE_WAY = 64, /* devices that are logging in at a time: mosquitto lets 100 wait to be accepted */
    LOGIN_S = 60,    /* that all have for logging in */
    STEPS = 32,      /* of the histogram, a power of two */
    BUCKETS = 40 * STEPS,
    DRAIN_S = 10,   /* that the last acknowledgements have */
    LATE_TURN = 64, /* reports that are late and go out before acknowledgements are read again */
};

struct device {
    int fd;
    bool here;
    uint16_t sent, acked;      /* packet ids of this run: sent - acked are under way */
    uint8_t part[4], part_len; /* of a packet that has come in pieces */
    uint8_t packet_len, temperature_at, id_at;
    uint8_t packet[PACKET_MAX]; /* its next report */
    int64_t *due_ns;            /* of what is under way, by packet id */
};

static struct {
    struct sockaddr_in to;
    struct device *devices;
    size_t count, started, here;
    unsigned window, slots, qos, level; /* slots: of due_ns, a power of two */
    int64_t interval_ns;
    uint32_t *order; /* open loop: devices by the moment in the interval at which they report */
    int64_t *phase_ns;
    int epoll;
    bool sending;
    uint64_t sent, acked, histogram[BUCKETS];
    int64_t now_ns, max_ns;
    uint64_t random;
} load = { .random = 1 };

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "report_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t next_random(void)
{
    load.random ^= load.random << 13;
    load.random ^= load.random >> 7;
    load.random ^= load.random << 17;
    return load.random;
}

/* --- latencies: log-linear ------------------------------------------------------------------------*/

static void note_latency(int64_t ns)
{
    uint64_t us = (uint64_t)(ns / 1000);
    unsigned shift = us >= STEPS ? 63 - (unsigned)__builtin_clzll(us) - 5 : 0;
    size_t bucket = shift * STEPS + (us >> shift);

    load.histogram[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    if (ns > load.max_ns)
        load.max_ns = ns;
}

/* The upper end of its bucket: at most a thirty-second too much. */
static double percentile_ms(double share)
{
    double max_ms = (double)load.max_ns / 1e6;
    uint64_t seen = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        seen += load.histogram[i];
        if (seen && (double)seen >= share * (double)load.acked) {
            size_t shift = i / STEPS ? i / STEPS - 1 : 0;
            double top_ms = (double)((i - shift * STEPS + 1) << shift) / 1e3;
            return top_ms < max_ms ? top_ms : max_ms;
        }
    }
    return max_ms;
}

/* --- packets ----------------------------------------------------------------------------------------*/

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t len = strlen(text);

    *at++ = (uint8_t)(len >> 8);
    *at++ = (uint8_t)len;
    memcpy(at, text, len);
    return at + len;
}

/* The fixed header in front of what begins at out + 2. */
static size_t finish(uint8_t *out, uint8_t first, const uint8_t *end)
{
    out[0] = first;
    out[1] = (uint8_t)(end - out - 2);
    return (size_t)(end - out);
}

static size_t make_connect(uint8_t *out, const char *did, const char *passcode)
{
    uint8_t *at = put_text(out + 2, load.level == 3 ? "MQIsdp" : "MQTT");

    *at++ = (uint8_t)load.level;
    *at++ = 0xc2; /* user name, password, clean session */
    *at++ = 0;
    *at++ = 120; /* keep-alive, as the firmware has it */
    at = put_text(put_text(put_text(at, did), did), passcode);
    return finish(out, 0x10, at);
}

static void make_report(struct device *d, const char *did)
{
    /* Length, flag, command, action; switches, timers, set and room temperature, alerts, fault. */
    static const uint8_t frame[] = { 0, 0, 0, 3, 11, 0, 0, 0x91, 4, 0x21, 0, 0, 24, 35, 0, 0 };
    char topic[40];

    snprintf(topic, sizeof(topic), "dev2app/%s", did);
    uint8_t *at = put_text(d->packet + 2, topic);
    d->id_at = (uint8_t)(at - d->packet);
    if (load.qos)
        at += 2;
    memcpy(at, frame, sizeof(frame));
    at += sizeof(frame);
    d->temperature_at = (uint8_t)(at - d->packet - 3);
    d->packet_len = (uint8_t)finish(d->packet, (uint8_t)(0x30 | load.qos << 1), at);
}

/* --- reporting --------------------------------------------------------------------------------------*/

static void send_all(struct device *d, const uint8_t *bytes, size_t len)
{
    if (send(d->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
        fail("a connection is gone, or full");
}

/* As many as may go in one write. */
static void report(struct device *d, unsigned n, int64_t due_ns)
{
    uint8_t out[WINDOW_MAX * PACKET_MAX];
    size_t len = 0;

    for (unsigned i = 0; i < n; i++) {
        uint8_t *temperature = &d->packet[d->temperature_at];
        if (*temperature > 20 && *temperature < 50)
            *temperature = (uint8_t)(*temperature + next_random() % 3 - 1);
        else
            *temperature = 35;
        d->sent++;
        if (load.qos) {
            uint16_t id = (uint16_t)(d->sent % load.slots + 1);
            d->packet[d->id_at] = (uint8_t)(id >> 8);
            d->packet[d->id_at + 1] = (uint8_t)id;
            d->due_ns[d->sent % load.slots] = due_ns;
        }
        memcpy(out + len, d->packet, d->packet_len);
        len += d->packet_len;
    }
    load.sent += n;
    if (!load.qos)
        load.acked += n;
    send_all(d, out, len);
}

static void on_ack(struct device *d, const uint8_t *packet)
{
    uint16_t id = (uint16_t)(packet[2] << 8 | packet[3]), next = (uint16_t)(d->acked + 1);

    errno = EPROTO;
    if (packet[0] != 0x40 || id != next % load.slots + 1)
        fail("an acknowledgement out of order");
    note_latency(load.now_ns - d->due_ns[next % load.slots]);
    d->acked = next;
    load.acked++;
}

static void on_input(struct device *d)
{
    uint8_t in[4 * WINDOW_MAX + 4];
    memcpy(in, d->part, d->part_len);
    ssize_t n = recv(d->fd, in + d->part_len, sizeof(in) - d->part_len, MSG_DONTWAIT);

    if (n <= 0) {
        if (n < 0 && errno == EAGAIN)
            return;
        errno = n < 0 ? errno : ECONNRESET;
        fail("the server has closed a connection");
    }
    size_t len = d->part_len + (size_t)n, at = 0;
    unsigned acks = 0;
    for (; len - at >= 4; at += 4) { /* CONNACK and PUBACK have four bytes */
        if (in[at] == 0x20) {
            if (in[at + 3])
                fail("a login was refused");
            d->here = true;
            load.here++;
        } else {
            on_ack(d, in + at);
            acks++;
        }
    }
    d->part_len = (uint8_t)(len - at);
    memcpy(d->part, in + at, d->part_len);
    if (acks && load.window && load.sending)
        report(d, acks, load.now_ns);
}

/* --- rounds -----------------------------------------------------------------------------------------*/

static void turn(int64_t wait_ns)
{
    struct epoll_event events[256];
    struct timespec wait = { .tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000 };
    int n = epoll_pwait2(load.epoll, events, 256, &wait, NULL);

    load.now_ns = clock_ns();
    for (int i = 0; i < n; i++)
        on_input(events[i].data.ptr);
}

static void start(struct device *d, const char *did, const char *passcode)
{
    uint8_t packet[120];
    struct sockaddr_in from = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f000001 + (uint32_t)(load.started % SOURCES)) };
    struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = d };
    int on = 1;

    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->fd < 0 || setsockopt(d->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
        bind(d->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(d->fd, (struct sockaddr *)&load.to, sizeof(load.to)) != 0 ||
        setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        epoll_ctl(load.epoll, EPOLL_CTL_ADD, d->fd, &e) != 0)
        fail("cannot connect");
    make_report(d, did);
    send_all(d, packet, make_connect(packet, did, passcode));
    load.started++;
}

static void come(const char *names)
{
    char did[24], passcode[16];
    FILE *f = fopen(names, "r");

    if (!f)
        fail(names);
    int64_t give_up_ns = clock_ns() + LOGIN_S * INT64_C(1000000000);
    while (load.here < load.count) {
        errno = ETIMEDOUT;
        if (clock_ns() > give_up_ns)
            fail("not all devices could log in");
        while (load.started < load.count && load.started - load.here < ON_THE_WAY) {
            if (fscanf(f, "%22[^,],%10s\n", did, passcode) != 2)
                fail("too few names");
            start(&load.devices[load.started], did, passcode);
        }
        turn(100000000);
    }
    fclose(f);
}

static int by_phase(const void *a, const void *b)
{
    int64_t left = load.phase_ns[*(const uint32_t *)a], right = load.phase_ns[*(const uint32_t *)b];
    return left < right ? -1 : left > right;
}

static void choose_moments(void)
{
    for (size_t i = 0; i < load.count; i++) {
        load.order[i] = (uint32_t)i;
        load.phase_ns[i] = (int64_t)(next_random() % (uint64_t)load.interval_ns);
    }
    qsort(load.order, load.count, sizeof(*load.order), by_phase);
}

static void run_closed(int64_t until_ns)
{
    for (size_t i = 0; i < load.count; i++)
        report(&load.devices[i], load.window, load.now_ns = clock_ns());
    while (load.now_ns < until_ns)
        turn(100000000);
}

static void run_open(int64_t began_ns, int64_t until_ns)
{
    unsigned late = 0; /* in a row */

    for (int64_t round_ns = began_ns;; round_ns += load.interval_ns) {
        for (size_t i = 0; i < load.count; i++) {
            int64_t due_ns = round_ns + load.phase_ns[load.order[i]];
            if (due_ns >= until_ns)
                return;
            if (++late % LATE_TURN == 0)
                turn(0);
            for (; (load.now_ns = clock_ns()) < due_ns; late = 0)
                turn(due_ns - load.now_ns);
            struct device *d = &load.devices[load.order[i]];
            if (load.qos && (uint16_t)(d->sent - d->acked) >= load.slots)
                fail("acknowledgements are too far behind");
            report(d, 1, due_ns);
        }
    }
}

static double own_cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void run(double seconds)
{
    int64_t began_ns = clock_ns(), until_ns = began_ns + (int64_t)(seconds * 1e9);
    double cpu_s = own_cpu_s();

    load.sent = load.acked = 0;
    load.max_ns = 0;
    memset(load.histogram, 0, sizeof(load.histogram));
    load.sending = true;
    if (load.window)
        run_closed(until_ns);
    else
        run_open(began_ns, until_ns);
    load.sending = false;
    int64_t give_up_ns = clock_ns() + DRAIN_S * INT64_C(1000000000);
    while (load.acked < load.sent && load.now_ns < give_up_ns)
        turn(10000000);
    double lasted = (double)(clock_ns() - began_ns) / 1e9;
    printf("{\"sent\": %llu, \"acked\": %llu, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f, \"own_cpu_us\": %.2f}\n",
           (unsigned long long)load.sent, (unsigned long long)load.acked, (double)load.acked / lasted,
           percentile_ms(0.5), percentile_ms(0.99), (double)load.max_ns / 1e6,
           (own_cpu_s() - cpu_s) * 1e6 / (double)load.acked);
    fflush(stdout);
}

static bool begin(char **argv)
{
    unsigned interval_ms = 0;

    load.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])) };
    load.count = strtoul(argv[4], NULL, 10);
    if (sscanf(argv[5], "window=%u", &load.window) != 1 && sscanf(argv[5], "interval=%u", &interval_ms) != 1)
        return false;
    load.interval_ns = interval_ms * INT64_C(1000000);
    load.qos = (unsigned)atoi(argv[6]);
    load.level = (unsigned)atoi(argv[7]);
    for (load.slots = 16; load.slots <= load.window;)
        load.slots *= 2;
    if (inet_pton(AF_INET, argv[1], &load.to.sin_addr) != 1 || !load.count || load.qos > 1 ||
        (load.level != 3 && load.level != 4) || load.window > WINDOW_MAX || (!load.window && !load.interval_ns) ||
        (load.window && !load.qos))
        return false;
    load.devices = calloc(load.count, sizeof(*load.devices));
    load.order = calloc(load.count, sizeof(*load.order));
    load.phase_ns = calloc(load.count, sizeof(*load.phase_ns));
    int64_t *due = calloc(load.count * load.slots, sizeof(*due));
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load.devices || !load.order || !load.phase_ns || !due || load.epoll < 0)
        return false;
    for (size_t i = 0; i < load.count; i++)
        load.devices[i].due_ns = due + i * load.slots;
    if (load.interval_ns)
        choose_moments();
    return true;
}

int main(int argc, char **argv)
{
    char line[64];
    double seconds;

    if (argc != 8 || !begin(argv)) {
        fprintf(stderr, "usage: report_load ADDR PORT NAMES DEVICES window=N|interval=MS QOS LEVEL\n");
        return 2;
    }
    come(argv[3]);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin))
        if (sscanf(line, "run %lf", &seconds) == 1)
            run(seconds);
    return 0;
}

#include "journal_load.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* The messages that journal_bench and rocksdb_bench store: the same ones in both. */

enum { HEAD = 9, DRIFTING = 6, METER = HEAD + 1 + 2 * DRIFTING, SWITCHES = METER + 4 };

struct load {
    uint32_t devices;
    bool random;
    int64_t ts_us, step_us;
    uint64_t draws, picks; /* states of the two streams */
    uint64_t *numbers;
    uint8_t (*frames)[LOAD_FRAME];
};

static uint32_t below(uint64_t *state, uint32_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*state >> 33) % n);
}

struct load *load_create(uint32_t devices, long messages, int64_t start_us, bool random)
{
    struct load *l = calloc(1, sizeof(*l));

    if (!l || !(l->numbers = calloc(devices, sizeof(*l->numbers))) ||
        !(l->frames = calloc(devices, sizeof(*l->frames))))
        abort();
    l->devices = devices;
    l->random = random;
    l->ts_us = start_us;
    l->step_us = INT64_C(86400000000) / messages;
    l->draws = 1;
    l->picks = 2;
    return l;
}

void load_destroy(struct load *l)
{
    free(l->numbers);
    free(l->frames);
    free(l);
}

static void draw(struct load *l, uint8_t *frame)
{
    static const uint8_t head[HEAD + 1] = { 0, 0, 0, 3, LOAD_FRAME - 5, 0, 0, 0x91, 0x04, 0 };

    memcpy(frame, head, sizeof(head));
    for (int i = HEAD; i < LOAD_FRAME; i++)
        frame[i] = (uint8_t)below(&l->draws, 256);
}

static void drift(struct load *l, uint8_t *frame)
{
    for (int i = 0; i < DRIFTING; i++) {
        uint8_t *at = frame + HEAD + 1 + 2 * i;
        int value = at[0] << 8 | at[1];
        if (below(&l->draws, 2))
            value += (int)below(&l->draws, 7) - 3;
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
    }
    uint32_t meter = 0;
    for (int i = 0; i < 4; i++)
        meter = meter << 8 | frame[METER + i];
    meter += below(&l->draws, 20);
    for (int i = 3; i >= 0; i--, meter >>= 8)
        frame[METER + i] = (uint8_t)meter;
    if (below(&l->draws, 50) == 0)
        frame[SWITCHES] ^= (uint8_t)(1 << below(&l->draws, 8));
}

struct load_message load_next(struct load *l)
{
    uint32_t device = below(&l->draws, l->devices);
    uint8_t *frame = l->frames[device];

    if (l->numbers[device]++ == 0 || l->random)
        draw(l, frame);
    else
        drift(l, frame);
    struct load_message m = { .device = device,
                              .number = l->numbers[device],
                              .frame = frame,
                              .ts_us = l->ts_us + below(&l->draws, (uint32_t)l->step_us) };
    l->ts_us += l->step_us;
    return m;
}

uint32_t load_any_device(struct load *l)
{
    return below(&l->picks, l->devices);
}

double load_cpu_seconds(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

double load_file_bytes(const char *dir, const char *suffix)
{
    char path[4096];
    struct stat st;
    struct dirent *entry;
    double sum = 0;
    DIR *d = opendir(dir);

    while (d && (entry = readdir(d))) {
        size_t len = strlen(entry->d_name), n = strlen(suffix);
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        if (len > n && strcmp(entry->d_name + len - n, suffix) == 0 && stat(path, &st) == 0)
            sum += (double)st.st_size;
    }
    if (d)
        closedir(d);
    return sum;
}

#ifndef MUSTER_BENCH_JOURNAL_LOAD_H
#define MUSTER_BENCH_JOURNAL_LOAD_H

#include <stdbool.h>
#include <stdint.h>

/* Messages of a day, the same ones at each run: for programs that store them somewhere.
 *
 * A frame has 100 bytes. Steady: what a device of 90 bytes of state tells. Most of it never changes
 * (settings, names, limits, different ones in each device); six 16-bit measurements drift, each in half
 * of the reports and by at most 3; a 32-bit meter counts up by less than 20; eight switches, of which
 * one changes in one report of fifty. Random: every byte behind the frame's head is drawn anew, which
 * nothing can compress. */
enum { LOAD_FRAME = 100, LOAD_BATCH = 2000 };

struct load_message {
    uint32_t device;
    int64_t ts_us;
    uint64_t number; /* of the device's messages, from 1 on */
    const uint8_t *frame;
};

struct load;
/* `messages` of `devices` devices, drawn evenly, over one day that begins at start_us. */
struct load *load_create(uint32_t devices, long messages, int64_t start_us, bool random);
void load_destroy(struct load *l);
/* The next one; its frame lives until the next call. */
struct load_message load_next(struct load *l);
/* One of the devices, from a stream of its own. */
uint32_t load_any_device(struct load *l);

/* User and system time of this process and its threads. */
double load_cpu_seconds(void);
/* The bytes of all files in a directory whose names end so. */
double load_file_bytes(const char *dir, const char *suffix);

#endif

#ifndef MUSTER_MODEL_QUOTA_H
#define MUSTER_MODEL_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Counts the calls of one enterprise per clock hour (contract, "rate headers"). All zero is a fresh one. Any thread,
 * without a lock. It may lie in a mapped file (fleet/quota_file.h). */
struct quota {
    _Atomic uint64_t word; /* hour since 1970 (20 bits), calls in it (32), a check of both (12) */
};

struct quota_view {
    uint32_t limit, remaining;
    int64_t reset; /* Unix seconds at which the hour ends */
};

/* False if anything but these functions has changed it. A single flipped bit is always found. */
bool quota_is_whole(const struct quota *q);

/* Counts one call; false if the hour's limit was used up before it. */
bool quota_take(struct quota *q, uint32_t limit, int64_t unix_s, struct quota_view *view);

/* A token bucket: `rate` tokens per second, room for `burst`. It limits what one address or one device may do. The owner
 * serializes the calls. All zero is a full bucket of any size. */
struct bucket {
    int64_t emptied_us; /* when it would have been empty; 0 = never used */
};

/* Takes n tokens if there are as many; false (and nothing taken) if not. rate 0 = unlimited. */
bool bucket_take(struct bucket *b, double rate, double burst, double n, int64_t mono_us);
/* Returns n tokens that were taken. */
void bucket_give(struct bucket *b, double rate, double n);
/* When there will be n tokens, if nobody takes any before. The bucket has been used, and rate is above 0. */
int64_t bucket_ready_us(const struct bucket *b, double rate, double n);

#endif

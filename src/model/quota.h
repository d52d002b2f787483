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

/* What one of several nodes has been granted of an enterprise's calls. Together they are never granted more than the
 * limit. A node asks for more before it has used what it has, so that callers seldom wait for it. All zero, with a fresh
 * quota, is a fresh one. Any thread. */
struct quota_share {
    struct quota *granted;   /* the calls granted to this node. As those used, it may lie in a mapped file */
    _Atomic uint32_t total;  /* granted to all nodes in that hour, as the last answer said */
    _Atomic uint32_t wanted; /* calls that it asks for; 0: none */
    uint32_t seen;           /* calls that were used at the last quota_share_spare; its thread's own */
};
/* QUOTA_WAIT: calls are left, but not here. Nothing is counted; take again when there is an answer. */
enum quota_taken { QUOTA_TAKEN, QUOTA_OVER, QUOTA_WAIT };
/* As quota_take, within the share; true in *ask: the share has just begun to ask. */
enum quota_taken quota_take_shared(struct quota *q, struct quota_share *s, uint32_t limit, int64_t unix_s,
                                   struct quota_view *view, bool *ask);
/* Whether there is an answer to come. */
bool quota_share_asks(const struct quota_share *s);
/* The answer: so many calls more of that hour, and how many all nodes have been granted now. One thread. */
void quota_share_grant(struct quota_share *s, const struct quota *q, uint32_t hour, uint32_t calls, uint32_t total);

/* Takes out of the share what was granted and not used, but for a small reserve, if no call came since this was asked last;
 * returns how many calls. The thread of quota_share_grant. */
uint32_t quota_share_spare(struct quota_share *s, const struct quota *q, uint32_t limit, uint32_t hour);

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

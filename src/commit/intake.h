#ifndef MUSTER_COMMIT_INTAKE_H
#define MUSTER_COMMIT_INTAKE_H

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "commit/committer.h"

/* What waits to be committed: records, one after the other in a run of bytes. Any thread appends to it; the committer
 * swaps it for an empty one. Appending takes a lock and a copy. It wakes the committer only if the committer sleeps and
 * the record is urgent enough. */

enum intake_kind {
    INTAKE_LOGIN,    /* body: struct commit_login */
    INTAKE_END,      /* body: struct commit_end */
    INTAKE_REPORT,   /* body: the payload */
    INTAKE_CONTROL,  /* body: struct intake_control, the payload */
    INTAKE_VERSIONS, /* body: struct journal_versions */
    INTAKE_HISTORY,  /* body: struct commit_history, int32_t each day */
    INTAKE_AUDIT,    /* body: struct intake_audit, the first bytes of the frame */
    INTAKE_PASS,     /* no body: nothing to keep, only a place in the order */
    INTAKE_MOVED,    /* a login that waits for another node (claims.h): nothing to do here */
    INTAKE_REFUSED,  /* there was no memory for the body: the record is only answered */
};

struct intake_record {
    uint32_t size; /* includes the body; a multiple of 8 */
    uint32_t body_len;
    uint32_t device;
    uint8_t kind;
    uint8_t err; /* enum mu_err: the committer's result for this record alone */
    int64_t ts_us;
    struct commit_sink *sink;
    uint64_t owner, tag;
    alignas(8) uint8_t body[];
};

struct intake_control {
    uint32_t enterprise;
    uint64_t request;
};

/* A control that did not reach its device. */
struct intake_audit {
    uint64_t request;
    uint32_t error, frame_len;
    bool last;
    char enterprise_id[ID_HEX_LEN + 1], did[DID_LEN + 1];
};

/* An end is kept until it is committed: nobody else knows of it. All other records are for the sender to repeat. */
static inline bool intake_is_kept(const struct intake_record *rec)
{
    return rec->kind == INTAKE_END;
}

struct intake_records {
    uint8_t *data;
    size_t len, cap;
};

static inline struct intake_record *intake_records_at(const struct intake_records *r, size_t at)
{
    assert(at % 8 == 0 && at <= r->cap);
    return (struct intake_record *)(void *)(r->data + at);
}

/* MU_E_NOMEM. */
MU_MUST_USE enum mu_err intake_records_append(struct intake_records *r, const struct intake_record *rec);
/* Removes the record there. */
void intake_records_remove(struct intake_records *r, size_t at);
/* Moves all of `first` before the records of `to`; false: no memory, and nothing has changed. */
bool intake_records_join(struct intake_records *first, struct intake_records *to);
/* Drops the first n bytes. */
void intake_records_consume(struct intake_records *r, size_t n);
void intake_records_free(struct intake_records *r);

/* How soon the waiting records must be committed. */
enum intake_haste {
    HASTE_NONE,  /* nothing waits */
    HASTE_KEPT,  /* nobody waits for it */
    HASTE_TOLD,  /* its sender will be told, and goes on meanwhile */
    HASTE_NOW,   /* somebody waits for it, or there is enough for a batch */
    HASTE_AWAKE, /* only in wakes_at: the committer is awake */
};

struct intake {
    pthread_mutex_t lock;       /* guards all below, and what the committer adds to it (committer_internal.h) */
    pthread_cond_t wake;        /* the committer sleeps here; monotonic clock */
    enum intake_haste haste;    /* the greatest haste in the queue */
    enum intake_haste wakes_at; /* this much haste wakes the committer */
    struct intake_records queue;
    uint64_t lost; /* records for which there was no memory at all, not even in the slack */
    struct commit_sink *starved;
    _Atomic size_t waiting; /* bytes handed over and not answered yet */
};

void intake_init(struct intake *in);
void intake_free(struct intake *in);

/* head: everything but size and body_len. The body is `first` followed by `second`. Any thread; never fails: without
 * memory the record is answered with MU_E_NOMEM; if there is none for that either, or it is an end, `lost` counts it. */
void intake_put(struct intake *in, const struct intake_record *head, const void *first, size_t first_len,
                const void *second, size_t second_len);

/* Makes what waits urgent: HASTE_NOW. */
void intake_hurry(struct intake *in);

/* false if LIMIT_INTAKE is reached; the sink is then remembered for intake_release. */
bool intake_has_room(struct intake *in, struct commit_sink *sink);

/* With the lock held: swaps the queue for `empty`, whose memory is used again. */
void intake_swap(struct intake *in, struct intake_records *empty);

/* n bytes have been answered. Returns the sinks for which there is room again, linked by next_starved; they are no
 * longer marked as starved. */
struct commit_sink *intake_release(struct intake *in, size_t n);

#endif

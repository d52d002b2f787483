#ifndef MUSTER_NODES_NODES_FIXTURE_H
#define MUSTER_NODES_NODES_FIXTURE_H

#include <stdatomic.h>

#include "commit/committer.h"

/* What the committer of a node has answered a test. */
struct answer {
    struct commit_sink sink;
    _Atomic int count;
    _Atomic enum mu_err err; /* the last one */
};

static inline void answer_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    struct answer *answer = (struct answer *)sink;

    (void)owner;
    (void)tag;
    atomic_store(&answer->err, err);
    atomic_fetch_add(&answer->count, 1);
}

static inline void answer_flush(struct commit_sink *sink)
{
    (void)sink;
}

#define ANSWER_SINK ((struct commit_sink){ .done = answer_done, .flush = answer_flush })

#endif

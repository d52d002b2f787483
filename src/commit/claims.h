#ifndef MUSTER_COMMIT_CLAIMS_H
#define MUSTER_COMMIT_CLAIMS_H

#include "commit/batch.h"
#include "commit/refresh.h"

/* Which devices' sessions this node may begin, where several nodes share a journal. Before a batch is filled, the
 * devices of its logins are claimed in the store: what is on record of them comes into the fleet, and until the commit
 * nobody else writes it. A login whose device another living node holds waits here; that node is asked to end the
 * session. The committer's thread. */
struct claims {
    struct batch *batch;
    const struct commit_nodes *nodes; /* NULL: there are no other nodes, and nothing here does anything */
    uint32_t *wanted, *claimed;       /* ascending */
    size_t wanted_count, claimed_count;
    bool behind; /* a state is written under a definition that the fleet does not know */
    uint32_t wanted_cap, claimed_cap;
    uint32_t *followed; /* of the claimed ones: their state may not count their last messages */
    size_t followed_count;
    uint32_t followed_cap;
    struct refresh unseen; /* devices with messages that the fleet does not show yet, and perhaps with events */
    struct claims_holder {
        uint32_t device;
        uint64_t boot, login; /* it holds the session since its session record of that number */
    } * held;                 /* ascending */
    size_t held_count;
    uint32_t held_cap;

    struct claims_waiting {
        struct claims_holder holder; /* boot 0: somebody is claiming the device */
        struct intake_record *rec;   /* its ts_us is when it began to wait */
        int64_t ask_ms;              /* when the store is asked again, whatever the fleet shows; monotonic */
    } * waiting;
    _Atomic uint32_t waiting_count; /* other threads read it */
    uint32_t waiting_cap;
    unsigned ask_after_ms;
    int64_t look_ms;             /* when they are looked at again, if any wait; monotonic */
    struct intake_records again; /* those that go into the next batch */
};

typedef void (*claims_tell)(void *ctx, struct intake_record *rec, enum mu_err err);

void claims_free(struct claims *c);

/* Claims the devices of the logins in `r` from `at` on. If it is `behind` afterwards, the fleet is to follow the
 * registry, and the batch to be dropped and claimed for again. Returns the journal's errors, or MU_E_NOMEM. */
MU_MUST_USE enum mu_err claims_take(struct claims *c, const struct intake_records *r, size_t at);

enum claims_answer {
    CLAIMS_GO_ON, /* add the record to the batch */
    CLAIMS_WAITS, /* it waits here; its sender is told later */
    CLAIMS_LATER, /* the batch ends before it */
};
/* Whether a record can be added to the batch. */
enum claims_answer claims_admit(struct claims *c, struct intake_record *rec);

/* Looks at the logins that wait, if it is time to. Those that are to be tried again come before the records of `to`: an
 * end that came meanwhile must find its login. They are those whose holder's session has ended, as the fleet shows; and
 * all of them once a second. Those whose time is over, or for which there is no memory, are answered by `tell`. Returns
 * how many bytes came. */
size_t claims_resume(struct claims *c, struct intake_records *to, int64_t now_ms, claims_tell tell, void *ctx);
/* A session has ended before its login was on record. */
void claims_drop(struct claims *c, uint32_t device, claims_tell tell, void *ctx);

#endif

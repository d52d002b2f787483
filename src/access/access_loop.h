#ifndef MUSTER_ACCESS_ACCESS_LOOP_H
#define MUSTER_ACCESS_ACCESS_LOOP_H

#include "access/access_private.h"
#include "access/session_slab.h"
#include "base/buf.h"
#include "net/conn.h"

struct session;

/* What one loop has: its sessions, and the sink through which the committer answers it. Loop thread, unless noted. */

/* A mail that exists from the start, so that sending it needs no memory. Allocated by itself, since it may still lie
 * in the loop's mailbox when the loop has ended. */
struct access_note {
    struct mail mail;
    struct access_loop *home;
    atomic_bool posted;
};

struct empty_mail {
    struct mail mail;
    struct access_loop *home;
    enum end_reason reason;
};

struct access_loop {
    struct commit_sink sink; /* first: its functions get a pointer to it */
    struct access *access;
    struct loop *loop;
    struct conn_owner conns; /* of its sessions */
    struct access_counters counters;

    struct session_slab sessions;

    /* Sessions that may not be read from until the committer has room again. */
    struct session *paused;
    bool starving;
    atomic_bool wants_room;

    struct acks *gathered; /* the committer's thread: for the next flush */
    atomic_bool acks_lost; /* an acknowledgement found no memory: the sessions that wait for one must end */
    bool hurried;          /* this round: devices wait for a commit */
    struct loop_hook round;
    struct access_note *note;
    struct empty_mail empty;
    unsigned leaving; /* sessions that stay for their acknowledgements */
    bool emptying;    /* access_shutdown waits for these */

    struct buf scratch; /* for building one write */
    struct log_limit log_limit;
};

MU_MUST_USE enum mu_err access_loop_create(struct access_loop **out, struct access *a, struct loop *loop);
/* After the loop has ended; closes what connections are left. */
void access_loop_destroy(struct access_loop *home);

/* May s hand a message over now? If not, it is paused and goes on by itself; without memory it has ended. */
bool access_loop_has_room(struct access_loop *home, struct session *s);
/* s ends while it waits. */
void access_loop_unpause(struct access_loop *home, struct session *s);
/* Any thread: the loop looks at acks_lost and wants_room soon. */
void access_loop_notify(struct access_loop *home);
/* A session begins to leave, and has left. */
void access_loop_leaves(struct access_loop *home);
void access_loop_left(struct access_loop *home);
/* Ends all sessions and connections, and when the last has left tells access_shutdown. Any thread. */
void access_loop_post_empty(struct access_loop *home, enum end_reason reason);

/* Limits log lines that anybody on the network can cause: true if this one may be written. *suppressed = how many
 * were left out before it. */
bool access_loop_may_log(struct access_loop *home, uint32_t *suppressed);

#endif

#ifndef MUSTER_COMMIT_COMMITTER_H
#define MUSTER_COMMIT_COMMITTER_H

#include "base/latency.h"
#include "fleet/fleet.h"
#include "commit/watch.h"
#include "journal/journal.h"
#include "model/calendar.h"
#include "registry/registry.h"

/* The committer: the one thread that makes everything that devices do durable and then visible. It takes all that
 * waits, decodes reports by their definition, writes one synced journal batch, applies it to the fleet, and only then
 * tells the senders. Then it lets reports gather for some milliseconds (committer_rest.c), unless a sender hurries.
 * Batches grow with the load.
 *
 * Order: records that are handed over in a certain order (by one thread, or by several that synchronize) are committed
 * and acknowledged in that order. */
struct committer;

struct committer_options {
    struct fleet *fleet;
    struct registry *registry;
    struct journal *journal;
    const struct calendar *calendar; /* activity is counted in its days */
    struct watch *watch;             /* is told what has been committed; NULL = nobody is */
    unsigned activity_days;          /* how long activity and events are kept; 0: the default, 400 */
    unsigned retry_ms;               /* time to the next try after a failed commit; 0: the default, 1000 */
    unsigned alive_ms;               /* longest time without a commit; 0: the default, 5000 */
    unsigned ask_ms; /* how often the store is asked for a login that waits for another node; 0: the default, 1000 */
    /* The least time from one commit to the next. told_pause_ms: for records whose sender waits to be told.
     * kept_pause_ms: for records that are only kept; not less than the former. 0: the defaults, 4 and 20. */
    unsigned told_pause_ms, kept_pause_ms;
    const struct commit_nodes *nodes; /* the other nodes of a shared journal; NULL: this process is alone */
};

/* What the committer tells and asks the cluster (nodes/nodes.h). All but the last on the committer's thread; they never block. */
struct commit_nodes {
    void *ctx;
    void (*committed)(void *ctx, uint64_t delta); /* what others must follow is on record: that delta of this start */
    /* A login waits until that start has ended the device's session, which began with its session record number `login`. It
     * is told again until this is so. */
    void (*held)(void *ctx, uint32_t device, uint64_t boot, uint64_t login);
    /* What is done once for all nodes, this one does (retention.h). */
    bool (*keeps_house)(void *ctx);
    /* Another node has declared this one over: its devices' sessions have ended, and every commit fails from now on. */
    void (*over)(void *ctx);
    /* Returns when all nodes show this change of the registry. On the thread that called committer_follow_registry. */
    void (*wait_until_followed)(void *ctx, uint64_t change);
};

/* Rebuilds the fleet from registry and journal (rebuild.h), then starts the thread. Returns the errors of both. */
MU_MUST_USE enum mu_err committer_start(struct committer **out, const struct committer_options *options);
/* Commits all that waits, then ends the thread. No other thread may hand anything over any more. c may be NULL. */
void committer_stop(struct committer *c);

/* --- being told ------------------------------------------------------------------------------------
 * A sender embeds a sink. done() is called on the committer's thread, in order, for each item that was handed over with
 * a tag other than 0. flush() is called after the last done() of a batch, and whenever there is room again after
 * committer_has_room said no. Neither may block. A sink must live until its last done() has come, and until
 * committer_stop if it ever asked for room.
 *
 * MU_OK: durable, and visible in the fleet. MU_E_NOT_FOUND: the device has been deleted. MU_E_LIMIT: its payload is
 * larger than LIMIT_MQTT_PACKET. MU_E_FULL, MU_E_IO, MU_E_NOMEM …: it is not kept. After a failed commit everything
 * that comes in gets that error until a commit succeeds again, which is tried once a second. */
struct commit_sink {
    void (*done)(struct commit_sink *s, uint64_t owner, uint64_t tag, enum mu_err err);
    void (*flush)(struct commit_sink *s);
    struct commit_sink *next_listed, *next_starved; /* from here on for the committer only */
    bool listed, starved;
};

/* false: too much is waiting. Stop reading from devices until flush() is called. */
bool committer_has_room(struct committer *c, struct commit_sink *sink);
/* The error of the last commit; MU_OK: it succeeded. While it is MU_E_FULL, logins are refused. MU_E_TIMEOUT: a commit
 * has not ended for five seconds. */
enum mu_err committer_failing(const struct committer *c);

/* --- what devices do (never blocks; copies its arguments) ------------------------------------------
 * If memory runs out, done() says MU_E_NOMEM. */

/* What the committer hands back to a sender: done() of the sink is called with owner and tag. */
struct commit_item {
    struct commit_sink *sink; /* may be NULL if tag is 0 */
    uint64_t owner, tag;
    uint32_t device;
    int64_t ts_us; /* moment of a login, a report or a control */
};

/* What the online log adds to the keepalive that a device announced (contract, endpoint 8). */
#define COMMIT_KEEP_ALIVE_MORE 5

/* A login. The device waits for its outcome: MU_OK, it is on record, and the fleet shows the device as online. With any
 * other it is not on record and never will be. Logins share commits as reports do that wait for an acknowledgement.
 * A device has one session at a time: the end of the one before is handed over before the login. */
struct commit_login {
    uint64_t session;    /* greater than that of any earlier login of the device */
    bool takeover;       /* it took over from a live session */
    uint32_t keep_alive; /* the announced seconds + COMMIT_KEEP_ALIVE_MORE */
    struct ip_addr peer;
};
void committer_login(struct committer *c, const struct commit_item *item, const struct commit_login *login);

struct commit_end {
    uint32_t device;
    uint64_t session;
    int64_t ts_us;
    uint32_t duration; /* seconds */
    enum end_reason reason;
    struct heartbeat heartbeat;
};
/* If a commit fails, the end is kept and tried again. The end of a session whose login is not on record leaves nothing:
 * a session may end before it knows what became of its login. */
void committer_end(struct committer *c, const struct commit_end *end);

/* Anything that a device published on dev2app: kept as it came, and decoded if it is a report. */
void committer_report(struct committer *c, const struct commit_item *item, const uint8_t *payload, size_t len);

/* The caller can do nothing until the records that it handed over are committed: they are then committed without
 * waiting for more. Controls, versions and histories need no such call. */
void committer_hurry(struct committer *c);

/* A frame that was written to a device. */
void committer_control(struct committer *c, const struct commit_item *item, uint32_t enterprise, uint64_t request,
                       const uint8_t *payload, size_t len);

/* A control that did not reach its device, for the audit log. Ids are cut at their usual length. Nobody waits for it: a
 * crash in the next moments loses it. */
void committer_refused_control(struct committer *c, const struct journal_control *control);
/* Versions that a device told; "" leaves that version unchanged. */
void committer_versions(struct committer *c, const struct commit_item *item, const struct journal_versions *versions);

/* What a device did before it came here, told by its operator. It never overrides what the device has shown here: the
 * earlier activation counts, the later login and report, the device's own versions. */
struct commit_history {
    int64_t activated_at, online_latest, last_report; /* Unix seconds; 0 = not known */
    struct journal_versions versions;
};
/* days: civil days on which it was active. */
void committer_history(struct committer *c, const struct commit_item *item, const struct commit_history *history,
                       const int32_t *days, size_t day_count);

/* Keeps nothing: done() comes in its turn, after everything that was handed over before, whatever became of that. Its
 * error can only be MU_E_NOMEM. */
void committer_pass(struct committer *c, const struct commit_item *item);

/* --- what people configure ------------------------------------------------------------------- */
/* Call it after a registry write: it returns when the fleet shows the change, so that a caller reads its own writes.
 * Blocks (for the time of a commit); not on a loop, nor on the committer's thread. */
MU_MUST_USE enum mu_err committer_follow_registry(struct committer *c);

/* The same for this node alone, which another one has asked. */
MU_MUST_USE enum mu_err committer_look_at_registry(struct committer *c);
/* The last change of the registry that the fleet shows. Any thread. */
uint64_t committer_followed(const struct committer *c);

/* When the last commit succeeded; monotonic. Any thread. */
int64_t committer_committed_ms(const struct committer *c);
/* The fleet has followed another node: it may have ended a session for which a login waits. On the committer's thread
 * (committer_pause). */
void committer_look_at_held(struct committer *c);

/* --- between two batches -------------------------------------------------------------------------- */
/* Runs fn on the committer's thread at a moment when all that has been committed is in the journal and in the fleet,
 * and nothing is half done. Returns when fn has run. Blocks (for the time of a commit, and of fn); not on a loop, nor
 * on the committer's thread. Devices wait for fn, so it must be short. */
void committer_pause(struct committer *c, void (*fn)(void *ctx), void *ctx);

/* --- figures for /metrics -------------------------------------------------------------------- */
struct committer_figures {
    /* What has been committed. messages: everything from devices. Of these: decoded; undecoded (malformed, or not what
     * the definition says); echoes (an empty P0); all others are passed through. bytes: of payload, in both
     * directions. */
    uint64_t messages, decoded, undecoded, echoes, controls, bytes;
    uint64_t commits, commit_failures;                     /* those that held records */
    uint64_t dropped_disk_full, dropped_io, dropped_nomem; /* reports, controls, versions */
    struct latency latency; /* of those commits, from taking the first record until it is visible */
    uint64_t waiting_bytes;
    uint64_t waiting_logins; /* for another node, which still holds the session */
};
void committer_get_figures(struct committer *c, struct committer_figures *out);

#endif

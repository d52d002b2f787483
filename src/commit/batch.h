#ifndef MUSTER_COMMIT_BATCH_H
#define MUSTER_COMMIT_BATCH_H

#include "fleet/fleet_apply.h"
#include "commit/intake.h"
#include "commit/lagging.h"
#include "commit/undecoded_log.h"
#include "journal/journal_nodes.h"

/* One commit in the making. Records are added one by one and become journal records. The devices that they touch are
 * kept here as they will be after the commit; the fleet shows them only when they are durable. Adding a record usually
 * needs no allocation, since each batch uses the memory of the one before. The committer's thread. */

struct pending {
    uint32_t device;
    uint32_t versions; /* 1 + index in `versions`; 0 = unchanged */
    uint32_t events;   /* 1 + index in `events` of the device's last one; 0 = none */
    bool changed;      /* progress or image has changed; false: only looked at */
    bool kept;         /* its state is written, since it does not all follow from its messages */
    bool due;          /* its state is written, since it is at the front of the lagging devices */
    bool enters;       /* its state lags from now on */
    bool has_image;    /* a copy of the image is in `images` */
    bool redefined;    /* the image is written under another definition than the fleet's */
    bool elsewhere;    /* another node may write its records: only what it merges is written here */
    size_t image, image_len;
    const struct fleet_definition *definition; /* of that image */
    const struct fleet_product *product;
    int64_t before_us; /* of its last message before this batch */
    struct fleet_progress progress;
};

/* A fault or alert event that this batch opens or resolves. */
struct pending_event {
    struct fleet_event event;
    uint32_t older; /* the device's event before it, counted as pending.events */
};

/* Versions of a device that this batch changes. */
struct pending_versions {
    struct journal_versions now;
    bool told[VERSION_COUNT], heard[VERSION_COUNT]; /* which of them: by the device itself, or of its past */
};

/* A day on which a device was active, as this batch finds. */
struct pending_active {
    uint32_t device;
    int32_t day;
};

/* A session whose end a login waits for. */
struct pending_wanted {
    uint32_t device;
    uint64_t boot;  /* that holds it */
    uint64_t login; /* number of the session record with which it began */
};

struct batch {
    struct fleet *fleet;
    struct journal *journal;
    const struct calendar *calendar;
    uint64_t boot;
    struct journal_batch *writes;

    struct pending *pending;
    uint32_t count, cap;
    uint32_t *slots; /* 1 + index of pending; a power of two, at most half full */
    uint32_t slot_mask;
    struct buf images;
    struct pending_versions *versions;
    uint32_t version_count, version_cap;
    struct pending_event *events;
    uint32_t event_count, event_cap;
    struct pending_active *active;
    uint32_t active_count, active_cap;
    struct pending_wanted *wanted;
    uint32_t wanted_count, wanted_cap;

    bool shared;                      /* there are other nodes */
    bool reading;                     /* a start catches up: all devices are shown, and nothing is written */
    const struct commit_nodes *nodes; /* whom to tell of deltas */
    const uint32_t *claimed;          /* devices that this batch has claimed, ascending */
    size_t claimed_count;
    uint64_t registry; /* the last change of the registry that the fleet shows */
    struct buf delta;  /* for the others (fleet/delta.h) */

    struct lagging lagging;
    int64_t followed_us; /* no message later than this is missing from a state */
    bool settling;       /* no state may lag after the commit */
    size_t records, messages;
    int64_t latest_us; /* the latest moment of the records */
    int64_t newest_us; /* the latest moment of the messages */
    enum mu_err err;   /* MU_E_NOMEM: the batch cannot be committed */
    struct committer_figures tally;
    struct undecoded_log undecoded;

    struct watch *watch; /* NULL = nobody watches */
    struct buf told;     /* what the watchers will be told after the commit (watch.h) */
    uint64_t told_lost;  /* how many of these found no memory */

    int64_t day_from, day_to; /* the seconds of `day`; the calendar is asked once a day and not per message */
    int32_t day;
};

MU_MUST_USE enum mu_err batch_init(struct batch *b, const struct committer_options *options);
void batch_free(struct batch *b);

/* False if the next record belongs into another batch. Either this one is full (LIMIT_BATCH), or the clock has been set
 * back since (CLOCK_STEP_US), so that this one must be committed first (journal_batch_turn). */
bool batch_takes(const struct batch *b, const struct intake_record *next);

/* rec->err becomes MU_OK, or the record leaves nothing in the batch: MU_E_NOT_FOUND, MU_E_LIMIT (too large for a
 * record), MU_E_NOMEM for a refused one. */
void batch_add(struct batch *b, struct intake_record *rec);

/* The device goes on from this state, of which the fleet shows nothing before the commit: it may show a later one. The batch
 * has claimed the device, and nothing else of it is in the batch. */
void batch_replay_from(struct batch *b, uint32_t device, const struct journal_state *s);
/* A message that the journal has and the device's state does not count (catch_up.h). Does what batch_add did when the
 * message came, except that it is not written again. */
void batch_replay(struct batch *b, uint32_t device, const struct journal_message *m);
/* After the device's last message: writes the state, and whatever must agree with it and does not. */
void batch_reconcile(struct batch *b, uint32_t device);

/* Commits, shows the changes in the fleet, and empties the batch in any case. `tally` stays until the next batch_add.
 * An empty batch is committed too: it notes that we are alive. */
MU_MUST_USE enum mu_err batch_commit(struct batch *b, int64_t now_us);
/* Commits until no device's state lags. */
MU_MUST_USE enum mu_err batch_settle(struct batch *b, int64_t now_us);
/* Empties the batch without a commit: its claims failed. */
void batch_drop(struct batch *b);
/* Shows the changes in the fleet and writes nothing: for a caller that may not write. */
void batch_show(struct batch *b);

/* The progress as the journal keeps it, without the image. */
struct journal_state batch_state(const struct fleet_progress *g);

/* For the files that implement batch_add: the device as this batch leaves it so far. NULL: unknown device, or no memory
 * (`err` is set then). The pointer is valid until the next call. */
struct pending *batch_pending(struct batch *b, uint32_t device);
/* The civil day of a moment. */
int32_t batch_day(struct batch *b, int64_t unix_s);

/* The moment (µs) of a device's next record. It is later than the device's last record, unless the clock has been set
 * back. */
int64_t batch_moment(struct batch *b, uint32_t device, enum journal_list list, int64_t clock_us, int64_t last_us);

/* Empties the batch, except `tally`. */
void batch_clear(struct batch *b);

/* This node alone writes the device's records: it holds its session, or the batch has claimed it. */
bool batch_holds(const struct batch *b, uint32_t device);
/* Asks in the delta for the end of a session that another node holds. Without memory it is not asked for. */
void batch_want_end(struct batch *b, uint32_t device, uint64_t boot, uint64_t login);
/* batch_delta.c. Writes what others must follow of the batch; false: nothing. */
bool batch_write_delta(struct batch *b);
/* What this batch has heard of the past of a device that another node may hold. The rest is 0: the holder tells it, perhaps
 * by a clock that is set right later. */
struct fleet_progress batch_past(struct batch *b, const struct pending *p);
/* What the device's change is to other nodes. */
struct delta_entry;
void batch_delta_entry(struct batch *b, const struct pending *p, struct delta_entry *out);

/* batch_session.c, batch_message.c, batch_versions.c, batch_history.c, batch_event.c */
void batch_add_login(struct batch *b, struct pending *p, const struct intake_record *rec);
/* False: its login is not on record, so it leaves nothing. */
bool batch_add_end(struct batch *b, struct pending *p, const struct commit_end *end);
void batch_add_report(struct batch *b, struct pending *p, const struct intake_record *rec);
void batch_add_control(struct batch *b, struct pending *p, const struct intake_record *rec);
void batch_add_audit(struct batch *b, const struct intake_record *rec);
/* told: by the device itself; otherwise of its past, and only what is not known counts. */
void batch_add_versions(struct batch *b, struct pending *p, const struct journal_versions *v, bool told);
void batch_write_versions(struct batch *b, uint32_t device, const struct pending_versions *v);
void batch_add_history(struct batch *b, struct pending *p, const struct intake_record *rec);
/* batch_watch.c. Notes for the watchers a record that was added, or a refused control. events_before: event_count before
 * the record was added. */
void batch_watch(struct batch *b, const struct pending *p, const struct intake_record *rec, uint32_t events_before);
void batch_watch_refused(struct batch *b, const struct intake_record *rec);
/* Called after the commit, which ended with err: tells the watchers. */
void batch_tell(struct batch *b, enum mu_err err);
/* Called after a report has been decoded into the device's pending image. */
void batch_note_events(struct batch *b, struct pending *p, const struct fleet_definition *d);

#endif

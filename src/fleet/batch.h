#ifndef MUSTER_FLEET_BATCH_H
#define MUSTER_FLEET_BATCH_H

#include "fleet/fleet_apply.h"
#include "fleet/intake.h"
#include "fleet/lagging.h"
#include "fleet/undecoded_log.h"

/* One commit in the making. Records are added one by one; each becomes journal records, and the
 * devices it touches are kept here as they will be after the commit: the fleet shows them only
 * when they are durable. What a record needs is found without an allocation: all memory here is
 * used again by the next batch. The committer's thread. */

struct pending {
    uint32_t device;
    uint32_t versions; /* 1 + its index in `versions`; 0 = untouched */
    uint32_t events;   /* 1 + the index in `events` of its last one; 0 = none */
    bool changed;      /* progress or image; false: only looked at */
    bool kept;         /* its state is written, since not all of it follows from its messages */
    bool due;          /* its state is written, since it is at the front of those that lag */
    bool enters;       /* it lags from now on */
    bool has_image;    /* a copy of the image is in `images` */
    bool redefined;    /* it is written under another definition than the fleet's */
    size_t image, image_len;
    const struct fleet_definition *definition; /* of that image */
    const struct fleet_product *product;
    int64_t before_us; /* of its last message before this batch */
    struct fleet_progress progress;
};

/* A fault or alert that this batch opens, or resolves. */
struct pending_event {
    struct fleet_event event;
    uint32_t older; /* of the same device, as pending.events */
};

/* A day on which a device turns out to have been active. */
struct pending_active {
    uint32_t device;
    int32_t day;
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
    struct journal_versions *versions;
    uint32_t version_count, version_cap;
    struct pending_event *events;
    uint32_t event_count, event_cap;
    struct pending_active *active;
    uint32_t active_count, active_cap;

    struct lagging lagging;
    int64_t followed_us; /* no message that a state does not count is later */
    bool settling;       /* nothing is to lag after the commit */
    size_t records, messages;
    int64_t latest_us; /* of their moments */
    int64_t newest_us; /* of the messages' */
    enum mu_err err;   /* the batch cannot be committed: MU_E_NOMEM */
    struct committer_figures tally;
    struct undecoded_log undecoded;

    struct watch *watch; /* NULL = nobody is told */
    struct buf told;     /* what is to be told when it is committed (watch.h) */
    uint64_t told_lost;  /* for which there was no memory */

    int64_t day_from, day_to; /* the seconds of `day`, cut by the calendar once and not per message */
    int32_t day;
};

MU_MUST_USE enum mu_err batch_init(struct batch *b, const struct committer_options *options);
void batch_free(struct batch *b);

/* False if the next record belongs into another batch: this one is full (LIMIT_BATCH), or the clock has been
 * set back since (CLOCK_STEP_US), so that what it has must be committed before (journal_batch_turn). */
bool batch_takes(const struct batch *b, const struct intake_record *next);

/* rec->err becomes MU_OK, or nothing of it stays: MU_E_NOT_FOUND, MU_E_LIMIT (too large for a record),
 * MU_E_NOMEM for a refused one. */
void batch_add(struct batch *b, struct intake_record *rec);

/* A message that the journal has and the device's state does not count (catch_up.h): as batch_add did with it when it
 * came, but that it is there already. */
void batch_replay(struct batch *b, uint32_t device, const struct journal_message *m);
/* After the last one: writes the state, and what must agree with it and does not. */
void batch_reconcile(struct batch *b, uint32_t device);

/* Commits, shows it in the fleet, and empties the batch whatever happened; `tally` stays until the
 * next batch_add. An empty batch is committed too: it notes that we are alive. */
MU_MUST_USE enum mu_err batch_commit(struct batch *b, int64_t now_us);
/* Commits until no device's state lags. */
MU_MUST_USE enum mu_err batch_settle(struct batch *b, int64_t now_us);
/* Shows it in the fleet and writes nothing: for who may not. */
void batch_show(struct batch *b);

/* As the journal keeps it, without the image. */
struct journal_state batch_state(const struct fleet_progress *g);

/* For the files that implement batch_add: the device as this batch leaves it so far. NULL: unknown,
 * or no memory (`err` is set then). Lives until the next call. */
struct pending *batch_pending(struct batch *b, uint32_t device);
/* The civil day of a moment. */
int32_t batch_day(struct batch *b, int64_t unix_s);

/* The moment of a device's next record. It is later than that of the last one, except where the clock has been
 * set right. */
int64_t batch_moment(struct batch *b, uint32_t device, enum journal_list list, int64_t clock_us, int64_t last_us);

/* Empties it, but for `tally`. */
void batch_clear(struct batch *b);

/* batch_session.c, batch_message.c, batch_history.c, batch_event.c */
void batch_add_login(struct batch *b, struct pending *p, const struct commit_login *login);
void batch_add_end(struct batch *b, struct pending *p, const struct commit_end *end);
void batch_add_report(struct batch *b, struct pending *p, const struct intake_record *rec);
void batch_add_control(struct batch *b, struct pending *p, const struct intake_record *rec);
void batch_add_audit(struct batch *b, const struct intake_record *rec);
void batch_add_versions(struct batch *b, struct pending *p, const struct journal_versions *told);
/* Those of the device as this batch leaves it so far. */
void batch_versions(struct batch *b, const struct pending *p, struct journal_versions *out);
void batch_add_history(struct batch *b, struct pending *p, const struct intake_record *rec);
/* batch_watch.c. Notes what a record that was added, or a refused control, is for those who watch; events_before:
 * event_count before it was added. */
void batch_watch(struct batch *b, const struct pending *p, const struct intake_record *rec, uint32_t events_before);
void batch_watch_refused(struct batch *b, const struct intake_record *rec);
/* After the commit, which ended with err: tells it. */
void batch_tell(struct batch *b, enum mu_err err);
/* After a report has been decoded into the device's pending image. */
void batch_note_events(struct batch *b, struct pending *p, const struct fleet_definition *d);

#endif

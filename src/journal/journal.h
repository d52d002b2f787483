#ifndef MUSTER_JOURNAL_JOURNAL_H
#define MUSTER_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/findings.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/session_record.h"

/* The journal (port): what devices do. It is large, mostly appended to, and expires. Two stores implement it: RocksDB in
 * a data directory (rocks_journal.h) and PostgreSQL (postgres_journal.h); each has an opening of its own, which says what
 * only it can do. This header does not depend on either. All of them, and the fake one of the tests, pass one suite,
 * conformance.h.
 *
 * A device is its registry number. Timestamps are microseconds UTC. The committer makes the timestamps of one device's
 * messages strictly increase, and those of its session records too, except at a *turn*: where the clock was ahead and
 * has been set right. Running numbers count a device's records from 1 on, for ever. With them the total of a window is
 * a subtraction, unless the window has a turn.
 *
 * Calls may take milliseconds and may fail (MU_E_FULL, MU_E_IO, MU_E_CORRUPT); none may run on an event loop. Reading:
 * any thread. Writing: one thread, the committer. */
struct journal;

/* The process has been told to end. Where a commit waits for minutes until the store says what became of it, it waits for some
 * seconds from now on; then the process ends at once. NULL is allowed. Any thread. */
void journal_end_soon(struct journal *j);
/* Nobody uses it any more. NULL is allowed. */
void journal_close(struct journal *j);

struct journal_boot {
    uint64_t number; /* of this start, from 1 on; a later start has a higher one */
};
struct journal_boot journal_boot(const struct journal *j);
/* Is that start over, and since when? *since_us: the last moment at which it is known to have been alive, 0 if that is
 * not known. Sessions that were open then ended at that moment. The present start is not over; one that the store does
 * not know is. Any thread. */
bool journal_boot_is_over(struct journal *j, uint64_t boot, int64_t *since_us);
/* Notes how far the registry is, for a store that can be put back to an earlier moment without the registry, or the
 * registry without it: its next opening compares. It is on disk with the next commit. Same thread as journal_commit. */
void journal_note_registry(struct journal *j, uint64_t change, uint32_t device);

/* What journal_batch_followed noted last; INT64_MAX: not known. */
int64_t journal_followed_until_us(struct journal *j);

/* --- records --------------------------------------------------------------------------------------*/
enum message_kind { MESSAGE_DEV2APP, MESSAGE_APP2DEV };

struct journal_message {
    int64_t ts_us;
    enum message_kind kind;
    bool decoded;            /* a report that the definition could decode */
    uint32_t definition;     /* version it was written under; 0 = none */
    uint64_t number;         /* running number among all messages of the device */
    uint64_t decoded_number; /* of the last decoded message up to and including this one */
    uint32_t enterprise;     /* APP2DEV: who controlled */
    uint64_t request;        /* APP2DEV: the request id, as X-Request-Id shows it in 16 hex digits */
    const uint8_t *payload;  /* the whole frame as it came or went */
    size_t payload_len;      /* up to LIMIT_MQTT_PACKET; far beyond it the batch fails with MU_E_LIMIT */
};

struct journal_session {
    int64_t ts_us;
    bool end;                   /* false: a login */
    bool again;                 /* login: before the old session's end was seen (dev_re_online) */
    uint64_t number;            /* running number among the device's session records */
    uint32_t keep_alive;        /* login: announced keepalive + 5, seconds */
    uint64_t boot;              /* login: the start it happened in */
    uint32_t duration;          /* end: seconds */
    enum end_reason reason;     /* end */
    struct heartbeat heartbeat; /* end */
};

/* What is known of a device: one state per device, replaced in the batch of the records that change it. A state may lag:
 * then `followed` is set, and the device may have messages after last_ts_us, with numbers above `messages`, that the
 * state does not contain yet. */
struct journal_state {
    int64_t last_ts_us;                   /* newest message */
    int64_t last_session_us;              /* newest session record */
    uint64_t messages, decoded, sessions; /* running numbers so far */
    int64_t activated_at;                 /* Unix seconds of the first login; 0 = never */
    int64_t online_latest;                /* Unix seconds of the last login; 0 = never */
    int64_t last_report;                  /* Unix seconds of the last report; 0 = never */
    int32_t active_day;                   /* the last civil day that has its activity entry */
    uint64_t session_boot;                /* the start in which a session was opened and not yet ended; 0 = none */
    uint32_t definition;                  /* version that `image` is written under; 0 = no image */
    bool numbers_reports;                 /* its last report had a serial number (0x0093) */
    bool followed;                        /* there may be messages that it does not contain */
    const uint8_t *image;                 /* datapoint state; in a visit: valid during the call */
    size_t image_len;
};

enum { VERSION_MCU_HARD, VERSION_MCU_SOFT, VERSION_WIFI_HARD, VERSION_WIFI_SOFT, VERSION_COUNT };
struct journal_versions {
    char text[VERSION_COUNT][LIMIT_VERSION + 1]; /* "" = not known */
};

/* A fault or alert datapoint that went to 1, and later back to 0. Device, moment, kind and name together identify it. It
 * carries the name, so that it can be read after the definition has changed. */
struct journal_event {
    int64_t opened_us;   /* that of the message that reported it */
    int64_t resolved_us; /* 0 = it is open */
    bool alert;          /* else a fault */
    uint32_t definition; /* version it was opened under */
    struct str name;     /* of the datapoint; in a visit: valid during the call */
};

/* A control: what an enterprise asked of a device, and the outcome. This part of the audit log is in the journal, since
 * it grows with what devices do. Moment and request together identify it. It carries the ids, so that it can be read
 * after device and enterprise are gone. */
#define JOURNAL_CONTROL_FRAME 64 /* bytes that are kept of a frame; the largest seen in the field has 60 */
struct journal_control {
    int64_t ts_us;
    uint64_t request;              /* the request id */
    struct str enterprise_id, did; /* up to 255 bytes; in a visit: valid during the call */
    uint32_t error;                /* the error code that was answered; 0 = it was written to the device */
    bool last;                     /* refused; further refusals of this hour are not kept */
    const uint8_t *frame;          /* its beginning */
    size_t frame_len;              /* of the whole; 0 = none was made */
};

/* --- writing: many records, one durable step --------------------------------------------------------*/
struct journal_batch;
MU_MUST_USE enum mu_err journal_batch_create(struct journal_batch **out, struct journal *j);
void journal_batch_destroy(struct journal_batch *b);
void journal_batch_clear(struct journal_batch *b);
size_t journal_batch_bytes(const struct journal_batch *b);

/* Copy what they are given. A record older than the retention is silently left out. */
void journal_batch_message(struct journal_batch *b, uint32_t device, const struct journal_message *m);
void journal_batch_session(struct journal_batch *b, uint32_t device, const struct journal_session *s);
/* A turn: a device's messages, or its session records, go on at from_us, which is before the last of them, last_us. Call
 * it before the record itself is added. The batch may hold nothing of this device and list after from_us, except one
 * record of last_us. Windows that contain a turn are counted record by record. */
enum journal_list { LIST_MESSAGES, LIST_SESSIONS };
void journal_batch_turn(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us,
                        int64_t last_us);
void journal_batch_state(struct journal_batch *b, uint32_t device, const struct journal_state *s);
/* No message that a state does not contain (journal_state.followed) is later than this. */
void journal_batch_followed(struct journal_batch *b, int64_t until_us);
void journal_batch_versions(struct journal_batch *b, uint32_t device, const struct journal_versions *v);
/* The device was active on that civil day. */
void journal_batch_active(struct journal_batch *b, int32_t day, uint32_t device);
/* All devices that were active on that day as one set, in bytes whose form only the caller knows. It replaces the day's
 * single entries and an earlier set. NULL: nothing is known of the day any more. */
void journal_batch_active_set(struct journal_batch *b, int32_t day, const void *set, size_t len);
/* Adds an event, or replaces the one of the same device, moment, kind and name. */
void journal_batch_event(struct journal_batch *b, uint32_t device, const struct journal_event *e);
void journal_batch_forget_event(struct journal_batch *b, uint32_t device, const struct journal_event *e);
/* The device's state and versions, if there are any, and what is known of turns. The batch holds nothing of the device
 * before it. */
void journal_batch_forget_device(struct journal_batch *b, uint32_t device);

void journal_batch_control(struct journal_batch *b, const struct journal_control *c);
/* All controls before a moment. */
void journal_batch_forget_controls(struct journal_batch *b, int64_t before_us);
/* On MU_OK the whole batch is durable; after a crash it is there completely or not at all. `alive_us` is noted as the
 * last moment at which this start was alive. The batch is empty afterwards, whatever the outcome. On MU_E_FULL, MU_E_LIMIT
 * and MU_E_NOMEM nothing of it is stored, the journal stays readable, and the next commit may succeed. After MU_E_IO and
 * MU_E_CORRUPT a later commit that succeeds proves that nothing of the batch was stored. If the batch is found after all
 * (it was written, but what confirms it failed), or if this cannot be found out, the process ends with status 1: only a
 * new start, which reads what there is, can go on. MU_E_OVER: the store has declared this start over. Nothing was
 * stored, and no later commit will succeed. */
MU_MUST_USE enum mu_err journal_commit(struct journal *j, struct journal_batch *b, int64_t alive_us);

/* Drops messages and session records that are past retention, also on a full disk, and prepares for the records of today
 * and tomorrow. Call it at the start, whenever the UTC day changes (or every hour: it is cheap), and after an error.
 * Same thread as journal_commit. */
MU_MUST_USE enum mu_err journal_roll(struct journal *j, int64_t now_us);
/* The moment by which the last roll dropped records, and by which other things should expire too: its now_us, or an
 * earlier moment while the clock seems to have jumped. Same thread. */
int64_t journal_expiry_us(const struct journal *j);

/* --- reading ----------------------------------------------------------------------------------------*/
struct journal_visitor {
    void *ctx;
    enum mu_err (*state)(void *ctx, uint32_t device, const struct journal_state *s);
    enum mu_err (*versions)(void *ctx, uint32_t device, const struct journal_versions *v);
    enum mu_err (*active)(void *ctx, int32_t day, uint32_t device);
    enum mu_err (*active_set)(void *ctx, int32_t day, const void *set, size_t len);
    enum mu_err (*event)(void *ctx, uint32_t device, const struct journal_event *e);
};
/* Visits every device's state and versions, in the order of devices, the state first; then activity by day, a day's set
 * before its single entries; then events in the order in which they were opened. The fleet is rebuilt from this. A
 * function that is NULL is not called. An error of one ends the visit. None may call the journal. */
MU_MUST_USE enum mu_err journal_visit(struct journal *j, const struct journal_visitor *v);
/* The events that were opened from from_us on and before before_us, in that order. `row` may add to a batch, but not
 * commit it; its error ends the visit and is returned. */
typedef enum mu_err (*journal_event_fn)(void *ctx, uint32_t device, const struct journal_event *e);
MU_MUST_USE enum mu_err journal_events(struct journal *j, int64_t from_us, int64_t before_us, journal_event_fn row,
                                       void *ctx);

/* The controls after (after_us, after_request) and before before_us, the oldest first. `row` as above. */
typedef enum mu_err (*journal_control_fn)(void *ctx, const struct journal_control *c);
MU_MUST_USE enum mu_err journal_controls(struct journal *j, int64_t after_us, uint64_t after_request, int64_t before_us,
                                         journal_control_fn row, void *ctx);

struct journal_window {
    int64_t from_us, to_us; /* both included */
    bool newest_first;
    bool decoded_only; /* messages only */
    uint64_t skip, limit;
};
/* total = all records in the window, whatever skip and limit are; it is set before the first row. A row is valid during
 * its call, which must not call the journal. An error of `row` ends the page and is returned. A page costs a few seeks
 * and its rows, however much is skipped or stored; with a turn in the window, all its records are read twice. */
typedef enum mu_err (*journal_message_fn)(void *ctx, const struct journal_message *m);
typedef enum mu_err (*journal_session_fn)(void *ctx, const struct journal_session *s);
MU_MUST_USE enum mu_err journal_messages(struct journal *j, uint32_t device, const struct journal_window *w,
                                         journal_message_fn row, void *ctx, uint64_t *total);
MU_MUST_USE enum mu_err journal_sessions(struct journal *j, uint32_t device, const struct journal_window *w,
                                         journal_session_fn row, void *ctx, uint64_t *total);

/* The messages of many devices, each from its own moment on and none after to_us: device by device, of each the oldest
 * first. Rules as above. A store that is far away needs one round trip for many devices. */
struct journal_since {
    uint32_t device;
    int64_t from_us; /* included */
};
typedef enum mu_err (*journal_device_message_fn)(void *ctx, uint32_t device, const struct journal_message *m);
MU_MUST_USE enum mu_err journal_messages_since(struct journal *j, const struct journal_since *since, size_t count,
                                               int64_t to_us, journal_device_message_fn row, void *ctx);

/* --- checking ---------------------------------------------------------------------------------------*/
/* Reads the whole journal once, and so compares it with the checksums that the store keeps: states, versions, activity by day and events,
 * each in the order of journal_visit; then for each device its messages and its session records, oldest first. What
 * cannot be read, or is in a wrong place, is told as a mistake, and reading goes on behind it where that is possible. */
struct journal_reader {
    void *ctx;
    void (*state)(void *ctx, uint32_t device, const struct journal_state *s);
    void (*versions)(void *ctx, uint32_t device, const struct journal_versions *v);
    void (*active)(void *ctx, int32_t day, uint32_t device);
    void (*active_set)(void *ctx, int32_t day, const void *set, size_t len);
    void (*event)(void *ctx, uint32_t device, const struct journal_event *e);
    void (*message)(void *ctx, uint32_t device, const struct journal_message *m);
    void (*session)(void *ctx, uint32_t device, const struct journal_session *s);
};
/* Is there a turn between two moments? Then the records there may not be in the order of their numbers. */
bool journal_turned(struct journal *j, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us);
MU_MUST_USE enum mu_err journal_check(struct journal *j, const struct journal_reader *reader, const struct findings *f);

#endif

#ifndef MUSTER_COMMIT_WATCH_H
#define MUSTER_COMMIT_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "fleet/fleet.h"
#include "model/cidr.h"

/* Tells watchers (muster tail) what happens. The committer tells what it has committed, in that order and after its
 * senders have been answered. Access tells what no store keeps: refused logins, and registrations.
 *
 * While nobody watches, an event costs one relaxed load. Each watcher has a queue of LIMIT_WATCH_QUEUE bytes. An event
 * that finds no room there is counted and left out, so nobody ever waits for a watcher. */

enum watch_kind {
    WATCH_LOGIN,
    WATCH_END,
    WATCH_MESSAGE, /* from the device; body: the payload that it published on dev2app */
    WATCH_CONTROL, /* a control that was sent; body: the frame */
    WATCH_REFUSED_CONTROL,
    WATCH_POINT, /* a fault or an alert, raised or cleared */
    WATCH_REGISTRATION,
    WATCH_REFUSAL,
};

struct watch_event {
    uint32_t size; /* for watch.c only: includes the body; a multiple of 8 */
    uint32_t body_len;
    enum watch_kind kind;
    uint32_t device; /* 0 = not known */
    int64_t ts_us;
    /* NULL = not known. Pointers and texts of an event live as long as the fleet. */
    const struct fleet_product *product;
    char did[DID_LEN + 1];   /* "" = none was given */
    char mac[LIMIT_MAC + 1]; /* of WATCH_REGISTRATION and WATCH_REFUSAL; "" = none was given */
    struct ip_addr peer;     /* of WATCH_LOGIN, WATCH_REGISTRATION and WATCH_REFUSAL */
    /* Of WATCH_MESSAGE and WATCH_CONTROL: the definition in force; NULL = there was none. */
    const struct fleet_definition *definition;
    union {
        struct {
            bool takeover;
            uint32_t keep_alive; /* seconds that the device announced */
        } login;
        struct {
            enum end_reason reason;
            uint32_t seconds; /* how long the session lasted */
        } end;
        struct {
            uint32_t error; /* of WATCH_REFUSED_CONTROL: the error that answered the call */
            char enterprise_id[ID_HEX_LEN + 1];
        } control;
        struct {
            struct str name;
            bool alert, cleared;
        } point;
        const char *outcome; /* of WATCH_REGISTRATION: what the registration did */
        const char *reason;  /* of WATCH_REFUSAL */
    };
    _Alignas(8) uint8_t body[];
};

/* --- telling ------------------------------------------------------------------------------------------ */

/* The fields are for watch.c only; they stand here for watch_is_on. */
struct watch {
    _Atomic uint32_t watchers;
    pthread_mutex_t lock;
    struct watcher *first;
};
MU_MUST_USE enum mu_err watch_create(struct watch **out);
void watch_destroy(struct watch *w); /* nobody may watch any more; NULL is a no-op */

/* How many watchers there are. Any thread. */
static inline uint32_t watch_count(const struct watch *w)
{
    return atomic_load_explicit(&w->watchers, memory_order_relaxed);
}

/* Whether anybody watches. w may be NULL. */
static inline bool watch_is_on(const struct watch *w)
{
    return w && watch_count(w) != 0;
}

/* Appends an event to a run of events that are told later. false: no memory. */
bool watch_note(struct buf *events, const struct watch_event *e, const void *body, size_t body_len);
/* Tells all events of a run. lost: how many found no memory. Any thread. */
void watch_tell(struct watch *w, const struct buf *events, uint64_t lost);
/* Tells one event without a body. Any thread. */
void watch_tell_one(struct watch *w, const struct watch_event *e);

/* --- watching ------------------------------------------------------------------------------------------ */

struct watch_filter {
    const struct fleet_product *product; /* NULL = any */
    char did[DID_LEN + 1];               /* "" = any; otherwise events of this device, or of its mac in this product */
    char mac[LIMIT_MAC + 1];
};

struct watcher;
MU_MUST_USE enum mu_err watch_begin(struct watch *w, const struct watch_filter *filter, struct watcher **out);
void watch_end(struct watcher *r);
/* Puts the events since the last call into `events`, which is emptied before; the watcher then uses its old memory.
 * Returns how many events behind these were lost for lack of room. Never waits for long. */
uint64_t watch_take(struct watcher *r, struct buf *events);
/* The event at place *at of such a run; NULL at its end. *at moves on to the next event. */
const struct watch_event *watch_next(const struct buf *events, size_t *at);

#endif

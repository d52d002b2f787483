#ifndef MUSTER_FLEET_WATCH_H
#define MUSTER_FLEET_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "fleet/fleet.h"
#include "model/cidr.h"

/* What happens, told to those who watch (muster tail). The committer tells what it has committed, in that order and
 * after its senders have been answered; access tells what no store keeps: who was refused, who has registered.
 *
 * Where nobody watches, an event costs one relaxed load. Each watcher has a queue of LIMIT_WATCH_QUEUE bytes. What
 * finds no room there is counted and left out, so nobody ever waits for a watcher. */

enum watch_kind {
    WATCH_LOGIN,
    WATCH_END,
    WATCH_MESSAGE, /* from the device; body: what it published on dev2app */
    WATCH_CONTROL, /* that was sent; body: the frame */
    WATCH_REFUSED_CONTROL,
    WATCH_POINT, /* a fault or an alert, raised or cleared */
    WATCH_REGISTRATION,
    WATCH_REFUSAL,
};

struct watch_event {
    uint32_t size; /* watch.c's: with its body, a multiple of 8 */
    uint32_t body_len;
    enum watch_kind kind;
    uint32_t device; /* 0 = not known */
    int64_t ts_us;
    const struct fleet_product *product; /* NULL = not known; pointers and texts here live as long as the fleet */
    char did[DID_LEN + 1];               /* "" = none was given */
    char mac[LIMIT_MAC + 1];             /* of WATCH_REGISTRATION and WATCH_REFUSAL; "" = none was given */
    struct ip_addr peer;                 /* of those and WATCH_LOGIN */
    /* Of WATCH_MESSAGE and WATCH_CONTROL: the one in force; NULL = there was none. */
    const struct fleet_definition *definition;
    union {
        struct {
            bool takeover;
            uint32_t keep_alive; /* seconds that the device announced */
        } login;
        struct {
            enum end_reason reason;
            uint32_t seconds; /* that the session was */
        } end;
        struct {
            uint32_t error; /* of WATCH_REFUSED_CONTROL: what the call was answered with */
            char enterprise_id[ID_HEX_LEN + 1];
        } control;
        struct {
            struct str name;
            bool alert, cleared;
        } point;
        const char *outcome; /* of WATCH_REGISTRATION: what it was */
        const char *reason;  /* of WATCH_REFUSAL */
    };
    _Alignas(8) uint8_t body[];
};

/* --- telling ------------------------------------------------------------------------------------------ */

/* The fields are watch.c's; they stand here for watch_is_on. */
struct watch {
    _Atomic uint32_t watchers;
    pthread_mutex_t lock;
    struct watcher *first;
};
MU_MUST_USE enum mu_err watch_create(struct watch **out);
void watch_destroy(struct watch *w); /* nobody watches any more; NULL is a no-op */

/* How many watch. Any thread. */
static inline uint32_t watch_count(const struct watch *w)
{
    return atomic_load_explicit(&w->watchers, memory_order_relaxed);
}

/* Is there anybody to tell? w may be NULL. */
static inline bool watch_is_on(const struct watch *w)
{
    return w && watch_count(w) != 0;
}

/* Appends an event to those that are told later. false: no memory. */
bool watch_note(struct buf *events, const struct watch_event *e, const void *body, size_t body_len);
/* Tells all that were noted; lost: how many could not be. Any thread. */
void watch_tell(struct watch *w, const struct buf *events, uint64_t lost);
/* Tells one without a body. Any thread. */
void watch_tell_one(struct watch *w, const struct watch_event *e);

/* --- watching ------------------------------------------------------------------------------------------ */

struct watch_filter {
    const struct fleet_product *product; /* NULL = any */
    char did[DID_LEN + 1];               /* "" = any; else of this device, or of its mac in this product */
    char mac[LIMIT_MAC + 1];
};

struct watcher;
MU_MUST_USE enum mu_err watch_begin(struct watch *w, const struct watch_filter *filter, struct watcher **out);
void watch_end(struct watcher *r);
/* Gives away what has been told since the last time, for `events`, which is emptied before and whose memory is used
 * again. Returns how many events found no room behind those. Never waits for long. */
uint64_t watch_take(struct watcher *r, struct buf *events);
/* The event at a place of such a run, and NULL behind the last; *at goes on to the next. */
const struct watch_event *watch_next(const struct buf *events, size_t *at);

#endif

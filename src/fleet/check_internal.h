#ifndef MUSTER_FLEET_CHECK_INTERNAL_H
#define MUSTER_FLEET_CHECK_INTERNAL_H

#include "fleet/check.h"
#include "fleet/fleet_internal.h"
#include "fleet/rebuild.h"

/* What the files of the check share.
 *
 *   check.c          what is read, into the fleet and beside it
 *   check_record.c   messages and session records in their order
 *   check_device.c   a device's state against its events and its activity
 *   check_index.c    the fleet against slow counts
 *   check_users.c    its users and bindings against theirs */

/* A device as the rows tell, beside the fleet. */
struct seen {
    uint32_t product; /* 0 = not in the registry (any more) */
    uint32_t group;
    bool disabled, has_state, followed, faulty, alert;
    int32_t active_day;
    uint32_t open_events;
    uint64_t messages, decoded, sessions;
    int64_t last_ts_us, last_session_us, activated_at;
};

/* What is below a group is counted at the root of its tree alone: at each group above, a deep chain of
 * them would take the square of its length. */
struct seen_group {
    uint32_t product, parent, root, devices, below;
};

/* Records of one device and kind, as they pass by. */
struct record {
    uint64_t number, decoded;
    int64_t ts_us;
};
struct run {
    uint32_t device;            /* 0 = none yet */
    struct record last, newest; /* the one that was read last, and that of the highest number */
};

struct check {
    struct fleet *fleet;
    struct registry *registry;
    struct journal *journal;
    const struct calendar *calendar;
    const struct findings *findings;
    struct registry_visitor rows; /* the fleet's own */
    struct journal_visitor told;
    struct seen *seen;    /* by device number */
    uint32_t last_device; /* the highest that was ever given */
    NUMBERED(struct seen_group) groups;
    struct run messages, sessions;
    struct followed followed;
    uint64_t states, versions, active, sets, events, message_count, session_count, strangers;
    enum mu_err err; /* of what is in between; the first */
};

/* NULL, after telling so, for a number that no device ever had. */
struct seen *check_seen(struct check *c, uint32_t device, const char *where);

/* check_record.c */
void check_message(void *check, uint32_t device, const struct journal_message *m);
void check_session(void *check, uint32_t device, const struct journal_session *s);
void check_end_records(struct check *c);

/* check_device.c */
void check_state(struct check *c, uint32_t device, struct seen *seen, const struct journal_state *s);
void check_event(struct check *c, uint32_t device, struct seen *seen, const struct journal_event *e);
/* When everything has been read. */
void check_devices(struct check *c);

/* check_index.c */
MU_MUST_USE enum mu_err check_index(struct check *c);

/* check_users.c */
MU_MUST_USE enum mu_err check_users(struct check *c);

#endif

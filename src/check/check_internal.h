#ifndef MUSTER_CHECK_CHECK_INTERNAL_H
#define MUSTER_CHECK_CHECK_INTERNAL_H

#include "check/check.h"
#include "fleet/fleet_parts.h"
#include "commit/rebuild.h"

/* What the files of the check share.
 *
 *   check.c          what is read, into the fleet and beside it
 *   check_record.c   messages and session records in their order
 *   check_device.c   a device's state against its events and its activity
 *   check_index.c    the fleet against slow counts
 *   check_users.c    the fleet's users and bindings against the registry's */

/* A device as the rows describe it, kept beside the fleet. */
struct check_seen {
    uint32_t product; /* 0 = not in the registry, or no longer */
    uint32_t group;
    bool disabled, has_state, followed, faulty, alert;
    int32_t active_day;
    uint32_t open_events;
    uint64_t messages, decoded, sessions;
    int64_t last_ts_us, last_session_us, activated_at;
};

/* The devices below a group are counted only at the root of its tree. Counting them at each group above would take the
 * square of the length of a deep chain. */
struct check_group {
    uint32_t product, parent, root, devices, below;
};

/* Records of one device and kind, as they are read. */
struct check_record {
    uint64_t number, decoded;
    int64_t ts_us;
};
struct check_run {
    uint32_t device;                  /* 0 = none yet */
    struct check_record last, newest; /* the record that was read last, and the one with the highest number */
};

struct check {
    struct fleet *fleet;
    struct registry *registry;
    struct journal *journal;
    const struct calendar *calendar;
    const struct findings *findings;
    struct registry_visitor rows; /* the fleet's own */
    struct journal_visitor told;
    struct check_seen *seen; /* by device number */
    uint32_t last_device;    /* the highest number that was ever given */
    struct {
        struct check_group *at;
        uint32_t count;
    } groups; /* by number */
    struct check_run messages, sessions;
    struct followed followed;
    uint64_t states, versions, active, sets, events, message_count, session_count, strangers;
    enum mu_err err; /* the first error of a callback that cannot return one */
};

/* NULL, and a finding, for a number that no device ever had. */
struct check_seen *check_seen(struct check *c, uint32_t device, const char *where);

/* check_record.c */
void check_message(void *check, uint32_t device, const struct journal_message *m);
void check_session(void *check, uint32_t device, const struct journal_session *s);
void check_end_records(struct check *c);

/* check_device.c */
void check_state(struct check *c, uint32_t device, struct check_seen *seen, const struct journal_state *s);
void check_event(struct check *c, uint32_t device, struct check_seen *seen, const struct journal_event *e);
/* Call it when everything has been read. */
void check_devices(struct check *c);

/* check_index.c */
MU_MUST_USE enum mu_err check_index(struct check *c);

/* check_users.c */
MU_MUST_USE enum mu_err check_users(struct check *c);

#endif

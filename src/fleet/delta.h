#ifndef MUSTER_FLEET_DELTA_H
#define MUSTER_FLEET_DELTA_H

#include "base/buf.h"
#include "base/bytes.h"
#include "fleet/fleet_apply.h"

/* A delta: what one batch of another node changed in its index, so that this node's index follows. It has presence,
 * faulty and alert, the moments and days by which devices are searched and counted. It has no image, and of events and
 * versions only that they have changed: these are read from the store (commit/refresh.h).
 *
 * Everything is absolute, so a delta may come twice. An entry carries the device's running numbers, so one that is
 * older than what is known is left out. Pure. */

struct delta_head {
    int64_t moment_us; /* of the batch; the moments of the entries are told from here */
    uint64_t registry; /* the last change of the registry that the node had followed: follow to it first */
};

enum delta_part {
    DELTA_REPORT = 1,   /* last_ts_us, last_report */
    DELTA_SESSION = 2,  /* session_boot, last_session_us, online_latest, activated_at */
    DELTA_DAY = 4,      /* active_day: the device was active on it */
    DELTA_VERSIONS = 8, /* the device's versions have changed */
    DELTA_EVENTS = 16,  /* the device's events have changed */
    /* The node does not hold the device's session and has only heard of its past. The earlier activation counts, the
     * later login and report; running numbers and flags say nothing. */
    DELTA_MERGE = 32,
    /* With DELTA_MERGE and DELTA_SESSION: a login waits at the node for the end of the session that session_boot holds
     * since the session record number `sessions`.
     * The bus has asked for it before, and was perhaps not heard. */
    DELTA_WANTED = 64,
};

struct delta_entry {
    uint32_t device;
    uint8_t parts; /* enum delta_part */
    bool online, faulty, alert;
    struct fleet_progress progress; /* what the parts name, messages, sessions and numbers_reports */
};

void delta_put_head(struct buf *out, const struct delta_head *head);
void delta_put(struct buf *out, const struct delta_head *head, const struct delta_entry *e);

/* MU_E_CORRUPT. */
MU_MUST_USE enum mu_err delta_get_head(struct bytes *in, struct delta_head *head);
/* The next entry; false: there is none, or in->bad is set. */
bool delta_get(struct bytes *in, const struct delta_head *head, struct delta_entry *e);

#endif

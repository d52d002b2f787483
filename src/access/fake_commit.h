#ifndef MUSTER_ACCESS_FAKE_COMMIT_H
#define MUSTER_ACCESS_FAKE_COMMIT_H

#include "commit/committer.h"

/* For the session tests: a committer that records what it is handed and commits when the test says so, and a fleet of
 * a few devices. The test's thread is the committer's thread. Logins are committed as they come, unless they are held. */

enum fake_commit_kind { EVENT_LOGIN, EVENT_END, EVENT_REPORT, EVENT_CONTROL, EVENT_PASS };

struct fake_commit_event {
    enum fake_commit_kind kind;
    uint32_t device;
    uint64_t session;         /* login, end */
    bool takeover;            /* login */
    enum end_reason reason;   /* end */
    struct commit_sink *sink; /* login, report, control, pass */
    uint64_t owner, tag;
    char payload[64]; /* report, control; terminated */
};

/* Devices 1 to 3 have the dids below and the passcode "secret". */
#define DID_1 "NrnkpgVThKbJUc2wHkqfA2"
#define DID_2 "NrnkpgVThKbJUc2wHkqfA3"
#define DID_3 "NrnkpgVThKbJUc2wHkqfA4"

void fake_reset(void);
void fake_set_pacing(enum pacing pacing);
void fake_set_room(bool room);
void fake_set_disk_full(bool full);
/* From now on a login is committed when the test says so. */
void fake_hold_logins(void);
/* The n-th thing that was handed over, from 0 on; waits for it. */
struct fake_commit_event fake_event(unsigned n);
unsigned fake_event_count(void);
/* The fleet knows from now on that a device is disabled, and says so. */
void fake_disable(uint32_t device);
/* How often a commit was hurried. */
unsigned fake_hurries(void);
/* Answers one event, as a batch of its own. */
void fake_commit(const struct fake_commit_event *e, enum mu_err err);

#endif

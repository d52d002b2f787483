#ifndef MUSTER_ACCESS_CLAIM_H
#define MUSTER_ACCESS_CLAIM_H

#include "access/access_private.h"

/* A session claims its device: from a good CONNECT until its CONNACK.
 *
 *           session_claim                          the end of the session before it
 *              │  the device has a session ───► WAITS ────────────────────────────┐
 *              │                                  │ another login comes           │
 *              │                                  ▼                               ▼
 *              │  it has none                 REPLACED                       HANDED_OVER ───► on record, or not (err)
 *              └──────────────────────────────────────────────────────────────────▲
 *
 * A session that waits, or was replaced, is nowhere on record, and ends without a trace. Of one that was handed over the
 * committer alone knows whether it is on record. So its end is handed over too, unless the answer was an error.
 *
 * For each device at most one session waits, and it is the one that the session table shows. While it waits, exactly one
 * other session of the device has been handed over and has not ended; that one has been told to end, and its end hands
 * over the login of the one that waits. Both happen under the device's login lock, one after the other. So the committer
 * gets ends and logins of a device in turn, whatever the loops do. */

enum claim_fate { CLAIM_WAITS, CLAIM_HANDED_OVER, CLAIM_REPLACED };

struct claim {
    /* Under the login lock. While the claim waits, the loop of the session before it may hand it over, and that of the
     * session behind it may replace it. */
    struct claim *next; /* of those that wait in the same login group */
    enum claim_fate fate;
    session_handle before; /* while it waits: the session that has to end */
    struct commit_item item;
    struct commit_login login;

    /* The session's loop */
    enum mu_err err;   /* the committer's answer: not MU_OK if the login is not on record */
    bool names_client; /* the client left it to us to name it */
};

#endif

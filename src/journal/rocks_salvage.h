#ifndef MUSTER_JOURNAL_ROCKS_SALVAGE_H
#define MUSTER_JOURNAL_ROCKS_SALVAGE_H

#include "journal/rocks_internal.h"
#include "journal/salvage.h"

/* What the files of the salvage share; nobody else includes this.
 *
 *   rocks_salvage_open.c   opening what is left
 *   rocks_salvage_named.c  which family a number in a log is of
 *   rocks_salvage_seen.c   what it has seen of the registry
 *   rocks_salvage.c        copying it, and the states of devices
 *   rocks_salvage_days.c   messages and session records */

/* What the records of a device say together. */
struct rocks_salvage_tail {
    uint64_t messages, decoded, sessions; /* of the newest by number; 0 = there is none */
    int64_t message_us, session_us;       /* of these */
    int64_t first_login_us, last_login_us, last_report_us;
    uint64_t boot; /* of the newest session record, if it is a login */
    bool gap, has_state;
};

struct journal_salvage {
    char *from;
    /* whole: up to the first batch that cannot be read, so that states and events agree. rest: with everything that can
     * be read behind it. Both NULL: there is nothing. */
    struct rocks_journal *whole, *rest;
    bool rebuilt; /* from its tables, or without a log: not of one moment */
    struct mark_place acknowledged, there;
    bool marked;
    struct rocks_journal_registry seen;
    uint32_t definition;
    uint64_t boot; /* the highest that is met */

    /* While it is copied. */
    struct rocks_journal *to;
    struct rocks_batch *writes;
    struct rocks_salvage_tail *tails; /* by device */
    uint32_t tail_count;
    struct journal_salvaged *told;
};

/* A key that no family uses: an entry with it makes RocksDB write a table. */
extern const char rocks_salvage_nobody[5];
/* Puts a table into `to` for each family that `known` has noted but does not have, so that the logs there can be read.
 * MU_E_NOT_FOUND: there is no such family. */
MU_MUST_USE enum mu_err rocks_salvage_name_families(const struct rocks_journal *known, const char *scratch,
                                                    const char *to);
/* Opens both handles, of the damaged journal or of a copy below scratch. */
MU_MUST_USE enum mu_err rocks_salvage_open(struct journal_salvage *s, const char *scratch);
/* Calls fn for every entry of a family that can be read; the first error of fn ends that and is returned. */
typedef enum mu_err (*rocks_salvage_fn)(struct journal_salvage *s, struct bytes key, struct bytes value);
MU_MUST_USE enum mu_err rocks_salvage_walk(struct journal_salvage *s, enum fixed_family family, rocks_salvage_fn fn);
/* The entry of a device; NULL: no memory. */
struct rocks_salvage_tail *rocks_salvage_tail(struct journal_salvage *s, uint32_t device);
/* Commits what has been put, once it is enough; `last`: whatever there is. */
MU_MUST_USE enum mu_err rocks_salvage_commit(struct journal_salvage *s, bool last);
/* Copies messages and session records, and marks where their numbers do not follow each other. */
MU_MUST_USE enum mu_err rocks_salvage_days(struct journal_salvage *s);

#endif

#ifndef MUSTER_OPS_STORES_H
#define MUSTER_OPS_STORES_H

#include "fleet/committer.h"
#include "fleet/quota_file.h"
#include "model/calendar.h"
#include "ops/data_dir.h"

/* A data directory that is open: its lock, its stores and what stands on them. The server opens all of
 * it; a command opens what it needs of a directory at rest. All zero but for data.lock_fd = -1
 * (STORES_CLOSED), nothing is open. */
struct stores {
    struct data_dir data;
    struct registry *registry;
    struct calendar *calendar;
    struct journal *journal;
    struct quota_file *quotas; /* the server's */
    struct watch *watch;       /* the server's: who wants to be told what happens */
    struct fleet *fleet;
    struct committer *committer;
};
#define STORES_CLOSED            \
    {                            \
        .data = {.lock_fd = -1 } \
    }

/* The server: what a setting says is kept with the data, or, for the zone, compared with what is. */
struct stores_settings {
    const char *time_zone;
    unsigned retention_days, activity_days;
};
/* Locks the directory, which is made if it is missing, and looks at both stores: whether they are there,
 * of a format that is known, and of each other. Changes neither, starts no thread. why gets one sentence.
 * After a failure what has been opened is still to be closed. */
MU_MUST_USE enum mu_err stores_look(struct stores *s, const char *dir, char *why, size_t why_size);

/* Opens everything, after stores_look; fleet and committer are running then. why gets one sentence;
 * MU_E_SYNTAX: the zone is unknown, or another one than the directory's. Before any other thread exists
 * (calendar_open). After a failure what has been opened is still to be closed. */
MU_MUST_USE enum mu_err stores_open(struct stores *s, const struct stores_settings *settings, char *why,
                                    size_t why_size);

/* What stores_look and stores_open would say of a directory that is one and that nobody else has, and of the zone that
 * it is to be opened in. Nothing changes. */
MU_MUST_USE enum mu_err stores_check(const char *dir, const char *zone, char *why, size_t why_size);
/* calendar_open; MU_E_SYNTAX with a sentence: there is no such zone. */
MU_MUST_USE enum mu_err stores_open_zone(struct calendar **out, const char *zone, char *why, size_t why_size);

/* One of the two is there, and the other, which was, is not: MU_E_CORRUPT with a sentence. */
MU_MUST_USE enum mu_err stores_look_for_both(const char *dir, const struct registry_place *place, char *why,
                                             size_t why_size);
/* What the journal beside it is compared with. */
struct journal_registry stores_journal_registry(const struct registry_place *place);

/* What a command needs of a directory at rest. */
enum stores_part { STORES_REGISTRY, STORES_ALL };
/* Opens it as its owner (privileges.h) and lets nothing expire; days are cut in the directory's zone.
 * Otherwise as above. */
MU_MUST_USE enum mu_err stores_open_at_rest(struct stores *s, const char *dir, enum stores_part part, char *why,
                                            size_t why_size);

/* Commits what waits, then closes: first the committer, by itself, so that what reads the others may
 * go in between; then the rest. NULL members are skipped. */
void stores_stop_committing(struct stores *s);
void stores_close(struct stores *s);

#endif

#ifndef MUSTER_OPS_STORES_H
#define MUSTER_OPS_STORES_H

#include "commit/committer.h"
#include "fleet/quota_file.h"
#include "journal/rocks_journal.h"
#include "nodes/nodes.h"
#include "model/calendar.h"
#include "ops/data_dir.h"

/* Where stores are: in a data directory, or in a database.
 *
 * The two stores of a directory may be put back to different moments, or mixed with those of another one: so their
 * opening compares them. A database is always of one moment, so its two schemas belong together, and nothing is
 * compared. The directory then holds only what is this server's own: its lock, command socket, quota file, and the
 * identity of the database that these are about. */
struct stores_where {
    const char *dir;   /* may be NULL for a command if there is a store */
    const char *store; /* a URI of PostgreSQL; NULL: the stores are in dir */
};

/* For texts: the directory, or the URI without its password. */
void stores_show_place(const struct stores_where *where, char *out, size_t size);

/* Open stores: their lock, and what is built on them. The server opens all of it; a command opens what it needs of
 * stores at rest. Nothing is open when all is zero except data.lock_fd = -1 (STORES_CLOSED). */
struct stores {
    struct data_dir data; /* of a server, and of embedded stores */
    const char *store;    /* as in stores_where; it must live as long */
    struct registry *registry;
    struct calendar *calendar;
    struct journal *journal;
    struct quota_file *quotas, *granted; /* only in the server; granted: only over a database */
    struct watch *watch;                 /* only in the server: who wants to be told of events */
    struct fleet *fleet;
    struct committer *committer;
    struct nodes *nodes; /* only in a server whose stores are in a database */
};
#define STORES_CLOSED            \
    {                            \
        .data = {.lock_fd = -1 } \
    }

/* Only for the server: settings about stored data. The zone is compared with the stored one. */
struct stores_settings {
    const char *time_zone;
    unsigned retention_days, activity_days;
    /* What other nodes ask of this one (nodes.h), for stores in a database; nodes_start begins it. */
    void *ctx;
    void (*end_session)(void *ctx, uint32_t device);
    void (*over)(void *ctx);
};
/* Locks the directory, which is made if it is missing. Checks that both stores are there, have a
 * known format, and belong to each other. Changes neither store, starts no thread. On failure why gets one sentence,
 * and what has been opened must still be closed. */
MU_MUST_USE enum mu_err stores_look(struct stores *s, const struct stores_where *where, char *why, size_t why_size);

/* Opens everything, after stores_look; then fleet and committer run. On failure why gets one sentence. MU_E_SYNTAX:
 * the zone is unknown, or is not the directory's. Call it before any other thread exists (calendar_open). After a
 * failure, what has been opened must still be closed. */
MU_MUST_USE enum mu_err stores_open(struct stores *s, const struct stores_settings *settings, char *why,
                                    size_t why_size);

/* The errors that stores_look and stores_open would give for stores that nobody else has open, and for the time zone
 * to open them in. A directory must exist. Changes nothing. */
MU_MUST_USE enum mu_err stores_check(const struct stores_where *where, const char *zone, char *why, size_t why_size);
/* calendar_open; MU_E_SYNTAX with a sentence: the zone does not exist. */
MU_MUST_USE enum mu_err stores_open_zone(struct calendar **out, const char *zone, char *why, size_t why_size);

/* MU_E_CORRUPT with a sentence if one store is there and the other, which once was there, is missing. */
MU_MUST_USE enum mu_err stores_look_for_both(const char *dir, const struct registry_place *place, char *why,
                                             size_t why_size);
/* What the journal is compared with: the state of the registry beside it. */
struct rocks_journal_registry stores_journal_registry(const struct registry_place *place);

/* Whether the directory is that of a server whose stores are in a database. */
bool stores_are_elsewhere(const char *dir);
/* What commands say then that copy or mend the files of stores. */
#define STORES_ELSEWHERE_ADVICE "the stores are in a database: pg_dump or pg_basebackup copies them (docs/cluster.md)"

/* Longer than any setting lets a server keep data. A command does not know the server's settings, and must not drop
 * data that the server keeps. */
#define STORES_KEEP_DAYS 4000

/* What a command needs of stores at rest. */
enum stores_part { STORES_REGISTRY, STORES_ALL };
/* Opens them as the directory's owner (privileges.h); with a store the directory is left alone. Nothing expires; days
 * are cut in the stored zone. Otherwise as above. The registry of a database can be read beside running servers, and be
 * changed if the command `changes` something: they follow within a second. For all else MU_E_LOCKED: the database is in
 * use. A server would not notice what is written to the journal beside it. */
MU_MUST_USE enum mu_err stores_open_at_rest(struct stores *s, const struct stores_where *where, enum stores_part part,
                                            bool changes, char *why, size_t why_size);

/* Commits what waits, then closes. First the committer alone (stores_stop_committing), so that readers of the other
 * parts can be ended in between; then the rest. NULL members are skipped. */
void stores_stop_committing(struct stores *s);
void stores_close(struct stores *s);

#endif

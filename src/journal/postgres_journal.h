#ifndef MUSTER_JOURNAL_POSTGRES_JOURNAL_H
#define MUSTER_JOURNAL_POSTGRES_JOURNAL_H

#include "journal/journal.h"
#include "postgres/pg.h"

/* The journal in PostgreSQL, in the schema `journal` of a database. A commit is durable when the server says so: on its
 * disk, and with a synchronous standby (synchronous_standby_names) on that too. */

struct postgres_journal_options {
    unsigned retention_days;  /* messages and session records; 0: the default, 7 */
    int64_t clock_patience_s; /* 0: a day; negative: a clock that jumps ahead is believed at once (expiry_clock.h) */
    int wait_s;               /* for another node that has it open: 0: 10 seconds; negative: not at all */
    /* Other nodes may have it open, too (journal_nodes.h). Then starts are not over when a new one comes, except
     * `previous`, of which the caller knows that it is (0: of none), and nothing is waited for. */
    bool shared;
    uint64_t previous;
    int64_t delta_keep_ms; /* 0: a minute */
    const char *name;      /* of this node, for people; NULL: none */
};

/* The tables; pg_schema_migrate makes them and brings them up to date. */
extern const struct pg_schema journal_schema;

/* Opens the journal in the database of a URI and counts this start. One start at a time has it: all earlier ones are over
 * from then on, and none of them can commit any more. On an error `why` gets a sentence without the URI's password:
 * MU_E_CLOSED: the server cannot be reached, or Citus cannot finish the commits of earlier starts; MU_E_SCHEMA: the tables are
 * missing or older (pg_schema_migrate), or of a newer version, or the role may not call what is needed where Citus spreads
 * them; MU_E_LOCKED: another node has it open; it is waited for some seconds, since a server notices late that a process was
 * killed. */
MU_MUST_USE enum mu_err postgres_journal_open(struct journal **out, const char *uri,
                                              const struct postgres_journal_options *options, char *why,
                                              size_t why_size);
/* Opens it for reading only: no start is counted, and another node may have it open. Nothing may be written to it. */
MU_MUST_USE enum mu_err postgres_journal_open_unchanged(struct journal **out, const char *uri, char *why,
                                                        size_t why_size);

/* For copies (journal_copy.h). Whether there is nothing in it. */
MU_MUST_USE enum mu_err postgres_journal_is_empty(struct journal *j, bool *empty);
/* Deletes all that is in a target, which was opened by postgres_journal_open alone. No batch is being filled. */
MU_MUST_USE enum mu_err postgres_journal_clear(struct journal *j);
/* Keeps others from opening a journal that was opened unchanged, until it is closed. MU_E_LOCKED: it is in use. */
MU_MUST_USE enum mu_err postgres_journal_hold(struct journal *j);
/* The same, but nodes may have it open, or open it: only nobody can have it alone. */
MU_MUST_USE enum mu_err postgres_journal_share(struct journal *j);
/* For `muster migrate`, before it changes a schema: keeps others from opening the journal until the connection closes. It
 * waits for some seconds. MU_E_LOCKED with a sentence: somebody has it open, or a node had until just now and may be
 * connecting again. */
MU_MUST_USE enum mu_err postgres_journal_keep_closed(struct pg *pg, char *why, size_t why_size);

#endif

#ifndef MUSTER_POSTGRES_PG_PRIVATE_H
#define MUSTER_POSTGRES_PG_PRIVATE_H

#include <libpq-fe.h>

#include "postgres/pg.h"

/* What the files of this folder share.
 *
 *   pg_uri.c      URIs, and what of them may be shown
 *   pg_connect.c  opening and losing a connection
 *   pg_error.c    what the server's errors mean here
 *   pg_query.c    statements
 *   pg_ahead.c    what was asked ahead
 *   pg_transaction.c
 *   pg_result.c   sending, and waiting for results
 *   pg_value.c    values to the server's binary form and back
 *   pg_copy.c     COPY
 *   pg_notify.c   notifications
 *   pg_schema.c   the versions of a schema
 *
 * A connection is in libpq's pipeline mode, except during pg_exec and COPY. What was sent and not read yet is counted:
 * `queued` statements, whose results come first to last, and `syncs` among them. */

struct pg_statement {
    const char *sql;
    char name[8];
    int count; /* of its parameters */
    Oid types[PG_VALUES_MAX];
};

struct pg {
    char *uri;
    bool listens;                /* what comes while nothing is due may be notifications */
    unsigned opened;             /* how many connections were made */
    char name[48];               /* of its sessions; "": what the URI says, or "muster" */
    struct pg_settings settings; /* uri is the copy above */
    PGconn *conn;                /* NULL: it is opened at the next use */
    bool in_tx, lost;            /* lost: the connection broke inside the transaction */
    bool warned, unhurried;      /* warned: by the server, since that was set to false; unhurried: PG_READ_LONG */
    char warning[200];           /* the last one */
    int64_t until_us;            /* of pg_wait_until */
    enum mu_err failed;          /* what a queued statement returned */
    unsigned queued, syncs, cursors;
    struct pg_statement kept[PG_STATEMENTS_MAX];
    size_t kept_count;
    struct pg_read_ahead {
        struct pg_answer {
            const char *sql;
            uint64_t hash;
            size_t at, len; /* of its values, in `keys` */
            PGresult *result;
        } * answers;
        uint32_t cap;
        size_t count, got; /* the others are due, before everything else that is queued */
        size_t last;       /* the one that was found last; the next one is near */
        struct buf keys;
    } ahead;
    struct buf sent; /* the values of the statement that is being sent */
};

/* Whether libpq reads the URI as its writer means it. Otherwise libpq's words may repeat a password. */
bool pg_can_read_uri(const char *uri);

/* Opens the connection unless it is open. Inside a transaction that was lost: MU_E_CLOSED. */
MU_MUST_USE enum mu_err pg_ready(struct pg *pg, char *why, size_t why_size);
/* Closes a connection that is of no use any more. */
void pg_lose(struct pg *pg);

/* The error of a result, which is freed, or of the connection if result is NULL. Logs it. A connection that is broken
 * is closed. */
MU_MUST_USE enum mu_err pg_error(struct pg *pg, PGresult *result);
/* The same, for a failure that only we have noticed. */
MU_MUST_USE enum mu_err pg_gone(struct pg *pg, const char *what);

/* Sends what was not sent yet. `wait`: until all of it is with the kernel. */
MU_MUST_USE enum mu_err pg_push(struct pg *pg, bool wait);
/* The next result; NULL: there are no more of this statement. */
MU_MUST_USE enum mu_err pg_next_result(struct pg *pg, PGresult **out);
/* Asks for all results that are due, and reads them. *out is the last one, of the statement that was sent last and not
 * counted in `queued`; out is NULL if there is none. Its error is returned. */
MU_MUST_USE enum mu_err pg_collect(struct pg *pg, PGresult **out);
/* Gives a kept statement to libpq; nothing is waited for. */
MU_MUST_USE enum mu_err pg_send(struct pg *pg, const char *sql, const struct pg_value *values, size_t count);
/* The answer to what was asked ahead, which stays there. *out is NULL: it was not. */
MU_MUST_USE enum mu_err pg_answered(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                                    PGresult **out);
void pg_free_ahead(struct pg *pg);
/* Reads the results that were asked for already. */
MU_MUST_USE enum mu_err pg_read_due(struct pg *pg);
/* Runs a kept statement after all that were queued. */
MU_MUST_USE enum mu_err pg_ask(struct pg *pg, const char *sql, const struct pg_value *values, size_t count,
                               PGresult **out);
/* Leaves pipeline mode, when nothing is due, and enters it again. */
MU_MUST_USE enum mu_err pg_leave_pipeline(struct pg *pg);
MU_MUST_USE enum mu_err pg_enter_pipeline(struct pg *pg);

/* Encodes the values of a statement into pg->sent. */
struct pg_parameters {
    const char *at[PG_VALUES_MAX];
    int len[PG_VALUES_MAX], format[PG_VALUES_MAX];
};
MU_MUST_USE enum mu_err pg_encode(struct buf *sent, const Oid *types, const struct pg_value *values, size_t count,
                                  struct pg_parameters *out);

#endif

#ifndef MUSTER_OPS_OPERATION_H
#define MUSTER_OPS_OPERATION_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/text.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "ops/stores.h"

/* The work of a command on stores (stores.h). It runs in the server that has the directory, or, if no server has it, in
 * the command's own process. The operation cannot tell the difference. */
struct access;

struct operation_call {
    struct stores *stores; /* open as far as the operation needs them */
    struct access *access; /* the devices' side; NULL: no server runs */
    int64_t uptime_s;      /* of the server */
    uid_t uid;             /* the local user who runs the command */
    struct str input;
    struct local_client *client; /* for local_go_on: the client of a command that goes on; NULL: no server runs */
    struct buf *answer;          /* for the operator: what was done, or one line for each mistake */
};

struct operation {
    const char *name; /* of the command; also used on the socket */
    enum stores_part needs;
    /* Returns the command's exit status (operation_status). In the server it runs on its client's own thread; when
     * it answers 0, its changes are on disk and visible to all. */
    int (*run)(const struct operation_call *call);
    bool changes;     /* it changes what is stored; the server runs one such at a time, others only read */
    bool keeps_quiet; /* it handles --quiet by itself: its answer is printed in any case */
    bool may_create;  /* the command has --create; without that option a missing directory is an error */
};

/* The exit status of a command that ended with this error (docs/operating.md, "Exit statuses"): 0: done; 2: the
 * input is wrong, and the same input will fail again; 1: it failed, and the same input may succeed later. */
int operation_status(enum mu_err err);
/* The exit status for an error whose text is appended to the answer here. */
int operation_result(const struct operation_call *call, enum mu_err err);

/* The command's side: runs an operation at one place, possibly many times. */
struct operation_place {
    struct stores_where where;
    struct stores stores; /* at rest */
    uid_t uid;            /* at rest: the local user who runs the command */
    bool at_rest;         /* this process has opened the stores */
    /* The path existed before; unmaking a new data directory then keeps the directory itself. */
    bool had_directory;
    bool create;                           /* make the data directory if there is none */
    bool quiet;                            /* operation_command prints nothing on success */
    const struct local_listener *listener; /* receives the output of a command that goes on; NULL: nothing does */
};
/* --data, and --store if the command has it. */
struct stores_where operation_where(const struct settings *s);
/* The place that the settings name: --data, --store and --quiet, as far as the command has them. */
struct operation_place operation_place(const struct settings *s);
/* Returns the exit status. */
int operation_run(struct operation_place *place, const struct operation *op, struct str input, struct buf *answer);
void operation_leave(struct operation_place *place);

/* Prints an answer. Status 0: to stdout. Otherwise each line to stderr, after the words that say what it is about
 * ("muster apply: FILE"). */
void operation_print(const char *about, int status, const struct buf *answer);

/* Everything for a command that runs its operation once: runs it, prints the answer, leaves the place, returns the
 * exit status. */
int operation_command(const char *about, struct operation_place *place, const struct operation *op, struct str input);

#endif

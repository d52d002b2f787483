#ifndef MUSTER_OPS_OPERATION_H
#define MUSTER_OPS_OPERATION_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/text.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "ops/stores.h"

/* What a command does to a data directory. It runs in the server that has the directory or, where none
 * has it, in the command's own process, and cannot tell the difference. */
struct access;

struct operation_call {
    struct stores *stores; /* open as far as the operation needs them */
    struct access *access; /* the devices' side; NULL: no server runs */
    int64_t uptime_s;      /* of the server */
    uid_t uid;             /* the local user who asks */
    struct str input;
    struct local_client *client; /* to go on as long as he listens (local_go_on); NULL: no server runs */
    struct buf *answer;          /* for the operator: what was done, or a line a mistake */
};

struct operation {
    const char *name; /* on the socket, too */
    enum stores_part needs;
    /* Returns the command's exit status (operation_status). In the server: on its client's own thread; what it answers
     * with 0 is on disk, and visible to all. */
    int (*run)(const struct operation_call *call);
    bool changes;     /* what is kept; of these the server runs one at a time, while others only read */
    bool keeps_quiet; /* by itself: what it answers is to be said in any case */
    bool may_create;  /* its command has --create; without that a directory that is not there is a mistake */
};

/* The exit status of a command that ended so (docs/operating.md, "Exit statuses"): 0 done; 2 what was given is
 * wrong, and the same again fails again; 1 it failed, and the same again may succeed. */
int operation_status(enum mu_err err);
/* That of an error which is told in the answer here. */
int operation_result(const struct operation_call *call, enum mu_err err);

/* The command's side: runs an operation, possibly many times, at the same place. */
struct operation_place {
    const char *dir;
    struct stores stores;                  /* at rest */
    uid_t uid;                             /* likewise: the local user who asks */
    bool at_rest;                          /* it was opened here, and no server can come in between */
    bool had_directory;                    /* of a new data directory: only what is in it was made */
    bool create;                           /* the data directory, where there is none */
    bool quiet;                            /* operation_command prints nothing if all went well */
    const struct local_listener *listener; /* hears what a command that goes on has to say; NULL = none does */
};
/* Where the settings say: --data, and --quiet if the command has it. */
struct operation_place operation_place(const struct settings *s);
/* Returns the exit status. */
int operation_run(struct operation_place *place, const struct operation *op, struct str input, struct buf *answer);
void operation_leave(struct operation_place *place);

/* The answer of a command that is done to stdout; of another one each line to stderr, behind what it
 * is about ("muster apply: FILE"). */
void operation_print(const char *about, int status, const struct buf *answer);

/* All that a command does which runs its operation once: prints the answer, leaves the place, returns the exit
 * status. */
int operation_command(const char *about, struct operation_place *place, const struct operation *op, struct str input);

#endif

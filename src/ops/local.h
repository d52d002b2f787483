#ifndef MUSTER_OPS_LOCAL_H
#define MUSTER_OPS_LOCAL_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/text.h"

/* How commands reach a running server: a Unix socket in the data directory (mode 0600).
 *
 * One request per connection. Request: the command's name, a newline, the length of its input as a
 * decimal, a newline, the input. Answer: the exit status as a decimal, a newline, text for the
 * operator until the end of the stream.
 *
 * Each client has a thread of its own, so that nobody waits for another one's large file. A command may go on for as
 * long as its client listens (local_go_on). */

#define LOCAL_INPUT_MAX (512u * 1024 * 1024) /* an apply file of a million devices is 250 MB */

#define LOCAL_ANSWER_MAX (64u * 1024 * 1024)

struct local_client;
struct local_request {
    struct str name;
    uid_t uid; /* the local user who asks */
    struct str input;
    struct local_client *client;
};

/* Runs one command on its client's thread; appends text for the operator; returns the exit status. */
typedef int (*local_run_fn)(void *ctx, const struct local_request *request, struct buf *answer);

struct local_server;
MU_MUST_USE enum mu_err local_serve(struct local_server **out, const char *dir, local_run_fn run, void *ctx, char *why,
                                    size_t why_size);
/* Finishes the commands that run, and breaks off those that go on; then ends. */
void local_stop(struct local_server *s);

/* --- a command that goes on: within local_run_fn -------------------------------------------------------- */

/* From here on the status is 0. */
void local_go_on(struct local_client *c);
/* Sends what is in the answer and empties it; waits while the client does not read. false: it has left, or the
 * server ends. */
bool local_send(struct local_client *c, struct buf *answer);
/* Waits so long; false: as above. */
bool local_rest(struct local_client *c, int ms);

/* --- the other end -------------------------------------------------------------------------------------- */

/* Hears the answer of a command that is done (status 0), piece by piece as it comes. */
struct local_listener {
    void (*hear)(void *ctx, struct str piece);
    void *ctx;
};

/* MU_E_OFFLINE: no server runs on that directory. Otherwise *status and answer are what the server said; MU_E_IO if
 * it broke off. listener may be NULL; what it hears is not in the answer. */
MU_MUST_USE enum mu_err local_call(const char *dir, const char *command, struct str input,
                                   const struct local_listener *listener, int *status, struct buf *answer);

#endif

#ifndef MUSTER_OPS_LOCAL_H
#define MUSTER_OPS_LOCAL_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/text.h"

/* How commands reach a running server: a Unix socket in the data directory (mode 0600).
 *
 * There is one request per connection. Request: the command's name, a newline, the length of its input as a decimal,
 * a newline, the input. Answer: the exit status as a decimal, a newline, then text for the operator until the end of
 * the stream.
 *
 * Each client has its own thread, so nobody waits for the large file of another client. A command may go on for as
 * long as its client listens (local_go_on). */

#define LOCAL_INPUT_MAX (512u * 1024 * 1024) /* an apply file of a million devices is 250 MB */

#define LOCAL_ANSWER_MAX (64u * 1024 * 1024)

struct local_client;
struct local_request {
    struct str name;
    uid_t uid; /* the local user who runs the command */
    struct str input;
    struct local_client *client;
};

/* Runs one command on its client's thread. Appends text for the operator to `answer`. Returns the exit status. */
typedef int (*local_run_fn)(void *ctx, const struct local_request *request, struct buf *answer);

struct local_server;
MU_MUST_USE enum mu_err local_serve(struct local_server **out, const char *dir, local_run_fn run, void *ctx, char *why,
                                    size_t why_size);
/* Finishes the running commands, breaks off those that go on, then ends. */
void local_stop(struct local_server *s);

/* --- a command that goes on: within local_run_fn -------------------------------------------------------- */

/* Makes this command one that goes on. Its status is sent now: 0. Call it once. */
void local_go_on(struct local_client *c);
/* Sends the content of answer and empties it; waits while the client does not read. false: the client has left, or
 * the server ends. */
bool local_send(struct local_client *c, struct buf *answer);
/* Waits for ms milliseconds; false: as above. */
bool local_rest(struct local_client *c, int ms);

/* --- the other end -------------------------------------------------------------------------------------- */

/* Receives the answer of a successful command (status 0), piece by piece as it arrives. */
struct local_listener {
    void (*hear)(void *ctx, struct str piece);
    void *ctx;
};

/* Runs a command in the server of that directory. MU_E_OFFLINE: no server runs there. MU_OK: *status and answer are
 * the server's. MU_E_IO: the connection broke off. listener may be NULL; text that it receives is not in answer. */
MU_MUST_USE enum mu_err local_call(const char *dir, const char *command, struct str input,
                                   const struct local_listener *listener, int *status, struct buf *answer);

#endif

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
 * operator until the end of the stream. */

#define LOCAL_INPUT_MAX (512u * 1024 * 1024) /* an apply file of a million devices is 250 MB */

#define LOCAL_ANSWER_MAX (64u * 1024 * 1024)

/* Runs one command on the socket's own thread, asked for by the local user uid; appends text for the
 * operator; returns the exit status. */
typedef int (*local_run_fn)(void *ctx, struct str name, uid_t uid, struct str input, struct buf *answer);

struct local_server;
MU_MUST_USE enum mu_err local_serve(struct local_server **out, const char *dir, local_run_fn run, void *ctx, char *why,
                                    size_t why_size);
/* Finishes a command that runs, then ends. */
void local_stop(struct local_server *s);

/* The other end. MU_E_OFFLINE: no server runs on that directory. Otherwise *status and answer are
 * what the server said; MU_E_IO if it broke off. */
MU_MUST_USE enum mu_err local_call(const char *dir, const char *command, struct str input, int *status,
                                   struct buf *answer);

#endif

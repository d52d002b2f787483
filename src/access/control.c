#include "access/access_private.h"

#include <stdlib.h>

#include "access/session.h"
#include "base/clock.h"

/* A control goes from any thread to the loop of the device's session, from there to the device (outgoing.c), and,
 * when it has been sent and is in the log, back to its sender. */

struct control_mail {
    struct mail mail; /* first */
    struct access_loop *home;
    session_handle handle;
    struct control_request *req;
};

static void deliver(struct mail *m, struct loop *loop)
{
    struct control_mail *cm = (struct control_mail *)m;
    struct session *s = session_slab_find(&cm->home->sessions, cm->handle);
    struct control_request *req = cm->req;

    (void)loop;
    if (s && s->state == SESSION_LIVE) {
        outgoing_control(s, req);
    } else {
        access_count(&cm->home->counters.dropped[DROP_NOT_SENT], 1);
        req->done(req, MU_E_CLOSED);
    }
    free(cm);
}

static void drop(struct mail *m)
{
    struct control_mail *cm = (struct control_mail *)m;

    cm->req->done(cm->req, MU_E_CLOSED);
    free(cm);
}

static void control_send(void *ctx, struct control_request *req)
{
    struct access *a = ctx;
    session_handle handle = session_table_get(a->table, req->device);

    if (handle == 0) {
        req->done(req, MU_E_OFFLINE);
        return;
    }
    struct control_mail *cm = malloc(sizeof(*cm));
    if (!cm) {
        req->done(req, MU_E_NOMEM);
        return;
    }
    *cm = (struct control_mail){
        .mail = { .deliver = deliver, .drop = drop },
        .home = a->loops[session_handle_loop(handle)],
        .handle = handle,
        .req = req,
    };
    req->due_ms = clock_mono_ms() + LIMIT_CONTROL_WAIT_MS;
    loop_post(cm->home->loop, &cm->mail);
}

static bool is_connected(void *ctx, uint32_t device)
{
    struct access *a = ctx;
    return session_table_get(a->table, device) != 0;
}

struct control_port access_control_port(struct access *a)
{
    return (struct control_port){ .ctx = a, .send = control_send, .is_connected = is_connected };
}

/* The log record of a control is on disk, or could not be written. The committer's thread. */
static void logged(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    struct control_request *req = (struct control_request *)(uintptr_t)owner;

    (void)sink;
    (void)tag;
    req->done(req, err);
}

static void nothing_to_flush(struct commit_sink *sink)
{
    (void)sink;
}

void access_control_init(struct access *a)
{
    a->control_sink = (struct commit_sink){ .done = logged, .flush = nothing_to_flush };
}

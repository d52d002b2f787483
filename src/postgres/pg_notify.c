/* Notifications: waiting for them, and handing them on. */
#include "postgres/pg_private.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>

static bool hand_on(struct pg *pg, void (*fn)(void *ctx, struct str payload), void *ctx)
{
    bool any = false;

    for (PGnotify *n; (n = PQnotifies(pg->conn)); any = true) {
        fn(ctx, str_of(n->extra));
        PQfreemem(n);
    }
    return any;
}

enum mu_err pg_wait_notified(struct pg *pg, int wake_fd, int timeout_ms, void (*fn)(void *ctx, struct str payload),
                             void *ctx)
{
    struct pollfd fds[] = { { .events = POLLIN }, { .fd = wake_fd, .events = POLLIN } };
    enum mu_err err;

    unsigned opened = pg->opened;

    assert(pg->settings.set && !pg->in_tx);
    pg->listens = true;
    if ((err = pg_ready(pg, NULL, 0)) != MU_OK)
        return err;
    /* Some may have come along with the answer to a statement. */
    if (hand_on(pg, fn, ctx) || pg->opened != opened)
        return MU_OK;
    fds[0].fd = PQsocket(pg->conn);
    int ready = poll(fds, 2, timeout_ms);
    if (ready < 0 && errno != EINTR)
        return pg_gone(pg, "poll failed");
    if (fds[0].revents && !PQconsumeInput(pg->conn))
        return pg_error(pg, NULL);
    hand_on(pg, fn, ctx);
    return MU_OK;
}

unsigned pg_opened(const struct pg *pg)
{
    return pg->opened;
}

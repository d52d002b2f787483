#include "fleet/batch.h"

/* Logins and ends of sessions, as the online log will tell them (contract, endpoint 8). */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void write_session(struct batch *b, struct pending *p, struct journal_session *s)
{
    s->ts_us = later(s->ts_us, p->progress.last_session_us + 1);
    s->number = ++p->progress.sessions;
    p->progress.last_session_us = s->ts_us;
    p->changed = true;
    journal_batch_session(b->writes, p->device, s);
}

/* An earlier start left a session open: it ended when that start did, at the last moment that is
 * known of it or of the device. */
static void end_crashed(struct batch *b, struct pending *p)
{
    int64_t alive_us = journal_boot_alive_us(b->journal, p->progress.session_boot);
    struct journal_session s = {
        .ts_us = later(later(alive_us, p->progress.last_ts_us), p->progress.last_session_us + 1),
        .end = true,
        .reason = END_EXCEPTION,
    };

    int64_t duration = s.ts_us / 1000000 - p->progress.online_latest;
    s.duration = duration <= 0 ? 0 : duration >= UINT32_MAX ? UINT32_MAX : (uint32_t)duration;
    write_session(b, p, &s);
}

void batch_add_login(struct batch *b, struct pending *p, const struct commit_login *login)
{
    struct journal_session s = {
        .ts_us = login->ts_us,
        .again = login->takeover,
        .keep_alive = login->keep_alive,
        .boot = b->boot,
    };

    if (p->progress.session_boot && p->progress.session_boot != b->boot)
        end_crashed(b, p);
    write_session(b, p, &s);
    p->progress.session_boot = b->boot;
    p->progress.online_latest = s.ts_us / 1000000;
    if (!p->progress.activated_at)
        p->progress.activated_at = p->progress.online_latest;
    /* Two logins at once may be handed over in the wrong order: the higher wins. */
    if (login->session > p->progress.session)
        p->progress.session = login->session;
}

void batch_add_end(struct batch *b, struct pending *p, const struct commit_end *end)
{
    struct journal_session s = {
        .ts_us = end->ts_us,
        .end = true,
        .duration = end->duration,
        .reason = end->reason,
        .heartbeat = end->heartbeat,
    };

    write_session(b, p, &s);
    /* The end of a session that has been taken over leaves the newer one as it is. */
    if (end->session == p->progress.session) {
        p->progress.session = 0;
        p->progress.session_boot = 0;
    }
}

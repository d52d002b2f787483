#include "commit/batch.h"
#include "commit/unseen_end.h"

/* Logins and ends of sessions, as the online log shows them (contract, endpoint 8). */

static void write_session(struct batch *b, struct pending *p, struct journal_session *s)
{
    s->ts_us = batch_moment(b, p->device, LIST_SESSIONS, s->ts_us, p->progress.last_session_us);
    s->number = ++p->progress.sessions;
    p->progress.last_session_us = s->ts_us;
    p->changed = true;
    journal_batch_session(b->writes, p->device, s);
}

/* An earlier start left a session open: it ended when that start ended. */
static void end_crashed(struct batch *b, struct pending *p, int64_t login_us)
{
    const struct fleet_progress *g = &p->progress;
    struct journal_session s = {
        .ts_us = unseen_end_us(b->journal, g->session_boot, g->last_ts_us, g->last_session_us, login_us),
        .end = true,
        .reason = END_EXCEPTION,
    };

    int64_t duration = s.ts_us / 1000000 - p->progress.online_latest;
    s.duration = duration <= 0 ? 0 : duration >= UINT32_MAX ? UINT32_MAX : (uint32_t)duration;
    write_session(b, p, &s);
}

void batch_add_login(struct batch *b, struct pending *p, const struct intake_record *rec)
{
    const struct commit_login *login = (const void *)rec->body;
    struct journal_session s = {
        .ts_us = rec->ts_us,
        .again = login->takeover,
        .keep_alive = login->keep_alive,
        .boot = b->boot,
    };

    if (p->progress.session_boot && p->progress.session_boot != b->boot) {
        end_crashed(b, p, rec->ts_us);
        s.again = false; /* it was to take the session over from a node that is over now */
    }
    write_session(b, p, &s);
    p->progress.session_boot = b->boot;
    p->progress.online_latest = s.ts_us / 1000000;
    if (!p->progress.activated_at)
        p->progress.activated_at = p->progress.online_latest;
    p->progress.session = login->session;
}

bool batch_add_end(struct batch *b, struct pending *p, const struct commit_end *end)
{
    struct journal_session s = {
        .ts_us = end->ts_us,
        .end = true,
        .duration = end->duration,
        .reason = end->reason,
        .heartbeat = end->heartbeat,
    };

    /* The commit of its login failed. */
    if (end->session != p->progress.session)
        return false;
    write_session(b, p, &s);
    p->progress.session = 0;
    p->progress.session_boot = 0;
    return true;
}

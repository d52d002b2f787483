#include "access/outgoing_private.h"

#include "access/held.h"
#include "access/session.h"

bool outgoing_write(struct session *s, const void *bytes, size_t len)
{
    if (conn_write(&s->conn, bytes, len) != MU_OK)
        return false;
    count(&s->home->counters.bytes_out, len);
    return true;
}

bool outgoing_publish_waits(const struct session *s)
{
    return s->out.owes_answer || s->out.queued > s->out.written;
}

void outgoing_release_next(struct session *s)
{
    size_t len;
    const uint8_t *packet = held_next(s->out.held, &len);

    outgoing_write(s, packet, len);
    held_gone(&s->out.held, len);
    pace_held_sent(&s->out.pace, session_now(s));
}

void outgoing_release_held(struct session *s)
{
    size_t len;

    if (!s->out.held)
        return;
    const uint8_t *all = held_all(s->out.held, &len);
    outgoing_write(s, all, len);
    held_gone(&s->out.held, len);
}

static void hold(struct session *s, const void *bytes, size_t len)
{
    if (held_add(&s->out.held, bytes, len)) {
        session_arm(s);
        return;
    }
    outgoing_release_held(s);
    outgoing_write(s, bytes, len);
}

void outgoing_packet(struct session *s, const void *bytes, size_t len)
{
    if (!s->paced) {
        outgoing_write(s, bytes, len);
        return;
    }
    /* Not past a PUBLISH that waits for its gap either: acknowledgements could keep it waiting for
     * ever. */
    if (s->out.held || outgoing_publish_waits(s) || !pace_allows_packet(&s->out.pace, session_now(s))) {
        hold(s, bytes, len);
        return;
    }
    outgoing_write(s, bytes, len);
    pace_packet_sent(&s->out.pace, session_now(s));
}

void outgoing_packet_apart(struct session *s, const void *bytes, size_t len)
{
    if (s->out.held || outgoing_publish_waits(s) || !pace_allows_next(&s->out.pace, session_now(s))) {
        hold(s, bytes, len);
        return;
    }
    outgoing_write(s, bytes, len);
    pace_held_sent(&s->out.pace, session_now(s));
}

void outgoing_give_turn(struct session *s)
{
    if (s->out.held)
        held_give_turn(s->out.held);
}

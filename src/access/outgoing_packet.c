#include "access/outgoing_private.h"

#include <stdlib.h>

#include "access/held.h"
#include "access/session.h"

/* Packets to a device that are no PUBLISH. */

const struct outbox *outgoing_look(const struct session *s)
{
    static const struct outbox empty;
    return s->out.box ? s->out.box : &empty;
}

struct outbox *outgoing_box(struct session *s)
{
    if (!s->out.box && (s->out.box = calloc(1, sizeof(*s->out.box))))
        s->out.box->heard_ms = session_now(s);
    return s->out.box;
}

bool outgoing_write(struct session *s, const void *bytes, size_t len)
{
    if (conn_write(&s->conn, bytes, len) != MU_OK)
        return false;
    access_count(&s->home->counters.bytes_out, len);
    return true;
}

bool outgoing_publish_waits(const struct session *s)
{
    const struct outbox *box = outgoing_look(s);
    return box->owes_answer || box->queued > box->written;
}

void outgoing_release_next(struct session *s)
{
    size_t len;
    const uint8_t *packet = held_next(s->out.box->held, &len);

    outgoing_write(s, packet, len);
    held_gone(&s->out.box->held, len);
    pace_held_sent(&s->out.pace, session_now(s));
}

void outgoing_release_held(struct session *s)
{
    size_t len;

    if (!outgoing_look(s)->held)
        return;
    const uint8_t *all = held_all(s->out.box->held, &len);
    outgoing_write(s, all, len);
    held_gone(&s->out.box->held, len);
}

static void hold(struct session *s, const void *bytes, size_t len)
{
    struct outbox *box = outgoing_box(s);

    if (box && held_add(&box->held, bytes, len)) {
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
    /* Nor does it go before a PUBLISH that waits for its gap: acknowledgements could delay that for ever. */
    if (outgoing_look(s)->held || outgoing_publish_waits(s) || !pace_allows_packet(&s->out.pace, session_now(s))) {
        hold(s, bytes, len);
        return;
    }
    outgoing_write(s, bytes, len);
    pace_packet_sent(&s->out.pace, session_now(s));
}

void outgoing_packet_apart(struct session *s, const void *bytes, size_t len)
{
    if (outgoing_look(s)->held || outgoing_publish_waits(s) || !pace_allows_next(&s->out.pace, session_now(s))) {
        hold(s, bytes, len);
        return;
    }
    outgoing_write(s, bytes, len);
    pace_held_sent(&s->out.pace, session_now(s));
}

void outgoing_give_turn(struct session *s)
{
    if (outgoing_look(s)->held)
        held_give_turn(s->out.box->held);
}

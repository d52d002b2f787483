#include "access/acks.h"

#include <stdlib.h>

#include "access/send.h"
#include "access/session.h"

#define FIRST_SIZE 64

struct ack {
    session_handle owner;
    struct ack *next;      /* of the same session */
    uint64_t tag;
    enum mu_err err;
};

struct acks {
    struct mail mail;      /* first */
    struct access_loop *home;
    size_t count, size;
    struct ack items[];
};

/* --- on the committer's thread -----------------------------------------------------------------*/

static bool make_room(struct access_loop *home)
{
    struct acks *acks = home->gathered;

    if (acks && acks->count < acks->size)
        return true;
    size_t size = acks ? acks->size * 2 : FIRST_SIZE;
    acks = realloc(acks, sizeof(*acks) + size * sizeof(acks->items[0]));
    if (!acks)
        return false;
    if (!home->gathered)
        acks->count = 0;
    acks->size = size;
    home->gathered = acks;
    return true;
}

void acks_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    struct access_loop *home = (struct access_loop *)sink;

    if (make_room(home))
        home->gathered->items[home->gathered->count++] =
            (struct ack){ .owner = owner, .tag = tag, .err = err };
    else
        atomic_store(&home->acks_lost, true);
}

static void deliver(struct mail *m, struct loop *loop);

static void drop(struct mail *m)
{
    free(m);
}

void acks_flush(struct commit_sink *sink)
{
    struct access_loop *home = (struct access_loop *)sink;
    struct acks *acks = home->gathered;

    home->gathered = NULL;
    if (acks) {
        acks->home = home;
        acks->mail = (struct mail){ .deliver = deliver, .drop = drop };
        loop_post(home->loop, &acks->mail);
    }
    if (atomic_load(&home->wants_room) || atomic_load(&home->acks_lost))
        access_loop_notify(home);
}

void acks_free(struct acks *acks)
{
    free(acks);
}

/* --- on the loop -------------------------------------------------------------------------------*/

/* Not acknowledged: the client sends it again when it has logged in again. */
static void fail(struct session *s, enum mu_err err)
{
    session_end(s, END_EXCEPTION, err == MU_E_FULL ? MQTT_QUOTA_EXCEEDED : MQTT_UNSPECIFIED);
}

/* A paced session gets packets one by one, any other all of them in one write. */
static void append_ack(struct session *s, struct buf *b, enum mqtt_type type, uint16_t id)
{
    uint8_t packet[ACK_SIZE];
    size_t len = packet_of_ack(packet, type, id);

    if (s->paced)
        outgoing_packet(s, packet, len);
    else
        buf_append(b, packet, len);
}

static void write_acks(struct session *s)
{
    struct buf *b = &s->home->scratch;
    enum mu_err failed = MU_OK;

    buf_clear(b);
    for (struct ack *a = s->first_ack; a; a = a->next) {
        struct ack_kind k = ack_kind_of(a->tag);
        if (a->err != MU_OK) {
            count(&s->home->counters.dropped[DROP_JOURNAL], 1);
            if (k.qos) /* a frame without its answer is sent again by itself */
                failed = a->err;
            continue;
        }
        if (k.qos == 2)
            qos2_record(session_qos2(s), k.id);
        if (k.qos)
            append_ack(s, b, k.qos == 2 ? MQTT_PUBREC : MQTT_PUBACK, k.id);
        if (k.has_sn)
            outgoing_frame_ack(s, b, k.sn);
    }
    if (b->err != MU_OK)
        fail(s, b->err);
    else if (b->len)
        outgoing_packet(s, b->data, b->len);
    if (failed != MU_OK)
        fail(s, failed);
    session_acknowledged(s);
}

/* Links each session's acks together, in their order; returns the sessions. */
static struct session *sort_by_session(struct acks *acks)
{
    struct session *sessions = NULL, **end = &sessions;

    for (size_t i = 0; i < acks->count; i++) {
        struct ack *a = &acks->items[i];
        struct session *s = session_slab_find(&acks->home->sessions, a->owner);
        if (!s || (s->state != SESSION_LIVE && s->state != SESSION_LEAVING))
            continue;
        s->uncommitted--;
        if (s->first_ack) {
            s->last_ack->next = a;
        } else {
            s->first_ack = a;
            s->next_acked = NULL;
            *end = s;
            end = &s->next_acked;
        }
        s->last_ack = a;
        a->next = NULL;
    }
    return sessions;
}

static void deliver(struct mail *m, struct loop *loop)
{
    struct acks *acks = (struct acks *)m;
    (void)loop;

    for (struct session *s = sort_by_session(acks), *next; s; s = next) {
        next = s->next_acked;
        write_acks(s);
        s->first_ack = s->last_ack = NULL;
    }
    free(acks);
}

#include "access/acks.h"

#include <assert.h>
#include <stdlib.h>

#include "access/handle.h"
#include "access/send.h"
#include "access/session.h"

/* Acknowledgements: gathered on the committer's thread, written on the loop. */

#define FIRST_SIZE 64

/* Acks are numbered from 1 on; 0 = none. A session knows its first ack while the acks of a batch are written. */
struct ack {
    union {
        session_handle owner;
        struct session *session; /* in the first ack of a session, on the loop */
    };
    uint64_t tag;
    enum mu_err err;
    uint32_t next;       /* of the same session */
    uint32_t last;       /* in the first one: of the session's */
    uint32_t next_first; /* in the first one: the first of the next session */
};

struct acks {
    struct mail mail; /* first */
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
        home->gathered->items[home->gathered->count++] = (struct ack){ .owner = owner, .tag = tag, .err = err };
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

/* The message is not acknowledged: the client sends it again after its next login. */
static void fail(struct session *s, enum mu_err err)
{
    session_end(s, END_EXCEPTION, err == MU_E_FULL ? MQTT_QUOTA_EXCEEDED : MQTT_UNSPECIFIED);
}

static struct ack *ack_at(struct acks *acks, uint32_t number)
{
    assert(number >= 1 && number <= acks->count);
    return &acks->items[number - 1];
}

/* A paced session gets its packets one by one; any other session gets all of them in one write. */
static void append_ack(struct session *s, struct buf *b, enum mqtt_type type, uint16_t id)
{
    uint8_t packet[ACK_SIZE];
    size_t len = send_ack_packet(packet, type, id);

    if (s->paced)
        outgoing_packet(s, packet, len);
    else
        buf_append(b, packet, len);
}

static void write_acks(struct session *s, struct acks *acks)
{
    struct buf *b = &s->home->scratch;
    enum mu_err failed = MU_OK;

    buf_clear(b);
    for (uint32_t n = s->first_ack; n; n = ack_at(acks, n)->next) {
        const struct ack *a = ack_at(acks, n);
        struct ack_kind k = ack_kind_of(a->tag);
        if (a->err != MU_OK) {
            access_count(&s->home->counters.dropped[DROP_JOURNAL], 1);
            if (k.qos) /* without its frame the device sends again anyway */
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

/* Links each session's acks together, in their order; returns the first of the first session. */
static uint32_t sort_by_session(struct acks *acks)
{
    uint32_t first = 0, *end = &first;

    for (uint32_t n = 1; n <= acks->count; n++) {
        struct ack *a = ack_at(acks, n);
        struct session *s = session_slab_find(&acks->home->sessions, a->owner);
        if (!s || s->state == SESSION_NEW || s->state == SESSION_ENDED)
            continue;
        assert(s->uncommitted > 0);
        s->uncommitted--;
        if (s->first_ack) {
            struct ack *of_session = ack_at(acks, s->first_ack);
            ack_at(acks, of_session->last)->next = n;
            of_session->last = n;
        } else {
            s->first_ack = a->last = *end = n;
            a->session = s;
            end = &a->next_first;
        }
    }
    return first;
}

static void deliver(struct mail *m, struct loop *loop)
{
    struct acks *acks = (struct acks *)m;
    (void)loop;

    for (uint32_t first = sort_by_session(acks); first; first = ack_at(acks, first)->next_first) {
        struct session *s = ack_at(acks, first)->session;
        if (s->state == SESSION_CLAIMING)
            handle_claimed(s, ack_at(acks, first)->err);
        else
            write_acks(s, acks);
        s->first_ack = 0;
    }
    free(acks);
}

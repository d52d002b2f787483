#include "net/conn_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop_private.h"

/* Input is read into the loop's buffer, behind the rest that the owner left of earlier input. What it leaves this
 * time is copied into an allocation of just that size. So only a connection in the middle of a message holds
 * memory, and the owner's bytes stay valid even if it closes the connection meanwhile.
 *
 * One event leads to one read, so that no connection starves the others. */

#define READ_SIZE  (64 * 1024)
#define READ_LEAST (16 * 1024) /* room that is made behind a rest */

static size_t kept(const struct conn *c)
{
    return c->in ? c->in->len : 0;
}

static void keep_input(struct conn *c, const uint8_t *rest, size_t len)
{
    if (len > c->owner->in_max && !conn_has(c, CONN_PAUSED)) {
        conn_finish(c, CONN_OVERFLOW);
        return;
    }
    if (len == 0) {
        free(c->in);
        c->in = NULL;
        return;
    }
    if (len != kept(c)) {
        struct conn_input *in = realloc(c->in, sizeof(*in) + len);
        if (!in) {
            conn_finish(c, CONN_OVERFLOW);
            return;
        }
        in->len = (uint32_t)len;
        c->in = in;
    }
    memcpy(c->in->bytes, rest, len);
}

static void deliver(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t used = c->owner->ops.data(c, bytes, len);
    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return;
    assert(used <= len);
    keep_input(c, bytes + used, len - used);
}

/* The loop's buffer with the kept rest in front, and the room behind it. */
static uint8_t *prepare_input(struct conn *c, size_t *room)
{
    size_t rest = kept(c), size = rest + READ_LEAST > READ_SIZE ? rest + READ_LEAST : READ_SIZE;
    size_t most = (size_t)c->owner->in_max + 1;

    if (size > most)
        size = most > rest ? most : rest + 1;
    uint8_t *input = loop_input(conn_loop(c), size);
    if (!input) {
        conn_finish(c, CONN_OVERFLOW);
        return NULL;
    }
    if (rest)
        memcpy(input, c->in->bytes, rest);
    *room = size - rest;
    return input;
}

static void input_ended(struct conn *c, enum transport_status status)
{
    if (status == TRANSPORT_EOF) {
        conn_set(c, CONN_EOF);
        conn_begin_closing(c, CONN_PEER_CLOSED);
    } else {
        conn_finish(c, status == TRANSPORT_TLS_FAILED ? CONN_TLS_FAILED : CONN_PEER_CLOSED);
    }
}

/* A read that did not fill its room has read all input, but perhaps not the end of the stream behind it. */
static bool more_waits(const struct conn *c, enum transport_status status, bool full)
{
    return (status == TRANSPORT_OK && (full || conn_has(c, CONN_END_WAITS))) || transport_has_input(c);
}

void conn_read(struct conn *c)
{
    size_t room, len, rest = kept(c);
    uint8_t *input = prepare_input(c, &room);
    if (!input)
        return;

    enum transport_status status = transport_read(c, input + rest, room, &len);
    bool resumed = conn_has(c, CONN_RESUMED);
    conn_unset(c, CONN_RESUMED);
    if (len || (resumed && rest))
        deliver(c, input, rest + len);
    /* Paused before the end of the stream: the next read reports it again. */
    if (conn_has(c, CONN_ENDED | CONN_CLOSING | CONN_PAUSED))
        return;
    if (status != TRANSPORT_OK && status != TRANSPORT_AGAIN)
        input_ended(c, status);
    else if (more_waits(c, status, len == room))
        conn_queue(c);
}

void conn_discard_input(struct conn *c)
{
    size_t len;
    uint8_t *input = loop_input(conn_loop(c), READ_SIZE);
    enum transport_status status = TRANSPORT_RESET;

    if (input)
        status = transport_read(c, input, READ_SIZE, &len);
    if (status == TRANSPORT_OK || status == TRANSPORT_AGAIN) {
        if (more_waits(c, status, status == TRANSPORT_OK))
            conn_queue(c);
        return;
    }
    if (status != TRANSPORT_EOF || conn_has(c, CONN_LINGERING))
        conn_finish(c, CONN_WE_CLOSED);
    else
        conn_set(c, CONN_EOF);
}

#include "net/conn_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/loop_private.h"

/* Reading goes into the loop's buffer, behind the rest that the owner has left of earlier input; what
 * it leaves this time is copied out into an allocation of just that size. So only a connection in
 * the middle of a message holds memory, and the bytes that the owner looks at stay where they are
 * even if it closes the connection meanwhile.
 *
 * One event leads to one read, so that no connection starves others. */

#define READ_SIZE (64 * 1024)
#define READ_LEAST (16 * 1024) /* room that is made behind a rest */

static void keep_input(struct conn *c, const uint8_t *rest, size_t len)
{
    if (len > c->in_max && !conn_has(c, CONN_PAUSED)) {
        conn_finish(c, CONN_OVERFLOW);
        return;
    }
    if (len == 0) {
        free(c->in);
        c->in = NULL;
    } else if (len != c->in_len) {
        uint8_t *in = realloc(c->in, len);
        if (!in) {
            conn_finish(c, CONN_OVERFLOW);
            return;
        }
        c->in = in;
    }
    if (len)
        memcpy(c->in, rest, len);
    c->in_len = (uint32_t)len;
}

static void deliver(struct conn *c, const uint8_t *bytes, size_t len)
{
    size_t used = c->ops->data(c, bytes, len);
    if (conn_has(c, CONN_ENDED | CONN_CLOSING))
        return;
    assert(used <= len);
    keep_input(c, bytes + used, len - used);
}

/* The loop's buffer with the kept rest in front, and the room behind it. */
static uint8_t *prepare_input(struct conn *c, size_t *room)
{
    size_t size = c->in_len + READ_LEAST > READ_SIZE ? c->in_len + READ_LEAST : READ_SIZE;
    size_t most = (size_t)c->in_max + 1;

    if (size > most)
        size = most > c->in_len ? most : (size_t)c->in_len + 1;
    uint8_t *input = loop_input(c->loop, size);
    if (!input) {
        conn_finish(c, CONN_OVERFLOW);
        return NULL;
    }
    if (c->in_len)
        memcpy(input, c->in, c->in_len);
    *room = size - c->in_len;
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

/* A read that found less than it had room for has found all, but perhaps not the end behind it. */
static bool more_waits(const struct conn *c, enum transport_status status, bool full)
{
    return (status == TRANSPORT_OK && (full || conn_has(c, CONN_END_WAITS))) || transport_has_input(c);
}

void conn_read(struct conn *c)
{
    size_t room, len;
    uint8_t *input = prepare_input(c, &room);
    if (!input)
        return;

    enum transport_status status = transport_read(c, input + c->in_len, room, &len);
    bool resumed = conn_has(c, CONN_RESUMED);
    conn_unset(c, CONN_RESUMED);
    if (len || (resumed && c->in_len))
        deliver(c, input, c->in_len + len);
    /* Paused in front of the end: reading says it again when the owner goes on. */
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
    uint8_t *input = loop_input(c->loop, READ_SIZE);
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

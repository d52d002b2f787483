#include "access/outbox.h"

#include <assert.h>

#define IDS 32 /* packet ids in use are bits of a word */

bool outbox_is_empty(const struct outbox *o)
{
    return !o->first && !o->held && !o->in_flight && !o->owes_answer;
}

void outbox_add(struct outbox *o, struct control_request *req)
{
    req->next = NULL;
    if (o->last)
        o->last->next = req;
    else
        o->first = req;
    o->last = req;
    o->queued++;
}

struct control_request *outbox_pop(struct outbox *o)
{
    struct control_request *req = o->first;

    assert(req && o->queued > 0 && o->written <= o->queued);
    o->first = req->next;
    if (!o->first)
        o->last = NULL;
    o->queued--;
    if (o->written)
        o->written--;
    return req;
}

const struct control_request *outbox_next(const struct outbox *o)
{
    const struct control_request *req = o->first;

    for (unsigned i = 0; i < o->written; i++)
        req = req->next;
    return req;
}

bool outbox_has_free_id(const struct outbox *o, unsigned most)
{
    return o->in_flight != UINT32_MAX && (unsigned)__builtin_popcount(o->in_flight) < most;
}

uint16_t outbox_take_id(struct outbox *o)
{
    assert(o->in_flight != UINT32_MAX);
    int bit = __builtin_ctz(~o->in_flight);

    o->in_flight |= UINT32_C(1) << bit;
    return (uint16_t)(bit + 1);
}

bool outbox_is_in_flight(const struct outbox *o, uint16_t id)
{
    return id <= IDS && o->in_flight >> (id - 1) & 1;
}

void outbox_acked(struct outbox *o, uint16_t id)
{
    assert(outbox_is_in_flight(o, id));
    o->in_flight &= ~(UINT32_C(1) << (id - 1));
}

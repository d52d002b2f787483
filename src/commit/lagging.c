#include "commit/lagging.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

enum { MARK_MESSAGES = LAG_MESSAGES / LAG_MARKS };

bool lagging_init(struct lagging *l)
{
    *l = (struct lagging){ .at = calloc(LAG_DEVICES, sizeof(*l->at)) };
    return l->at != NULL;
}

void lagging_free(struct lagging *l)
{
    free(l->at);
    free(l->has);
    *l = (struct lagging){ 0 };
}

static uint64_t bit_of(uint32_t device)
{
    return UINT64_C(1) << (device & 63);
}

bool lagging_has(const struct lagging *l, uint32_t device)
{
    return device / 64 < l->words && l->has[device / 64] & bit_of(device);
}

bool lagging_may_enter(struct lagging *l, uint32_t device, uint32_t entering)
{
    return l->count + entering < LAG_DEVICES && ARRAY_RESERVE_ZERO(l->has, l->words, device / 64 + 1);
}

/* The oldest mark belongs to the message LAG_MESSAGES before the last marked one. If it is not set, fewer have come
 * since the start. */
int64_t lagging_span_us(const struct lagging *l)
{
    int64_t oldest = l->mark_us[(l->messages / MARK_MESSAGES + 1) % LAG_MARKS], span = l->now_us - oldest;
    return !oldest || span > LAG_LONGEST_US ? LAG_LONGEST_US : span;
}

const struct lag *lagging_peek(const struct lagging *l, uint32_t place)
{
    assert(place < l->count);
    return &l->at[(l->first + place) % LAG_DEVICES];
}

uint32_t lagging_due(const struct lagging *l, size_t messages, int64_t now_us)
{
    uint32_t most = l->count < LAG_AT_ONCE ? l->count : LAG_AT_ONCE, due = 0;

    while (due < most) {
        const struct lag *lag = lagging_peek(l, due);
        if (l->messages + messages - lag->since < LAG_MESSAGES && now_us - lag->since_us < LAG_LONGEST_US)
            break;
        due++;
    }
    return due;
}

void lagging_committed(struct lagging *l, uint32_t due, size_t messages, int64_t now_us)
{
    assert(due <= l->count);
    for (uint32_t i = 0; i < due; i++) {
        uint32_t device = lagging_peek(l, i)->device;
        l->has[device / 64] &= ~bit_of(device);
    }
    l->first = (l->first + due) % LAG_DEVICES;
    l->count -= due;
    l->now_us = now_us;
    for (uint64_t mark = l->messages / MARK_MESSAGES + 1; mark <= (l->messages + messages) / MARK_MESSAGES; mark++)
        l->mark_us[mark % LAG_MARKS] = now_us;
    l->messages += messages;
}

void lagging_enter(struct lagging *l, uint32_t device, uint64_t number)
{
    assert(l->count < LAG_DEVICES && device / 64 < l->words && !lagging_has(l, device));
    l->has[device / 64] |= bit_of(device);
    l->at[(l->first + l->count++) % LAG_DEVICES] =
        (struct lag){ .device = device, .number = number, .since = l->messages, .since_us = l->now_us };
}

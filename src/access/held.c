#include "access/held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "access/mqtt_packet.h"

#define BYTES    2048 /* more than a paced device needs; beyond it all goes at once */
#define TOGETHER 16   /* packets */

struct held {
    size_t at, len; /* of bytes: where the oldest packet begins, and where the newest ends */
    unsigned count; /* packets between */
    size_t turn;    /* packets before this offset may go */
    uint8_t bytes[BYTES];
};

bool held_add(struct held **h, const void *packet, size_t len)
{
    if (!*h) {
        if (!(*h = malloc(sizeof(**h))))
            return false;
        (*h)->at = (*h)->len = (*h)->turn = 0;
        (*h)->count = 0;
    }
    if (len > BYTES - (*h)->len)
        return false;
    memcpy((*h)->bytes + (*h)->len, packet, len);
    (*h)->len += len;
    (*h)->count++;
    return true;
}

const uint8_t *held_all(const struct held *h, size_t *len)
{
    *len = h->len - h->at;
    return h->bytes + h->at;
}

const uint8_t *held_next(const struct held *h, size_t *len)
{
    const uint8_t *all = held_all(h, len);
    struct mqtt_head head;

    if (h->count <= TOGETHER && mqtt_read_head(all, *len, &head) == MQTT_HEAD_WHOLE)
        *len = head.size + head.body;
    return all;
}

void held_gone(struct held **h, size_t len)
{
    assert((*h)->count > 0 && len <= (*h)->len - (*h)->at);
    (*h)->at += len;
    (*h)->count--;
    if ((*h)->at < (*h)->len)
        return;
    free(*h);
    *h = NULL;
}

void held_give_turn(struct held *h)
{
    h->turn = h->len;
}

bool held_has_turn(const struct held *h)
{
    return h->at < h->turn;
}

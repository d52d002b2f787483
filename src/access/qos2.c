#include "access/qos2.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 8

/* In the order in which they came. A client releases them in the same order, so a search mostly ends at the first. */
struct qos2 {
    unsigned count, size;
    unsigned recorded; /* so many, from the first on, are on disk */
    uint16_t ids[];
};

static int find(const struct qos2 *q, uint16_t id)
{
    for (unsigned i = 0; q && i < q->count; i++) {
        if (q->ids[i] == id)
            return (int)i;
    }
    return -1;
}

static bool make_room(struct qos2 **q)
{
    unsigned count = *q ? (*q)->count : 0, size = *q ? (*q)->size * 2 : FIRST_SIZE;

    if (*q && count < (*q)->size)
        return true;
    struct qos2 *grown = realloc(*q, sizeof(*grown) + size * sizeof(grown->ids[0]));
    if (!grown)
        return false;
    if (!*q)
        grown->count = grown->recorded = 0;
    grown->size = size;
    *q = grown;
    return true;
}

enum qos2_seen qos2_receive(struct qos2 **q, uint16_t id, unsigned most)
{
    int i = find(*q, id);

    if (i >= 0)
        return (unsigned)i < (*q)->recorded ? QOS2_RECORDED : QOS2_PENDING;
    if (*q && (*q)->count >= most)
        return QOS2_FULL;
    if (!make_room(q))
        return QOS2_NO_MEMORY;
    (*q)->ids[(*q)->count++] = id;
    return QOS2_NEW;
}

void qos2_record(struct qos2 *q, uint16_t id)
{
    int i = find(q, id);

    if (i >= 0 && (unsigned)i >= q->recorded)
        q->recorded = (unsigned)i + 1;
}

bool qos2_release(struct qos2 *q, uint16_t id)
{
    int i = find(q, id);

    if (i < 0)
        return false;
    assert(q->recorded <= q->count);
    q->count--;
    if ((unsigned)i < q->recorded)
        q->recorded--;
    memmove(q->ids + i, q->ids + i + 1, (q->count - (unsigned)i) * sizeof(q->ids[0]));
    return true;
}

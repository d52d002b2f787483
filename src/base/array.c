#include "base/array.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST = 16 };

bool array_grow(void *array, uint32_t *cap, size_t wanted, size_t size, bool zero)
{
    size_t room = (size_t)*cap + *cap / 2 + LEAST, bytes;
    void *at;

    if (room < wanted)
        room = wanted;
    if (room > UINT32_MAX)
        room = UINT32_MAX;
    if (room < wanted || __builtin_mul_overflow(room, size, &bytes))
        return false;
    memcpy(&at, array, sizeof(at)); /* a pointer to any type */
    if (!(at = realloc(at, bytes)))
        return false;
    if (zero)
        memset((char *)at + *cap * size, 0, (room - *cap) * size);
    memcpy(array, &at, sizeof(at));
    *cap = (uint32_t)room;
    return true;
}

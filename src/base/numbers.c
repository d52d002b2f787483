#include "base/numbers.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

size_t numbers_sort(uint32_t *list, size_t count)
{
    size_t kept = 0;

    if (count)
        qsort(list, count, sizeof(*list), compare);
    for (size_t i = 0; i < count; i++)
        if (!i || list[i] != list[kept - 1])
            list[kept++] = list[i];
    return kept;
}

bool numbers_have(const uint32_t *list, size_t count, uint32_t number)
{
    return count && bsearch(&number, list, count, sizeof(*list), compare);
}

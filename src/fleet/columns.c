#include "fleet/columns.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum mu_err columns_chunks_reserve(void *chunks, uint32_t *count, uint32_t no, size_t size)
{
    uint32_t chunk = no >> CHUNK_BITS;
    void **at;

    memcpy(&at, chunks, sizeof(at));
    if (chunk >= *count) {
        if (!(at = realloc(at, (chunk + 1) * sizeof(*at))))
            return MU_E_NOMEM;
        for (uint32_t i = *count; i <= chunk; i++)
            at[i] = NULL;
        memcpy(chunks, &at, sizeof(at));
        *count = chunk + 1;
    }
    if (!at[chunk])
        at[chunk] = calloc(1, size);
    return at[chunk] ? MU_OK : MU_E_NOMEM;
}

void columns_chunks_free(void *chunks, uint32_t count)
{
    void **at = chunks;

    for (uint32_t i = 0; i < count; i++)
        free(at[i]);
    free(at);
}

enum mu_err columns_reserve(struct columns *cols, uint32_t no)
{
    return columns_chunks_reserve(&cols->chunks, &cols->count, no, sizeof(struct device_chunk));
}

void columns_clear(struct device_chunk *c, uint32_t i)
{
    assert(i < CHUNK_ROWS);
    c->last_report[i] = c->product[i] = c->text[i] = c->place[i] = c->group[i] = c->events[i] = 0;
    c->longitude[i] = c->latitude[i] = 0;
    c->flags[i] = 0;
    c->told[i] = (struct device_told){ 0 };
}

void columns_free(struct columns *cols)
{
    columns_chunks_free(cols->chunks, cols->count);
    *cols = (struct columns){ 0 };
}

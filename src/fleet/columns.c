#include "fleet/columns.h"

#include <stdlib.h>

enum mu_err columns_reserve(struct columns *cols, uint32_t no)
{
    uint32_t chunk = no >> CHUNK_BITS;

    if (chunk >= cols->count) {
        struct device_chunk **chunks = realloc(cols->chunks, (chunk + 1) * sizeof(*chunks));
        if (!chunks)
            return MU_E_NOMEM;
        for (uint32_t i = cols->count; i <= chunk; i++)
            chunks[i] = NULL;
        cols->chunks = chunks;
        cols->count = chunk + 1;
    }
    if (!cols->chunks[chunk])
        cols->chunks[chunk] = calloc(1, sizeof(struct device_chunk));
    return cols->chunks[chunk] ? MU_OK : MU_E_NOMEM;
}

void columns_free(struct columns *cols)
{
    for (uint32_t i = 0; i < cols->count; i++)
        free(cols->chunks[i]);
    free(cols->chunks);
    *cols = (struct columns){ 0 };
}

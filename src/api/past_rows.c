#include "api/past_rows.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"

/* Rows are in a hash table. The slot is the hash of the history (kind, product, part, cycle) plus the number of the
 * period, so the rows of one history never collide. If rows of two histories collide, the later one stays. */
enum { SLOTS = 1 << 13 };

struct past_row {
    struct past_key key;
    size_t len;
    char json[];
};

struct past_rows {
    pthread_mutex_t lock;
    uint64_t version; /* of the newest row; rows of older versions are useless */
    size_t bytes;
    struct past_row *slots[SLOTS];
};

enum mu_err past_rows_create(struct past_rows **out)
{
    struct past_rows *rows = calloc(1, sizeof(*rows));

    if (!rows)
        return MU_E_NOMEM;
    pthread_mutex_init(&rows->lock, NULL);
    *out = rows;
    return MU_OK;
}

static void clear(struct past_rows *rows)
{
    for (size_t i = 0; i < SLOTS; i++) {
        free(rows->slots[i]);
        rows->slots[i] = NULL;
    }
    rows->bytes = 0;
}

void past_rows_destroy(struct past_rows *rows)
{
    if (!rows)
        return;
    clear(rows);
    pthread_mutex_destroy(&rows->lock);
    free(rows);
}

static struct past_row **slot_of(struct past_rows *rows, const struct past_key *key)
{
    uint64_t history = ((uint64_t)key->product << 32 | key->part) * 16 + key->what * 4 + key->cycle;

    assert(key->what < 4 && key->cycle < 4 && key->unused == 0);
    return &rows->slots[(hash_number(history) + (uint32_t)key->period) % SLOTS];
}

bool past_rows_write(struct past_rows *rows, const struct past_key *key, struct json_out *j)
{
    pthread_mutex_lock(&rows->lock);
    const struct past_row *row = *slot_of(rows, key);
    bool found = row && memcmp(&row->key, key, sizeof(*key)) == 0;
    if (found)
        json_raw(j, (struct str){ row->json, row->len });
    pthread_mutex_unlock(&rows->lock);
    return found;
}

static void put(struct past_rows *rows, struct past_row *row)
{
    struct past_row **slot = slot_of(rows, &row->key);
    size_t size = sizeof(*row) + row->len;

    if (*slot)
        rows->bytes -= sizeof(**slot) + (*slot)->len;
    free(*slot);
    *slot = NULL;
    if (row->key.version > rows->version || rows->bytes + size > LIMIT_PAST_ROWS)
        clear(rows);
    rows->version = row->key.version;
    *slot = row;
    rows->bytes += size;
}

void past_rows_keep(struct past_rows *rows, const struct past_key *key, const struct buf *out, size_t from)
{
    struct past_row *row;

    if (out->err != MU_OK)
        return;
    assert(from < out->len);
    from += out->data[from] == ','; /* the comma that the writer put before the row */
    if (!(row = malloc(sizeof(*row) + out->len - from)))
        return;
    row->key = *key;
    row->len = out->len - from;
    memcpy(row->json, out->data + from, row->len);
    pthread_mutex_lock(&rows->lock);
    if (key->version >= rows->version)
        put(rows, row);
    else
        free(row);
    pthread_mutex_unlock(&rows->lock);
}

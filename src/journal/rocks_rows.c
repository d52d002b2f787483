#include "journal/rocks_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

/* Messages, session records and states of a batch. They are kept until the commit and then put in the order of their
 * keys. The memtable's skip list remembers its last place: a record that follows the one inserted before finds its place
 * with two comparisons, any other with some thirty. So the order saves most of a commit's work if devices send several
 * messages into one batch. */

/* Far above LIMIT_BATCH and one packet. */
#define ROWS_MAX (UINT32_C(64) * 1024 * 1024)

static int compare_rows(const void *left, const void *right)
{
    const struct rocks_row *a = left, *b = right;

    if (a->day != b->day)
        return a->day < b->day ? -1 : 1;
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    return a->at < b->at ? -1 : 1; /* in the order in which they came: a device's timestamps increase */
}

void rocks_rows_init(struct rocks_rows *r)
{
    *r = (struct rocks_rows){ 0 };
    buf_init(&r->bytes, ROWS_MAX);
}

void rocks_rows_free(struct rocks_rows *r)
{
    buf_free(&r->bytes);
    free(r->row);
}

void rocks_rows_clear(struct rocks_rows *r)
{
    buf_clear(&r->bytes);
    r->count = 0;
}

enum mu_err rocks_rows_add(struct rocks_rows *r, int32_t day, uint32_t device, const uint8_t *key, size_t key_len,
                           const struct buf *value)
{
    if (!ARRAY_RESERVE(r->row, r->cap, r->count + 1))
        return MU_E_NOMEM;
    struct rocks_row row = { .day = day,
                             .device = device,
                             .at = (uint32_t)r->bytes.len,
                             .key_len = (uint32_t)key_len,
                             .len = (uint32_t)value->len };
    buf_append(&r->bytes, key, key_len);
    buf_append(&r->bytes, value->data, value->len);
    if (r->bytes.err == MU_OK)
        r->row[r->count++] = row;
    return r->bytes.err;
}

void rocks_rows_write(struct rocks_rows *r, const struct rocks_journal *j, rocksdb_writebatch_t *writes)
{
    rocksdb_column_family_handle_t *family = NULL;
    int32_t day = 0;

    if (r->count)
        qsort(r->row, r->count, sizeof(*r->row), compare_rows);
    for (size_t i = 0; i < r->count; i++) {
        const struct rocks_row *row = &r->row[i];
        if (i == 0 || row->day != day) {
            day = row->day;
            family = day == ROW_STATE ? j->fixed[FAMILY_STATE] : rocks_day_family(j, day);
        }
        assert((size_t)row->at + row->key_len + row->len <= r->bytes.len);
        const char *key = (const char *)r->bytes.data + row->at;
        if (family)
            rocksdb_writebatch_put_cf(writes, family, key, row->key_len, key + row->key_len, row->len);
    }
}

#include "journal/postgres_internal.h"

#include <stdlib.h>

/* Versions that nodes have heard of devices, whoever holds their sessions. What is on record is read and locked in the
 * transaction of the batch, so nothing that another node wrote is lost. Devices change their versions rarely enough for
 * that round trip. */

void postgres_merge_versions(struct journal_batch *port, uint32_t device, const struct journal_versions *v, bool told)
{
    struct postgres_batch *b = postgres_batch_of(port);

    if (ARRAY_RESERVE(b->heard, b->heard_cap, b->heard_count + 1))
        b->heard[b->heard_count++] = (struct postgres_heard){ device, told, *v };
    else
        b->err = MU_E_NOMEM;
}

static int by_device(const void *a, const void *b)
{
    uint32_t x = ((const struct postgres_heard *)a)->device, y = ((const struct postgres_heard *)b)->device;
    return (x > y) - (x < y);
}

/* The rows come in any order, so each is looked for. */
static enum mu_err on_locked(void *ctx, struct pg_row *row)
{
    struct postgres_batch *b = ctx;
    struct postgres_heard key = { .device = pg_col_no(row) };
    struct bytes record = postgres_col_bytes(row);
    struct journal_versions v = { 0 };

    if (record.left && codec_versions_decode(record, &v) != MU_OK)
        return MU_E_CORRUPT;
    const struct postgres_heard *h = bsearch(&key, b->heard, b->heard_count, sizeof(*h), by_device);
    if (!h)
        return MU_E_CORRUPT;
    while (h > b->heard && h[-1].device == key.device)
        h--;
    for (; h < b->heard + b->heard_count && h->device == key.device; h++)
        journal_versions_merge(&v, &h->v, h->told);
    postgres_batch_versions(&b->base, key.device, &v);
    return b->err;
}

enum mu_err postgres_versions_merge(struct postgres_journal *j, struct postgres_batch *b)
{
    int64_t *devices;
    size_t count = 0;

    if (!b->heard_count)
        return MU_OK;
    if (!(devices = malloc(b->heard_count * sizeof(*devices))))
        return MU_E_NOMEM;
    qsort(b->heard, b->heard_count, sizeof(*b->heard), by_device);
    for (uint32_t i = 0; i < b->heard_count; i++)
        if (!count || devices[count - 1] != b->heard[i].device)
            devices[count++] = b->heard[i].device;
    enum mu_err err = pg_each(j->writer,
                              "INSERT INTO versions (device, record) SELECT device, ''::bytea "
                              "FROM unnest($1::bigint[]) AS heard (device) ORDER BY device "
                              "ON CONFLICT (device) DO UPDATE SET record = versions.record RETURNING device, record",
                              PG_VALUES(pg_ints(devices, count)), on_locked, b);
    free(devices);
    return err;
}

/* --- reading ----------------------------------------------------------------------------------------- */

struct versions_read {
    journal_versions_fn row;
    void *ctx;
};

static enum mu_err on_row(void *ctx, struct pg_row *row)
{
    const struct versions_read *r = ctx;
    uint32_t device = pg_col_no(row);
    struct journal_versions v;
    enum mu_err err = codec_versions_decode(postgres_col_bytes(row), &v);

    return err == MU_OK ? r->row(r->ctx, device, &v) : err;
}

enum mu_err postgres_device_versions(struct journal *port, const uint32_t *devices, size_t count,
                                     journal_versions_fn row, void *ctx)
{
    return postgres_each_of(port,
                            "SELECT device, record FROM versions WHERE device = ANY ($1::bigint[]) ORDER BY device",
                            devices, count, on_row, &(struct versions_read){ row, ctx });
}

#include "journal/postgres_internal.h"

/* Messages and session records as rows (postgres_internal.h). */

void postgres_number_encode(struct buf *out, uint64_t number)
{
    uint8_t bytes[9];
    uint8_t len = 8;

    bytes_put_u64be(bytes + 1, number);
    while (len > 1 && bytes[9 - len] == 0)
        len--;
    buf_append_u8(out, len);
    buf_append(out, bytes + 9 - len, len);
}

enum mu_err postgres_head_decode(struct bytes *record, int64_t ts_us, enum record_kind kind, struct record_head *out)
{
    uint8_t len = bytes_u8(record);
    const uint8_t *number = bytes_take(record, len);

    *out = (struct record_head){ .ts_us = ts_us };
    if (!number || len == 0 || len > 8)
        return MU_E_CORRUPT;
    for (uint8_t i = 0; i < len; i++)
        out->number = out->number << 8 | number[i];
    return kind == RECORD_MESSAGE ? codec_head_decode(*record, out) : MU_OK;
}

enum mu_err postgres_tell_message(struct bytes record, int64_t ts_us, journal_message_fn row, void *ctx)
{
    struct record_head head;
    struct journal_message m;
    enum mu_err err = postgres_head_decode(&record, ts_us, RECORD_MESSAGE, &head);

    if (err == MU_OK)
        err = codec_message_decode(&head, record, &m);
    return err == MU_OK ? row(ctx, &m) : err;
}

enum mu_err postgres_tell_session(struct bytes record, int64_t ts_us, journal_session_fn row, void *ctx)
{
    struct record_head head;
    struct journal_session s;
    enum mu_err err = postgres_head_decode(&record, ts_us, RECORD_SESSION, &head);

    if (err == MU_OK)
        err = codec_session_decode(&head, record, &s);
    return err == MU_OK ? row(ctx, &s) : err;
}

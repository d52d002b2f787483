#include "journal/rocks_key.h"

#include <string.h>

/* The layout of keys (rocks_key.h). */

void rocks_record_key_head(uint8_t out[RECORD_KEY_HEAD], uint32_t device, enum record_kind kind, int64_t ts_us)
{
    bytes_put_u32be(out, device);
    out[4] = (uint8_t)kind;
    bytes_put_u64be(out + 5, (uint64_t)ts_us);
}

size_t rocks_record_key(uint8_t out[RECORD_KEY_MAX], uint32_t device, enum record_kind kind, int64_t ts_us,
                        uint64_t number)
{
    size_t len = RECORD_KEY_HEAD;

    rocks_record_key_head(out, device, kind, ts_us);
    for (; number >= 0x80; number >>= 7)
        out[len++] = (uint8_t)(number | 0x80);
    out[len++] = (uint8_t)number;
    return len;
}

void rocks_activity_key(uint8_t out[ACTIVITY_KEY_LEN], int32_t day, uint32_t device)
{
    bytes_put_u32be(out, (uint32_t)day);
    bytes_put_u32be(out + 4, device);
}

void rocks_event_key_head(uint8_t out[EVENT_KEY_HEAD], uint32_t device, const struct journal_event *e)
{
    bytes_put_u64be(out, (uint64_t)e->opened_us);
    bytes_put_u32be(out + 8, device);
    out[12] = e->alert;
}

void rocks_control_key(uint8_t out[CONTROL_KEY_LEN], int64_t ts_us, uint64_t request)
{
    bytes_put_u64be(out, (uint64_t)ts_us);
    bytes_put_u64be(out + 8, request);
}

void rocks_alive_key(uint8_t out[ALIVE_KEY_LEN], uint64_t boot)
{
    memcpy(out, "alive", 5);
    bytes_put_u64be(out + 5, boot);
}

enum mu_err rocks_head_decode(struct bytes key, struct bytes value, enum record_kind kind, struct record_head *out)
{
    bytes_take(&key, RECORD_KEY_HEAD - sizeof(uint64_t));
    *out = (struct record_head){ .ts_us = (int64_t)bytes_u64be(&key) };
    out->number = bytes_varint(&key, 10);
    if (key.bad || key.left)
        return MU_E_CORRUPT;
    return kind == RECORD_MESSAGE ? codec_head_decode(value, out) : MU_OK;
}

enum mu_err rocks_event_decode(struct bytes key, struct bytes value, uint32_t *device, struct journal_event *out)
{
    *out = (struct journal_event){ .opened_us = (int64_t)bytes_u64be(&key) };
    *device = bytes_u32be(&key);
    uint8_t kind = bytes_u8(&key);
    out->alert = kind == 1;
    out->name = (struct str){ (const char *)key.at, key.left };
    return key.bad || kind > 1 ? MU_E_CORRUPT : codec_event_decode(value, out);
}

enum mu_err rocks_control_decode(struct bytes key, struct bytes value, struct journal_control *out)
{
    *out = (struct journal_control){ .ts_us = (int64_t)bytes_u64be(&key) };
    out->request = bytes_u64be(&key);
    return key.bad || key.left ? MU_E_CORRUPT : codec_control_decode(value, out);
}

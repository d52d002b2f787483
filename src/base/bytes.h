#ifndef MUSTER_BASE_BYTES_H
#define MUSTER_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reading bytes that came from outside. Every read is checked. After a failed read all later ones fail too, so a decoder
 * looks at `bad` once, at the end. Pure. */
struct bytes {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){ .at = data, .left = len };
}

/* The next n bytes, or NULL. */
static inline const uint8_t *bytes_take(struct bytes *r, size_t n)
{
    if (r->bad || n > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += n;
    r->left -= n;
    return at;
}

static inline uint8_t bytes_u8(struct bytes *r)
{
    const uint8_t *p = bytes_take(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t bytes_u16be(struct bytes *r)
{
    const uint8_t *p = bytes_take(r, 2);
    return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t bytes_u32be(struct bytes *r)
{
    const uint8_t *p = bytes_take(r, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t bytes_u64be(struct bytes *r)
{
    uint64_t high = bytes_u32be(r);
    return high << 32 | bytes_u32be(r);
}

/* The counterparts of bytes_u32be and bytes_u64be. */
static inline void bytes_put_u32be(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline void bytes_put_u64be(uint8_t *out, uint64_t v)
{
    bytes_put_u32be(out, (uint32_t)(v >> 32));
    bytes_put_u32be(out + 4, (uint32_t)v);
}

/* The counterpart of buf_append_varint; at most max_bytes long (MQTT: 4). */
static inline uint64_t bytes_varint(struct bytes *r, unsigned max_bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < max_bytes && i < 10; i++) {
        uint8_t b = bytes_u8(r);
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

/* The counterpart of buf_append_signed. */
static inline int64_t bytes_signed(struct bytes *r)
{
    uint64_t v = bytes_varint(r, 10);
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

#endif

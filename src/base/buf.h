#ifndef MUSTER_BASE_BUF_H
#define MUSTER_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* A growable run of bytes that is given its maximum size at birth.
 *
 * Appending past the maximum, or without memory, sets `err` and appends nothing; everything after
 * that is ignored too. So a writer appends freely and looks at `err` once, at the end. Not
 * thread-safe; the owner frees it. */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
    enum mu_err err;
};

/* An empty buffer that holds no memory yet. */
void buf_init(struct buf *b, size_t max);

/* Frees the memory; the buffer is as after buf_init with the same maximum. */
void buf_free(struct buf *b);

/* Forgets the content and the error, keeps the memory. */
void buf_clear(struct buf *b);

/* The part of buf_reserve that allocates, or fails. */
uint8_t *buf_grow(struct buf *b, size_t n);

/* Room for n more bytes behind data + len, NULL (and err set) if there is none. The caller writes
 * there and adds to len. */
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
    /* n - 1, so that n = 0 goes the long way: there may be no memory yet. */
    return b->err == MU_OK && n - 1 < b->cap - b->len ? b->data + b->len : buf_grow(b, n);
}

/* Inline, so that for a known n the compiler copies without a call: answers are made of short pieces. */
static inline void buf_append(struct buf *b, const void *bytes, size_t n)
{
    uint8_t *at;

    if (n && (at = buf_reserve(b, n))) {
        memcpy(at, bytes, n);
        b->len += n;
    }
}

static inline void buf_append_str(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

static inline void buf_append_u8(struct buf *b, uint8_t v)
{
    buf_append(b, &v, 1);
}

void buf_append_u16be(struct buf *b, uint16_t v);
void buf_append_u32be(struct buf *b, uint32_t v);
void buf_append_u64be(struct buf *b, uint64_t v);
/* LEB128: seven bits a byte, least significant first, as MQTT's remaining length is coded. */
void buf_append_varint(struct buf *b, uint64_t v);
/* A varint that is short for small numbers of either sign. */
static inline void buf_append_signed(struct buf *b, int64_t v)
{
    buf_append_varint(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args);

/* Replaces every control character from there on by "?": a text of a peer or a file is shown to an operator in one line,
 * and must not change his terminal. */
void buf_make_plain(struct buf *b, size_t from);

/* Removes the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

#endif

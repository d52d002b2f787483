#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

/* A growable buffer with a maximum (buf.h). */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_free(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = MU_OK;
}

uint8_t *buf_grow(struct buf *b, size_t n)
{
    if (b->err != MU_OK)
        return NULL;
    if (n > b->max - b->len) {
        b->err = MU_E_LIMIT;
        return NULL;
    }
    if (n > b->cap - b->len) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->len + n)
            cap *= 2;
        if (cap > b->max)
            cap = b->max;
        uint8_t *data = realloc(b->data, cap);
        if (!data) {
            b->err = MU_E_NOMEM;
            return NULL;
        }
        b->data = data;
        b->cap = cap;
    }
    /* A zero-byte reservation in an empty buffer must not look like a failure. */
    return b->data ? b->data + b->len : (uint8_t *)"";
}

void buf_append_u16be(struct buf *b, uint16_t v)
{
    buf_append(b, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

void buf_append_u32be(struct buf *b, uint32_t v)
{
    uint8_t bytes[4];

    bytes_put_u32be(bytes, v);
    buf_append(b, bytes, sizeof(bytes));
}

void buf_append_u64be(struct buf *b, uint64_t v)
{
    uint8_t bytes[8];

    bytes_put_u64be(bytes, v);
    buf_append(b, bytes, sizeof(bytes));
}

void buf_append_varint(struct buf *b, uint64_t v)
{
    uint8_t bytes[10];
    size_t n = 0;

    do {
        bytes[n] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
        n++;
    } while (v);
    buf_append(b, bytes, n);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);

    uint8_t *at;
    if (n > 0 && (at = buf_reserve(b, (size_t)n + 1))) {
        vsnprintf((char *)at, (size_t)n + 1, format, args);
        b->len += (size_t)n;
    }
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_make_plain(struct buf *b, size_t from)
{
    for (size_t i = from; i < b->len; i++) {
        /* U+0080 to U+009F are two bytes; for some terminals the second one is a control character. */
        if (b->data[i] == 0xc2 && i + 1 < b->len && b->data[i + 1] < 0xa0)
            b->data[i] = b->data[i + 1] = '?';
        else if (b->data[i] < 0x20 || b->data[i] == 0x7f)
            b->data[i] = '?';
    }
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

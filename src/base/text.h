#ifndef MUSTER_BASE_TEXT_H
#define MUSTER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* Text that is not ours: a pointer into somebody's buffer and its length, not terminated. */
struct str {
    const char *at;
    size_t len;
};

#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

static inline struct str str_of(const char *text)
{
    return (struct str){ text, strlen(text) };
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && memcmp(s.at, prefix.at, prefix.len) == 0;
}

/* Sets a bit for each of eight bytes that is below `least` or above 0x7f, or is one of the two others. (A borrow may also
 * mark the byte behind such a byte.) */
static inline uint64_t text_marks(uint64_t eight, char least, char one, char other)
{
    const uint64_t each = UINT64_MAX / 255;
    uint64_t ones = eight ^ each * (uint8_t)one, others = eight ^ each * (uint8_t)other;

    return ((eight - each * (uint8_t)least) | eight | (ones - each) | (others - each)) & each * 0x80;
}

/* True if s is ASCII, and has no character below `least` and none of the two others. Nearly every text is so; eight bytes
 * are tested at a time. `least` itself is neither of the two. */
static inline bool str_is_plain(struct str s, char least, char one, char other)
{
    uint64_t eight;

    for (size_t at = 0; at + sizeof(eight) < s.len; at += sizeof(eight)) {
        memcpy(&eight, s.at + at, sizeof(eight));
        if (text_marks(eight, least, one, other))
            return false;
    }
    /* The last eight bytes, some of them for the second time; all bytes of a shorter text. */
    if (s.len >= sizeof(eight)) {
        memcpy(&eight, s.at + s.len - sizeof(eight), sizeof(eight));
    } else {
        eight = UINT64_MAX / 255 * (uint8_t)least;
        for (size_t at = 0; at < s.len; at++)
            eight = eight << 8 | (uint8_t)s.at[at];
    }
    return !text_marks(eight, least, one, other);
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
struct str str_trim(struct str s);              /* blanks and tabs at both ends */
struct str str_skip_mark(struct str s);         /* the byte order mark that some put before UTF-8 */

/* Takes the first line off *s, and what ends it; the line is without it. */
struct str str_take_line(struct str *s);

/* Copies s into out with a terminator; false if it does not fit in size bytes or contains NUL. */
bool str_copy(char *out, size_t size, struct str s);

/* A decimal integer, '-' before it allowed, and nothing else; false on anything else or overflow. */
bool str_int64(struct str s, int64_t *out);

/* Writes v in digits that end before `end`, 20 at most; returns where they begin. */
char *decimal_before(char *end, uint64_t v);

/* The length of the well-formed UTF-8 character at the start of s (NUL counts as one), 0 if there
 * is none: an empty text, a stray or missing continuation byte, an overlong form, a surrogate. */
size_t utf8_char_len(struct str s);

/* True if s is well-formed UTF-8 without NUL. */
bool str_utf8(struct str s);

/* out gets 2 * len lower-case digits and a terminator. */
void hex_encode(const uint8_t *bytes, size_t len, char *out);

/* Any case; MU_E_SYNTAX on an odd length or a foreign character. out gets len / 2 bytes. */
MU_MUST_USE enum mu_err hex_decode(const char *hex, size_t len, uint8_t *out);

/* Standard alphabet, padding as RFC 4648 asks, else MU_E_SYNTAX; out needs 3 * (len / 4) bytes. */
MU_MUST_USE enum mu_err base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len);

/* Decodes %XX (and '+' as a blank where plus_is_space) in place; MU_E_SYNTAX on a bad escape or on
 * %00, which no text of ours may contain. */
MU_MUST_USE enum mu_err url_decode(char *text, size_t *len, bool plus_is_space);

#endif

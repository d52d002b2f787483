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

bool str_eq_nocase(struct str a, struct str b);   /* ASCII only */
struct str str_trim(struct str s);                /* blanks and tabs at both ends */

/* Takes the first line off *s, and what ends it; the line is without it. */
struct str str_take_line(struct str *s);

/* Copies s into out with a terminator; false if it does not fit in size bytes or contains NUL. */
bool str_copy(char *out, size_t size, struct str s);

/* A decimal integer, '-' before it allowed, and nothing else; false on anything else or overflow. */
bool str_int64(struct str s, int64_t *out);

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

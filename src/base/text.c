#include "base/text.h"

/* Text: comparing, numbers, UTF-8, hex, base64 and URLs. */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    if (memcmp(a.at, b.at, a.len) == 0) /* the usual case: names are written as they are read */
        return true;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct str str_skip_mark(struct str s)
{
    static const struct str mark = { "\xef\xbb\xbf", 3 };

    return str_starts(s, mark) ? (struct str){ s.at + mark.len, s.len - mark.len } : s;
}

struct str str_take_line(struct str *s)
{
    const char *end = s->len ? memchr(s->at, '\n', s->len) : NULL;
    struct str line = { s->at, end ? (size_t)(end - s->at) : s->len };

    s->at += line.len + (end != NULL);
    s->len -= line.len + (end != NULL);
    return line;
}

bool str_copy(char *out, size_t size, struct str s)
{
    if (s.len >= size || (s.len && memchr(s.at, '\0', s.len)))
        return false;
    if (s.len)
        memcpy(out, s.at, s.len);
    out[s.len] = '\0';
    return true;
}

bool str_int64(struct str s, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t v = 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        /* Counted downwards, since INT64_MIN has no positive counterpart. */
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.at[i] - '0', &v))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, v, &v))
        return false;
    *out = v;
    return true;
}

char *decimal_before(char *end, uint64_t v)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    for (; v >= 100; v /= 100)
        memcpy(end -= 2, &pairs[v % 100 * 2], 2);
    if (v >= 10)
        return memcpy(end - 2, &pairs[v * 2], 2);
    *--end = (char)('0' + v);
    return end;
}

/* Table 3-7 of the Unicode standard: the range of the second byte excludes overlong forms, surrogates and what lies
 * beyond U+10FFFF. */
size_t utf8_char_len(struct str s)
{
    const uint8_t *p = (const uint8_t *)s.at;
    uint8_t low = 0x80, high = 0xbf;
    size_t len;

    if (s.len == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        len = 3;
        if (p[0] == 0xe0)
            low = 0xa0;
        else if (p[0] == 0xed)
            high = 0x9f;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        if (p[0] == 0xf0)
            low = 0x90;
        else if (p[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (s.len < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    }
    return len;
}

bool str_utf8(struct str s)
{
    while (s.len) {
        size_t n = utf8_char_len(s);
        if (n == 0 || s.at[0] == '\0')
            return false;
        s.at += n;
        s.len -= n;
    }
    return true;
}

void hex_encode(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum mu_err hex_decode(const char *hex, size_t len, uint8_t *out)
{
    if (len % 2)
        return MU_E_SYNTAX;
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
        if (high < 0 || low < 0)
            return MU_E_SYNTAX;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return MU_OK;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum mu_err base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
    size_t n = 0;

    if (len % 4)
        return MU_E_SYNTAX;
    for (size_t i = 0; i < len; i += 4) {
        unsigned padding = 0;
        uint32_t bits = 0;
        if (i + 4 == len && text[i + 3] == '=')
            padding = text[i + 2] == '=' ? 2 : 1;
        for (unsigned k = 0; k < 4; k++) {
            int digit = k < 4 - padding ? base64_digit(text[i + k]) : 0;
            if (digit < 0)
                return MU_E_SYNTAX;
            bits = bits << 6 | (uint32_t)digit;
        }
        /* Bits under the padding must be 0, or two texts would mean the same bytes. */
        if (bits & ((1u << (8 * padding)) - 1))
            return MU_E_SYNTAX;
        for (unsigned k = 0; k < 3 - padding; k++)
            out[n++] = (uint8_t)(bits >> (16 - 8 * k));
    }
    *out_len = n;
    return MU_OK;
}

enum mu_err url_decode(char *text, size_t *len, bool plus_is_space)
{
    size_t n = 0;

    for (size_t i = 0; i < *len; i++) {
        char c = text[i];
        if (c == '%') {
            uint8_t byte;
            if (*len - i < 3 || hex_decode(text + i + 1, 2, &byte) != MU_OK || byte == 0)
                return MU_E_SYNTAX;
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        text[n++] = c;
    }
    *len = n;
    return MU_OK;
}

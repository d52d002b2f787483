#include "base/json_out.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Writes the comma that may be needed and returns room for a value of n bytes, all of which the caller must fill. NULL:
 * no room. */
static char *place(struct json_out *j, size_t n)
{
    size_t comma = j->need_comma;
    char *at = (char *)buf_reserve(j->out, comma + n);

    if (!at)
        return NULL;
    if (comma)
        *at++ = ',';
    j->out->len += comma + n;
    j->need_comma = true;
    return at;
}

static void begin(struct json_out *j, char bracket)
{
    char *at = place(j, 1);

    if (at)
        *at = bracket;
    j->need_comma = false;
}

static void end(struct json_out *j, char bracket)
{
    buf_append_u8(j->out, (uint8_t)bracket);
    j->need_comma = true;
}

void json_object_begin(struct json_out *j)
{
    begin(j, '{');
}

void json_object_end(struct json_out *j)
{
    end(j, '}');
}

void json_array_begin(struct json_out *j)
{
    begin(j, '[');
}

void json_array_end(struct json_out *j)
{
    end(j, ']');
}

static void write_escape(struct buf *out, uint8_t c)
{
    static const char letters[32] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };

    if (c == '"' || c == '\\')
        buf_append(out, (uint8_t[]){ '\\', c }, 2);
    else if (letters[c])
        buf_append(out, (uint8_t[]){ '\\', (uint8_t)letters[c] }, 2);
    else
        buf_printf(out, "\\u%04x", c);
}

/* Not inlined, so that plain text, the usual case, does not pay for its registers and stack. */
static __attribute__((noinline)) void write_any_string(struct json_out *j, struct str s)
{
    struct buf *out = j->out;
    size_t i = 0, run = 0; /* run: start of the bytes not yet written, which go out as they are */

    place(j, 0);
    buf_append_u8(out, '"');
    while (i < s.len) {
        uint8_t c = (uint8_t)s.at[i];
        size_t n = c < 0x80 ? 1 : utf8_char_len((struct str){ s.at + i, s.len - i });
        if (n && c >= 0x20 && c != '"' && c != '\\') {
            i += n;
            continue;
        }
        buf_append(out, s.at + run, i - run);
        if (n)
            write_escape(out, c);
        else
            buf_append_str(out, "\xef\xbf\xbd"); /* U+FFFD */
        run = ++i;
    }
    if (run < i)
        buf_append(out, s.at + run, i - run);
    buf_append_u8(out, '"');
}

/* Writes text with nothing to escape, and `behind` after its closing quote. */
static void write_plain(struct json_out *j, struct str s, struct str behind)
{
    char *at = place(j, s.len + 2 + behind.len);

    if (!at)
        return;
    *at++ = '"';
    if (s.len)
        memcpy(at, s.at, s.len);
    at[s.len] = '"';
    memcpy(at + s.len + 1, behind.at, behind.len);
}

void json_str(struct json_out *j, struct str s)
{
    if (str_is_plain(s, ' ', '"', '\\'))
        write_plain(j, s, STR(""));
    else
        write_any_string(j, s);
}

void json_key_plain(struct json_out *j, struct str key)
{
    write_plain(j, key, STR(":"));
    j->need_comma = false;
}

void json_key_str(struct json_out *j, struct str key)
{
    json_str(j, key);
    buf_append_u8(j->out, ':');
    j->need_comma = false;
}

void json_text(struct json_out *j, const char *text)
{
    if (text)
        json_str(j, str_of(text));
    else
        json_no_value(j);
}

void json_raw(struct json_out *j, struct str json)
{
    char *at = place(j, json.len);

    if (at && json.len)
        memcpy(at, json.at, json.len);
}

void json_bool(struct json_out *j, bool v)
{
    json_raw(j, v ? STR("true") : STR("false"));
}

void json_no_value(struct json_out *j)
{
    json_raw(j, STR("null"));
}

/* Digits of v with a point before the last `decimals` of them. */
static void write_decimal(struct json_out *j, bool negative, uint64_t v, unsigned decimals)
{
    char text[24];
    char *at = text + sizeof(text);

    for (unsigned n = 0; n < decimals; n++, v /= 10)
        *--at = (char)('0' + v % 10);
    if (decimals)
        *--at = '.';
    at = decimal_before(at, v);
    if (negative)
        *--at = '-';
    json_raw(j, (struct str){ at, (size_t)(text + sizeof(text) - at) });
}

void json_int(struct json_out *j, int64_t v)
{
    write_decimal(j, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0);
}

void json_double(struct json_out *j, double v)
{
    /* A decimal of up to 15 digits has a double of its own, and the quotient of two exact doubles is that double.
     * So if m / 10^n is v, m with n decimals is the text of v. This is enough for what devices measure; the loop
     * below, ten times slower, handles the rest. */
    double scale = 1;
    for (unsigned decimals = 0; decimals <= 6; decimals++, scale *= 10) {
        double m = nearbyint(fabs(v) * scale);
        if (!(m < 1e15))
            break;
        if (m / scale == fabs(v)) {
            write_decimal(j, v < 0, (uint64_t)m, decimals);
            return;
        }
    }
    if (!isfinite(v)) {
        json_no_value(j);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    json_raw(j, str_of(text));
}

void json_seconds_ms(struct json_out *j, int64_t us)
{
    int64_t ms = us / 1000 - (us % 1000 < 0);

    write_decimal(j, ms < 0, ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms, 3);
}

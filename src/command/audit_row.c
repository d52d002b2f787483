#include "command/audit_row.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/json_out.h"
#include "command/sheet.h"

/* The three layouts of an audit row: wide columns, a block, JSON. */

/* In the block layout, the first column has the time, the second everything else. */
enum { BLOCK_SECOND = 27, BLOCK_WIDTH = 80 - BLOCK_SECOND };

static const char *who_text(const struct audit_row *row, char *out, size_t size)
{
    if (row->enterprise_id.len)
        snprintf(out, size, "%.*s %016" PRIx64, (int)row->enterprise_id.len, row->enterprise_id.at, row->request);
    else if (row->user.len)
        snprintf(out, size, "%.*s (%u)", (int)row->user.len, row->user.at, row->uid);
    else
        snprintf(out, size, "uid %u", row->uid);
    return out;
}

static const char *result_text(uint32_t error, char *out, size_t size)
{
    if (error)
        snprintf(out, size, "error %u", error);
    else
        snprintf(out, size, "done");
    return out;
}

/* --- wide ------------------------------------------------------------------------------------------- */

void audit_row_heading(struct buf *out)
{
    buf_printf(out, "%-25s  %-49s  %-12s  %-10s  %-32s  %-11s  %s\n", "TIME", "WHO", "ACTION", "KIND", "ID", "RESULT",
               "CHANGE");
}

static void write_wide(struct buf *out, const struct calendar *calendar, const struct audit_row *row, uint32_t error)
{
    char when[32], who[64], result[24];

    buf_printf(out, "%-25s  %-49s  %-12.*s  %-10.*s  %-32.*s  %-11s  %.*s\n",
               sheet_time(calendar, row->place.at_us / 1000000, when), who_text(row, who, sizeof(who)),
               (int)row->action.len, row->action.at, (int)row->kind.len, row->kind.at, (int)row->id.len, row->id.at,
               result_text(error, result, sizeof(result)), (int)row->change.len, row->change.at);
}

/* --- a block ---------------------------------------------------------------------------------------- */

/* The number of bytes that go on this line: whole words, or a part of a word that is longer than a line. */
static size_t fitting(struct str text)
{
    size_t n = text.len < BLOCK_WIDTH ? text.len : BLOCK_WIDTH;

    assert(n > 0);
    if (n == text.len || text.at[n] == ' ')
        return n;
    for (size_t i = n; i > 0; i--)
        if (text.at[i - 1] == ' ')
            return i - 1;
    while (n > 1 && ((unsigned char)text.at[n] & 0xc0) == 0x80) /* do not cut a UTF-8 character */
        n--;
    return n;
}

/* Writes text in the second column, wrapped; `first` stands before its first line. */
static void write_wrapped(struct buf *out, const char *first, struct str text)
{
    for (; text.len; first = "") {
        size_t n = fitting(text);
        buf_printf(out, "%-*s%.*s\n", BLOCK_SECOND, first, (int)n, text.at);
        n += n < text.len && text.at[n] == ' ';
        text = (struct str){ text.at + n, text.len - n };
    }
}

static void write_block(struct buf *out, const struct calendar *calendar, const struct audit_row *row, uint32_t error)
{
    char when[32], who[64], result[24], what[512], by[128];

    snprintf(what, sizeof(what), "%.*s %.*s %.*s", (int)row->action.len, row->action.at, (int)row->kind.len,
             row->kind.at, (int)row->id.len, row->id.at);
    snprintf(by, sizeof(by), "by %s%s%s", who_text(row, who, sizeof(who)), error ? ": " : "",
             error ? result_text(error, result, sizeof(result)) : "");
    write_wrapped(out, sheet_time(calendar, row->place.at_us / 1000000, when), str_of(what));
    write_wrapped(out, "", str_of(by));
    write_wrapped(out, "", row->change);
}

/* --- JSON ------------------------------------------------------------------------------------------- */

static void write_optional(struct json_out *j, const char *key, struct str text)
{
    if (text.len)
        json_put_str(j, key, text);
    else
        json_put_null(j, key);
}

static void write_json(struct buf *out, const struct audit_row *row, uint32_t error)
{
    struct json_out j = json_out_to(out);
    char request[17];
    bool by_operator = row->enterprise_id.len == 0;

    snprintf(request, sizeof(request), "%016" PRIx64, row->request);
    json_object_begin(&j);
    json_put_seconds_ms(&j, "time", row->place.at_us);
    write_optional(&j, "enterprise_id", row->enterprise_id);
    write_optional(&j, "request_id", by_operator ? STR("") : str_of(request));
    json_key(&j, "uid");
    if (by_operator)
        json_int(&j, row->uid);
    else
        json_no_value(&j);
    write_optional(&j, "user", row->user);
    json_put_str(&j, "command", row->command);
    json_put_str(&j, "action", row->action);
    json_put_str(&j, "kind", row->kind);
    json_put_str(&j, "id", row->id);
    json_put_str(&j, "change", row->change);
    json_key(&j, "error_code");
    if (error)
        json_int(&j, error);
    else
        json_no_value(&j);
    json_object_end(&j);
    buf_append_u8(out, '\n');
}

void audit_row_write(struct buf *out, enum audit_layout layout, const struct calendar *calendar,
                     const struct audit_row *row, uint32_t error)
{
    assert(layout < AUDIT_LAYOUTS);
    switch (layout) {
    case AUDIT_JSON: write_json(out, row, error); break;
    case AUDIT_WIDE: write_wide(out, calendar, row, error); break;
    default: write_block(out, calendar, row, error); break;
    }
}

#include "base/json_indent.h"

static void begin_line(struct buf *out, size_t level)
{
    buf_append_u8(out, '\n');
    for (size_t i = 0; i < level; i++)
        buf_append_str(out, "  ");
}

/* Up to the quote that ends it; returns how long it is with both. */
static size_t string_len(struct str json)
{
    size_t at = 1;

    while (at < json.len && json.at[at] != '"')
        at += json.at[at] == '\\' ? 2 : 1;
    return at < json.len ? at + 1 : json.len;
}

void json_indent(struct buf *out, struct str json)
{
    size_t level = 0, step;

    for (; json.len; json.at += step, json.len -= step) {
        char c = *json.at;
        bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        bool empty = opens && json.len > 1 && (json.at[1] == '}' || json.at[1] == ']');

        step = c == '"' ? string_len(json) : empty ? 2 : 1;
        if (closes && level)
            begin_line(out, --level);
        buf_append(out, json.at, step);
        if (opens && !empty)
            begin_line(out, ++level);
        else if (c == ',')
            begin_line(out, level);
        else if (c == ':')
            buf_append_u8(out, ' ');
    }
    buf_append_u8(out, '\n');
}

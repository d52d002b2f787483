#ifndef MUSTER_BASE_JSON_OUT_H
#define MUSTER_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* A streaming JSON writer: UTF-8 as it is, not \u-escaped (contract, "JSON out"); commas placed by
 * itself. Text that is not UTF-8 is written with U+FFFD for the bad bytes, so that an answer is
 * always valid JSON. Errors are the buffer's. */
struct json_out {
    struct buf *out;
    bool need_comma;
};

static inline struct json_out json_out_to(struct buf *out)
{
    return (struct json_out){ .out = out };
}

void json_object_begin(struct json_out *j);
void json_object_end(struct json_out *j);
void json_array_begin(struct json_out *j);
void json_array_end(struct json_out *j);
void json_key_str(struct json_out *j, struct str key);
/* ASCII without anything to escape. */
void json_key_plain(struct json_out *j, struct str key);

/* What the compiler knows is a literal of ours, which is plain; any other key is looked through. */
static inline void json_key(struct json_out *j, const char *key)
{
    if (__builtin_constant_p(strlen(key)))
        json_key_plain(j, str_of(key));
    else
        json_key_str(j, str_of(key));
}

void json_str(struct json_out *j, struct str s);
void json_text(struct json_out *j, const char *text); /* NULL writes null */
void json_int(struct json_out *j, int64_t v);
void json_bool(struct json_out *j, bool v);
void json_no_value(struct json_out *j); /* null (json_null is jansson's) */
/* The shortest text that reads back as the same double; an integral value without a fraction. What
 * JSON cannot say (infinite, not a number) is null. */
void json_double(struct json_out *j, double v);
/* Microseconds as seconds with exactly three decimals, cut: log timestamps (contract, "time"). */
void json_seconds_ms(struct json_out *j, int64_t us);
/* A value that is JSON text already. */
void json_raw(struct json_out *j, struct str json);

#endif

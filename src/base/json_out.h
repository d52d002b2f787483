#ifndef MUSTER_BASE_JSON_OUT_H
#define MUSTER_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

/* A streaming JSON writer. It places the commas, and writes UTF-8 as it is, not \u-escaped (contract, "JSON out"). In
 * text that is not UTF-8 it replaces the bad bytes by U+FFFD, so an answer is always valid JSON. The buffer's err tells
 * of a failure. */
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

/* A literal of ours is plain, and the compiler knows it; any other key is examined. */
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
/* The shortest text that reads back as the same double; an integral value without a fraction. Infinity and NaN, which
 * JSON does not have, are null. */
void json_double(struct json_out *j, double v);
/* Microseconds as seconds with exactly three decimals, cut: log timestamps (contract, "time"). */
void json_seconds_ms(struct json_out *j, int64_t us);
/* A value that is JSON text already. */
void json_raw(struct json_out *j, struct str json);

/* --- a member of an object: key and value --------------------------------------------------------- */
#define JSON_PUT(kind, type)                                                            \
    static inline void json_put_##kind(struct json_out *j, const char *key, type value) \
    {                                                                                   \
        json_key(j, key);                                                               \
        json_##kind(j, value);                                                          \
    }
JSON_PUT(str, struct str)
JSON_PUT(text, const char *)
JSON_PUT(int, int64_t)
JSON_PUT(bool, bool)
JSON_PUT(double, double)
JSON_PUT(seconds_ms, int64_t)
JSON_PUT(raw, struct str)
#undef JSON_PUT
static inline void json_put_null(struct json_out *j, const char *key)
{
    json_key(j, key);
    json_no_value(j);
}
/* A count of things, below INT64_MAX. */
static inline void json_put_count(struct json_out *j, const char *key, uint64_t count)
{
    json_put_int(j, key, (int64_t)count);
}
/* An empty text is null. */
static inline void json_put_text_or_null(struct json_out *j, const char *key, const char *text)
{
    json_put_text(j, key, *text ? text : NULL);
}
/* Begins an object or an array as a member; ends with json_object_end, json_array_end. */
static inline void json_put_object(struct json_out *j, const char *key)
{
    json_key(j, key);
    json_object_begin(j);
}
static inline void json_put_array(struct json_out *j, const char *key)
{
    json_key(j, key);
    json_array_begin(j);
}

#endif

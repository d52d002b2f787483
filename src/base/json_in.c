#include "base/json_in.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DOUBLE_WHOLE_MAX 9007199254740992.0 /* 2^53: below it every whole number has its own double */

/* The place as jansson gives it: lines from 1 on, columns in characters. */
static void tell_nul(struct str before, json_error_t *why)
{
    *why = (json_error_t){ .line = 1, .position = (int)before.len };
    for (size_t i = 0; i < before.len; i++) {
        if (before.at[i] == '\n') {
            why->line++;
            why->column = 0;
        } else if (((uint8_t)before.at[i] & 0xc0) != 0x80) {
            why->column++;
        }
    }
    snprintf(why->source, sizeof(why->source), "<buffer>");
    snprintf(why->text, sizeof(why->text), "NUL byte");
}

/* jansson quotes what it has met, and may cut it in the middle of a character. */
static void mend_utf8(char *text)
{
    for (size_t left = strlen(text), len; left; text += len, left -= len) {
        len = utf8_char_len((struct str){ text, left });
        if (!len) {
            *text = '?';
            len = 1;
        }
    }
}

json_t *json_read(struct str text, size_t flags, json_error_t *why)
{
    json_t *json = json_loadb(text.at, text.len, flags, why);

    if (!json && why)
        mend_utf8(why->text);
    /* After a number or a literal jansson takes a NUL for a blank; elsewhere it refuses one. */
    const char *nul = json ? memchr(text.at, '\0', text.len) : NULL;
    if (!nul)
        return json;
    if (why)
        tell_nul((struct str){ text.at, (size_t)(nul - text.at) }, why);
    json_decref(json);
    return NULL;
}

bool json_whole(const json_t *json, int64_t *out)
{
    double v = json_real_value(json);

    if (json_is_integer(json)) {
        *out = json_integer_value(json);
        return true;
    }
    if (!json_is_real(json) || v != trunc(v) || fabs(v) >= DOUBLE_WHOLE_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

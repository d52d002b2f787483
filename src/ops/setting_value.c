/* The values of settings: where they are stored, and which are allowed. */

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/settings_private.h"
#include "postgres/pg.h"

const struct setting *setting_find(const struct setting *list, const char *name)
{
    for (; list->name; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

char **setting_place(struct settings *s, const struct setting *t)
{
    assert(t >= s->command->settings && t - s->command->settings < SETTINGS_MAX);
    return &s->values[t - s->command->settings];
}

void setting_set(char **value, const char *text)
{
    *value = strdup(text);
    if (!*value)
        abort();
}

bool setting_word_in(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (; *words; words += *words == '|') {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, word, n) == 0)
            return true;
        words += n;
    }
    return false;
}

static bool within_bounds(const struct setting *t, double value)
{
    return isfinite(value) && (t->max == 0 || (value >= t->min && value <= t->max));
}

bool setting_fits(const struct setting *t, const char *value)
{
    char *end;

    switch (t->kind) {
    case SETTING_DIRECTORY: return value[0] != '\0' && !pg_is_uri(value);
    case SETTING_TEXT:
    case SETTING_FILE:
    case SETTING_PLACE: return value[0] != '\0';
    case SETTING_STORE: return pg_is_uri(value);
    case SETTING_WORD: return setting_word_in(t->metavar, value);
    case SETTING_SWITCH: return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
    case SETTING_COUNT:
        errno = 0;
        return isdigit((unsigned char)value[0]) && within_bounds(t, (double)strtoul(value, &end, 10)) && *end == '\0' &&
               errno == 0;
    case SETTING_NUMBER:
        errno = 0;
        return isdigit((unsigned char)value[0]) && within_bounds(t, strtod(value, &end)) && *end == '\0' && errno == 0;
    }
    return false;
}

const char *setting_words(const char *words, char *out, size_t size)
{
    size_t len = 0;

    for (; *words && len + 3 < size; words++) {
        out[len++] = *words == '|' ? ',' : *words;
        if (*words == '|')
            out[len++] = ' ';
    }
    out[len] = '\0';
    return out;
}

const char *setting_show(const char *text, char out[SETTING_SHOWN_TEXT])
{
    if (!strstr(text, "://"))
        return text;
    pg_show_uri(text, out, SETTING_SHOWN_TEXT);
    return out;
}

const char *setting_wrong(const struct setting *t, const char *value, char *out, size_t size)
{
    static const char *const kinds[] = {
        [SETTING_SWITCH] = "yes or no",      [SETTING_TEXT] = "a text",     [SETTING_FILE] = "a file",
        [SETTING_DIRECTORY] = "a directory", [SETTING_PLACE] = "a place",   [SETTING_WORD] = "one of ",
        [SETTING_COUNT] = "a whole number",  [SETTING_NUMBER] = "a number",
    };

    char words[SETTING_WORDS_TEXT], shown[SETTING_SHOWN_TEXT];

    value = setting_show(value, shown);
    if (t->kind == SETTING_STORE) /* what is no URI may hold a password all the same */
        snprintf(out, size, "needs a URI of PostgreSQL: postgresql://USER@HOST/DATABASE");
    else if (t->kind == SETTING_WORD)
        snprintf(out, size, "needs %s%s, not '%s'", kinds[t->kind], setting_words(t->metavar, words, sizeof(words)),
                 value);
    else if (t->max == 0)
        snprintf(out, size, "needs %s, not '%s'", kinds[t->kind], value);
    else
        snprintf(out, size, "needs %s from %.10g to %.10g, not '%s'", kinds[t->kind], t->min, t->max, value);
    return out;
}

#ifndef MUSTER_OPS_SETTINGS_PRIVATE_H
#define MUSTER_OPS_SETTINGS_PRIVATE_H

#include "ops/settings.h"

/* What the readers of the command line and of the file share (setting_value.c). */

/* NULL if no row has this name. */
const struct setting *setting_find(const struct setting *list, const char *name);
/* Where the value of this row of s->command->settings is stored. */
char **setting_place(struct settings *s, const struct setting *t);
/* Stores a copy of text there. */
void setting_set(char **place, const char *text);
bool setting_fits(const struct setting *t, const char *value);

/* For error texts: "needs a whole number from 1 to 256, not 'x'"; for words: "one of keep, lower". The text lives in
 * out. */
#define SETTING_WRONG_TEXT 400
#define SETTING_WORDS_TEXT 80
const char *setting_wrong(const struct setting *t, const char *value, char *out, size_t size);
const char *setting_words(const char *words, char *out, size_t size);

/* A word of the command line as an error may repeat it: a URI without its password. */
#define SETTING_SHOWN_TEXT 300
const char *setting_show(const char *text, char out[SETTING_SHOWN_TEXT]);

/* settings_file.c: reads values that s does not have yet. MU_E_SYNTAX after a line on stderr for each error. */
MU_MUST_USE enum mu_err settings_read_file(struct settings *s, const struct setting *in_file, const char *path);

#endif

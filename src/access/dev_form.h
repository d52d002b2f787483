#ifndef MUSTER_ACCESS_DEV_FORM_H
#define MUSTER_ACCESS_DEV_FORM_H

#include <stdbool.h>

#include "base/text.h"

/* The forms that devices post: key=value&key=value. A firmware does not escape its values, so neither '%' nor '+'
 * has a meaning. Pure. */

/* The first value of that key; false if it is not there. Keys that nobody asks for do not matter. */
bool dev_form_get(struct str form, const char *key, struct str *value);

/* The same as text of at most size - 1 bytes; false also if it is empty, longer, or no UTF-8. */
bool dev_form_text(struct str form, const char *key, char *out, size_t size);

#endif

#ifndef MUSTER_API_QUERY_H
#define MUSTER_API_QUERY_H

#include <stdbool.h>

#include "base/text.h"

/* The query of a request's target, read pair by pair, still escaped. */

/* Takes the next pair from *rest; false at the end. A key without '=' has an empty value. */
bool query_next(struct str *rest, struct str *key, struct str *value);

/* True if an escaped key stands for this name. */
bool query_key_is(struct str key, const char *name);

/* The last value for the name that is not empty; an empty one counts as absent (contract, "identifiers in
 * requests"). False if there is none. */
bool query_find(struct str query, const char *name, struct str *value);

#endif

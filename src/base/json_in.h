#ifndef MUSTER_BASE_JSON_IN_H
#define MUSTER_BASE_JSON_IN_H

#include <jansson.h>

#include "base/text.h"

/* Reading JSON that others wrote: everything that comes from outside goes through here. Pure. */

/* Parses exactly one value. flags and *why are jansson's; why may be NULL. NULL: it is no JSON. Freed by
 * the caller. */
MU_MUST_USE json_t *json_read(struct str text, size_t flags, json_error_t *why);

/* The value of a whole number, however it is written: clients that keep all numbers as doubles send 1.0 for 1. false: it
 * is no number, not whole, or a double of 2^53 or more, where not every whole number has its own double. */
MU_MUST_USE bool json_whole(const json_t *json, int64_t *out);

#endif

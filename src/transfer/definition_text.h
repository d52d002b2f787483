#ifndef MUSTER_TRANSFER_DEFINITION_TEXT_H
#define MUSTER_TRANSFER_DEFINITION_TEXT_H

#include "base/text.h"

/* Reads the form in which definitions are stored (apply_definition.c). */

/* The text after the product's name, which comes first, up to the end. The name is the one that the product had when
 * the definition was applied. The result points into `stored`. Pure. */
struct str definition_text_behind_name(struct str stored);

#endif

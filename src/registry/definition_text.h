#ifndef MUSTER_REGISTRY_DEFINITION_TEXT_H
#define MUSTER_REGISTRY_DEFINITION_TEXT_H

#include "base/text.h"

/* The one form in which definitions are stored (apply_definition.c). */

/* What stands behind the product's name, which comes first, up to the end. The name is that of the time at
 * which the definition was applied. The result points into `stored`. Pure. */
struct str definition_text_behind_name(struct str stored);

#endif

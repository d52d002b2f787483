#ifndef MUSTER_CHECK_CHECK_H
#define MUSTER_CHECK_CHECK_H

#include "base/findings.h"
#include "journal/journal.h"
#include "model/calendar.h"
#include "registry/registry.h"

/* Checks whether two stores agree while nobody changes them. What the journal says of devices is compared with the
 * registry, and within itself (running numbers, states, events). A fleet that is built from both is compared with slow
 * counts of their rows. The registry alone: registry_check.
 *
 * Reads each store once, in its own order. Takes the memory of a fleet and 80 bytes more a device. An error says that
 * reading failed; mistakes in the stores go to the findings. */
MU_MUST_USE enum mu_err check_stores(struct registry *registry, struct journal *journal,
                                     const struct calendar *calendar, const struct findings *f);

#endif

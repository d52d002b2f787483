#ifndef MUSTER_FLEET_CHECK_H
#define MUSTER_FLEET_CHECK_H

#include "base/findings.h"
#include "journal/journal.h"
#include "model/calendar.h"
#include "registry/registry.h"

/* Whether two stores that nobody changes agree: what the journal says of devices with the registry and
 * with itself (running numbers, states, events), and a fleet that is built from both with what is
 * counted slowly from their rows. The registry by itself: registry_check.
 *
 * Reads both once, in their order; takes the memory of a fleet and 80 bytes a device more. The error is
 * that of the reading, not of what is found. */
MU_MUST_USE enum mu_err fleet_check(struct registry *registry, struct journal *journal, const struct calendar *calendar,
                                    const struct findings *f);

#endif

#ifndef MUSTER_ACCESS_LOCATOR_H
#define MUSTER_ACCESS_LOCATOR_H

#include "commit/committer.h"
#include "model/cidr.h"
#include "net/workers.h"
#include "registry/registry.h"

/* Finds the place of devices that have none, by the address that they connect from. One worker at a time takes them
 * from a bounded queue. A device that finds the queue full is located at its next connect. */
struct locator;

struct locator_options {
    const char *geoip_db;
    struct registry *registry;
    struct committer *committer;
    struct workers *workers;
};
MU_MUST_USE enum mu_err locator_create(struct locator **out, const struct locator_options *o, char *why,
                                       size_t why_size);
/* Any thread, never blocks. */
void locator_ask(struct locator *l, uint32_t device, const struct ip_addr *ip);
void locator_destroy(struct locator *l); /* after the workers have ended */

#endif

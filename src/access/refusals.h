#ifndef MUSTER_ACCESS_REFUSALS_H
#define MUSTER_ACCESS_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "model/cidr.h"

/* Why devices were not let in: the last refusals by name. The name is the did (logins, provisioning), the mac
 * (registration) or, without either, the address. In memory only, and bounded: if there is no room, the name that has
 * been quiet longest is dropped. A name that the fleet does not know never pushes out one that it knows. Any thread. */
struct refusals;

enum { REFUSALS_PER_NAME = 4 };

struct refusal {
    const char *reason; /* static: "login: wrong passcode" */
    struct ip_addr peer;
    int64_t first_s, last_s; /* Unix seconds */
    uint32_t count;          /* of this reason from this address */
};

MU_MUST_USE enum mu_err refusals_create(struct refusals **out);
void refusals_destroy(struct refusals *r);

/* known: the fleet has a device of this name. A name longer than a mac may be is not noted. */
void refusals_note(struct refusals *r, struct str name, bool known, const struct ip_addr *peer, const char *reason,
                   int64_t now_s);
/* The last one first; returns how many. */
unsigned refusals_get(struct refusals *r, struct str name, struct refusal out[REFUSALS_PER_NAME]);

#endif

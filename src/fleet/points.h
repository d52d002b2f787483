#ifndef MUSTER_FLEET_POINTS_H
#define MUSTER_FLEET_POINTS_H

#include <assert.h>

#include "base/err.h"
#include "base/text.h"
#include "base/hash.h"
#include "fleet/index.h"
#include "fleet/fleet.h"

/* The fault and alert datapoints of all definitions and of all events. Each is kept once, by kind and name, since an
 * event belongs to a name, also when a newer definition has changed. A product has a dozen. Points and their names stay
 * until points_free. Not thread-safe. */
struct point {
    char *name;
    size_t len;
    enum fleet_event_kind kind;
};

struct points {
    const struct hash_key *key;
    struct index by_name;
    struct point *at; /* number 0 is none */
    uint32_t count, cap;
};

void points_init(struct points *p, const struct hash_key *key);
void points_free(struct points *p);
/* The number of a point, added if it is new. MU_E_NOMEM. */
MU_MUST_USE enum mu_err points_no(struct points *p, enum fleet_event_kind kind, struct str name, uint32_t *no);
/* 0 if there is none. */
uint32_t points_find(const struct points *p, enum fleet_event_kind kind, struct str name);
static inline struct str points_name(const struct points *p, uint32_t no)
{
    assert(no && no < p->count);
    return (struct str){ p->at[no].name, p->at[no].len };
}

#endif

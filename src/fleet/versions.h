#ifndef MUSTER_FLEET_VERSIONS_H
#define MUSTER_FLEET_VERSIONS_H

#include "base/hash.h"
#include "fleet/index.h"
#include "fleet/pool.h"
#include "journal/journal.h"

/* The sets of four firmware versions that devices have told. Each set is kept once and counted: a million devices have
 * a few dozen sets. Number 0 is the set in which no version is known. Not thread-safe. */
struct version_set {
    uint32_t refs; /* devices that have it; 0 = free, and in the list that begins at versions.free */
    uint32_t next;
    uint32_t text; /* block of the pool: the four texts with their terminators */
    uint32_t len;
};

struct versions {
    struct pool *pool;
    const struct hash_key *key;
    struct index by_text;
    struct version_set *sets;
    uint32_t count, cap, free;
};

void versions_init(struct versions *v, struct pool *pool, const struct hash_key *key);
void versions_free(struct versions *v);

/* The number of a set, added if it is new. The set is kept until versions_drop was called as often. MU_E_NOMEM. */
MU_MUST_USE enum mu_err versions_take(struct versions *v, const struct journal_versions *set, uint32_t *no);
void versions_drop(struct versions *v, uint32_t no);
void versions_read(const struct versions *v, uint32_t no, struct journal_versions *out);

#endif

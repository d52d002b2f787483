#ifndef MUSTER_REGISTRY_SALVAGE_H
#define MUSTER_REGISTRY_SALVAGE_H

#include "registry/registry.h"

/* What is left of a damaged registry, in a new one. The port of `muster repair` alone. */

/* What became of a table. Its name is muster's own: "device", "device_group", … */
struct salvage_table {
    const char *name;
    uint64_t copied;  /* rows that could be read */
    uint64_t dropped; /* of these, what is gone again since it belonged to something that is lost */
    uint64_t by_key;  /* rows of which the keys alone are left; the rest of them is empty */
    bool is_damaged;  /* some of it could not be read */
    /* At most so many rows are lost: the numbers that could not be looked at, and those behind the last one that it
     * knows to be given. Without them, only is_damaged tells. */
    uint64_t missing;
};

struct salvage {
    /* What the journal has seen of it, and the highest version of a definition there; 0 what is not known.
     * What has been given is not given again, and an id that cannot be read is this one. */
    struct registry_place seen;
    uint32_t last_definition;
    /* Called once for each table, at the end. */
    void (*table)(void *ctx, const struct salvage_table *t);
    void *ctx;
};

/* Reads what can be read of `from`/registry.db and its log, which nobody has open, and changes nothing
 * there. Makes `to`/registry.db with its mark, synced, a registry that registry_check finds nothing in: what
 * refers to a row that is lost is taken away or refers to nothing; a definition in force that is lost is in
 * force no more; a bound device without its owner gets the one who was bound first; groups whose parent is
 * lost hang at the root. No number is given again that may have been given.
 *
 * `to` is there and holds no registry. MU_E_CORRUPT: nothing can be read; why gets a sentence. On
 * failure nothing is left in `to`. Any thread. */
MU_MUST_USE enum mu_err registry_salvage(const char *from, const char *to, const struct salvage *s, char *why,
                                         size_t why_size);

#endif

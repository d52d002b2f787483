#ifndef MUSTER_SQL_SALVAGE_H
#define MUSTER_SQL_SALVAGE_H

#include "registry/registry.h"

/* Copies what is left of a damaged registry into a new one. Only `muster repair` uses this port. */

/* What became of a table. The name is muster's own: "device", "device_group", … */
struct salvage_table {
    const char *name;
    uint64_t copied;  /* rows that could be read */
    uint64_t dropped; /* copied rows that were dropped, since they belonged to something that is lost */
    uint64_t by_key;  /* rows of which only the keys are left; the rest of them is empty */
    bool is_damaged;  /* some of it could not be read */
    /* At most so many rows are lost. It counts the numbers that could not be read, and those after the last number that
     * the registry knows to have given. If neither is known, only is_damaged tells. */
    uint64_t missing;
};

struct salvage {
    /* What the journal has seen of the registry, and the highest version of a definition there; 0: not known. Numbers
     * that were given are not given again. If the registry's id cannot be read, it is taken from here. */
    struct registry_place seen;
    uint32_t last_definition;
    /* Called once for each table, at the end. */
    void (*table)(void *ctx, const struct salvage_table *t);
    void *ctx;
};

/* Reads what can be read of `from`/registry.db and its log. Nobody may have them open; nothing there changes. Makes
 * `to`/registry.db with its mark, synced: a registry in which registry_check finds no mistake. So:
 *
 *   - A row that refers to a lost row is deleted, or refers to nothing.
 *   - If the definition in force is lost, none is in force.
 *   - A bound device without its owner gets as owner the user who was bound first.
 *   - Groups whose parent is lost are put below the root.
 *   - No number is given again that may have been given.
 *
 * `to` exists and holds no registry. MU_E_CORRUPT: nothing can be read; why gets a sentence. After a failure nothing is
 * left in `to`. Any thread. */
MU_MUST_USE enum mu_err registry_salvage(const char *from, const char *to, const struct salvage *s, char *why,
                                         size_t why_size);

#endif

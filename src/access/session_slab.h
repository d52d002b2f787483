#ifndef MUSTER_ACCESS_SESSION_SLAB_H
#define MUSTER_ACCESS_SESSION_SLAB_H

#include <stdint.h>

#include "access/session_table.h"

struct session;

/* The memory of the sessions of one loop: blocks that are made when they are needed and freed when they are empty. So a
 * million sessions need neither malloc's headers nor an array of pointers. A handle says where its session lies, and
 * the session says whether it is still the same one. Loop thread. */
struct session_slab {
    struct session_block **blocks;
    uint32_t block_count;
    struct session_block *open; /* those that have room, doubly linked */
    uint32_t generation;        /* of the newest session */
    unsigned loop;              /* part of the handles */
};

/* A session that is all zero but for its handle. MU_E_NOMEM; MU_E_LIMIT: as many as handles can name. */
MU_MUST_USE enum mu_err session_slab_take(struct session_slab *slab, struct session **out);
void session_slab_give(struct session_slab *slab, struct session *s);
/* NULL if that session is over. */
struct session *session_slab_find(const struct session_slab *slab, session_handle handle);
/* Walks over the sessions: returns the first one in slot *at or above, and sets *at to the slot behind it; NULL behind
 * the last. Sessions may come and go between the calls. */
struct session *session_slab_next(const struct session_slab *slab, uint32_t *at);
/* What no session is left in is freed with it; this frees the rest. */
void session_slab_free(struct session_slab *slab);

#endif

#ifndef MUSTER_ACCESS_SESSION_TABLE_H
#define MUSTER_ACCESS_SESSION_TABLE_H

#include <stdint.h>

#include "base/err.h"

/* Which session a device has now: device number -> handle. Any thread, without a lock.
 *
 * A handle names a session for other threads, and stays valid after the session's end. It holds the session's loop, its
 * slot there, and the slot's generation, which differs for a later session in the same slot. 0 names none. */
typedef uint64_t session_handle;

static inline session_handle session_handle_make(unsigned loop, uint32_t slot, uint32_t generation)
{
    return (uint64_t)loop << 56 | (uint64_t)(slot & 0xffffff) << 32 | generation;
}
static inline unsigned session_handle_loop(session_handle h)
{
    return (unsigned)(h >> 56);
}
static inline uint32_t session_handle_slot(session_handle h)
{
    return (uint32_t)(h >> 32) & 0xffffff;
}
static inline uint32_t session_handle_generation(session_handle h)
{
    return (uint32_t)h;
}

struct session_table;

MU_MUST_USE enum mu_err session_table_create(struct session_table **out);
void session_table_destroy(struct session_table *t);

/* 0 if the device has no session. */
session_handle session_table_get(const struct session_table *t, uint32_t device);
/* Makes handle the device's session; *before = what it was. MU_E_NOMEM: nothing changed. */
MU_MUST_USE enum mu_err session_table_swap(struct session_table *t, uint32_t device, session_handle handle,
                                           session_handle *before);
/* If the session still is the device's, another one takes its place; 0 = none. */
void session_table_leave(struct session_table *t, uint32_t device, session_handle handle, session_handle heir);

/* The origin from which the device was let in last: a number that the caller makes of an address. 0: not let in since
 * the start. Without memory it is not noted. */
void session_table_let_in(struct session_table *t, uint32_t device, uint32_t origin);
uint32_t session_table_origin(const struct session_table *t, uint32_t device);

#endif

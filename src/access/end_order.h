#ifndef MUSTER_ACCESS_END_ORDER_H
#define MUSTER_ACCESS_END_ORDER_H

#include "access/access_private.h"

/* "End that session", sent to the session's loop. It is made first and sent later (or freed with free()), for callers
 * that must not fail in between. */
struct end_order;

struct end_order *end_order_create(void); /* NULL: no memory */
/* Any thread; gives the order away. If the session is over by then, nothing happens. */
void end_order_send(struct end_order *order, struct access *a, session_handle handle, enum end_reason reason);

#endif

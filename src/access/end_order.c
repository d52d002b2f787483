#include "access/end_order.h"

#include <stdlib.h>

#include "access/session.h"

struct end_order {
    struct mail mail; /* first */
    struct access_loop *home;
    session_handle handle;
    enum end_reason reason;
};

static void deliver(struct mail *m, struct loop *loop)
{
    struct end_order *order = (struct end_order *)m;
    struct session *s = session_slab_find(&order->home->sessions, order->handle);

    (void)loop;
    if (s)
        session_end(s, order->reason, session_reason(order->reason));
    free(order);
}

static void drop(struct mail *m)
{
    free(m);
}

struct end_order *end_order_create(void)
{
    return malloc(sizeof(struct end_order));
}

void end_order_send(struct end_order *order, struct access *a, session_handle handle, enum end_reason reason)
{
    *order = (struct end_order){
        .mail = { .deliver = deliver, .drop = drop },
        .home = a->loops[session_handle_loop(handle)],
        .handle = handle,
        .reason = reason,
    };
    loop_post(order->home->loop, &order->mail);
}

#include <inttypes.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "nodes/nodes_private.h"

/* What other nodes say, and what the committer of this one says. Here it is only noted, or sent on. */

/* --- what others say --------------------------------------------------------------------------------*/

static void wake(struct nodes *n)
{
    pthread_cond_signal(&n->wake);
}

void nodes_wake(struct nodes *n)
{
    pthread_mutex_lock(&n->lock);
    wake(n);
    pthread_mutex_unlock(&n->lock);
}

static void look_soon(struct nodes *n)
{
    pthread_mutex_lock(&n->lock);
    n->look_now = true;
    wake(n);
    pthread_mutex_unlock(&n->lock);
}

/* From here on the others can be heard. */
void nodes_on_gap(void *ctx)
{
    struct nodes *n = ctx;

    if (n->bus) /* it may be heard before nodes_start has it */
        bus_send(n->bus, 0, BUS_LOOK, NULL, 0);
    look_soon(n);
}

/* Who listens anew may have missed that it was seen. */
static void on_look(struct nodes *n, uint64_t from)
{
    pthread_mutex_lock(&n->lock);
    struct other_node *node = nodes_find(n, from);
    if (node)
        node->greeted = false;
    pthread_mutex_unlock(&n->lock);
    look_soon(n);
}

static void on_seen(struct nodes *n, uint64_t from)
{
    pthread_mutex_lock(&n->lock);
    struct other_node *node = nodes_find(n, from);
    if (node)
        node->greets = true;
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
}

static void on_number(struct nodes *n, const struct bus_message *m, uint64_t number)
{
    pthread_mutex_lock(&n->lock);
    struct other_node *from = nodes_find(n, m->from);
    if (m->kind == BUS_REGISTRY)
        n->registry_wanted = nodes_larger(n->registry_wanted, number);
    else if (!from)
        n->look_now = true;
    else if (m->kind == BUS_DELTA)
        from->wanted = nodes_larger(from->wanted, number);
    else
        from->registry = nodes_larger(from->registry, number);
    wake(n);
    pthread_cond_broadcast(&n->told);
    pthread_mutex_unlock(&n->lock);
}

void nodes_on_message(void *ctx, const struct bus_message *m)
{
    struct nodes *n = ctx;
    struct bytes in = bytes_of(m->body, m->len);

    if (atomic_load(&n->stopped))
        return;
    switch ((enum bus_kind)m->kind) {
    case BUS_LOOK: on_look(n, m->from); break;
    case BUS_SEEN: on_seen(n, m->from); break;
    case BUS_DELTA:
    case BUS_REGISTRY:
    case BUS_FOLLOWED: {
        uint64_t number = bytes_u64be(&in);
        if (!in.bad)
            on_number(n, m, number);
        break;
    }
    case BUS_END_SESSION: {
        uint32_t device = bytes_u32be(&in);
        uint64_t login = bytes_u64be(&in);
        /* A request that comes late means a session that has ended already. */
        if (!in.bad && fleet_session_is(n->options.fleet, device, login))
            n->options.end_session(n->options.ctx, device);
        break;
    }
    case BUS_CONTROL: nodes_take_control(n, m); break;
    case BUS_ANSWER: nodes_take_answer(n, m); break;
    }
}

/* --- what the committer says ------------------------------------------------------------------------*/

static void send_number(struct nodes *n, enum bus_kind kind, uint64_t number)
{
    uint8_t body[8];

    bytes_put_u64be(body, number);
    bus_send(n->bus, 0, (uint8_t)kind, body, sizeof(body));
}

static void on_committed(void *ctx, uint64_t delta)
{
    struct nodes *n = ctx;

    pthread_mutex_lock(&n->lock);
    bool others = n->count > 0;
    pthread_mutex_unlock(&n->lock);
    /* A node that comes meanwhile looks by itself. */
    if (n->bus && others)
        send_number(n, BUS_DELTA, delta);
}

static void on_held(void *ctx, uint32_t device, uint64_t boot, uint64_t login)
{
    struct nodes *n = ctx;
    uint8_t body[12];

    bytes_put_u32be(body, device);
    bytes_put_u64be(body + 4, login);
    if (n->bus)
        bus_send(n->bus, boot, BUS_END_SESSION, body, sizeof(body));
}

static void on_over(void *ctx)
{
    struct nodes *n = ctx;

    log_event(LOG_ERROR, "node_over",
              "boot=%" PRIu64 " hint=\"this node could not commit for too long, and others took over: start it again\"",
              n->boot);
    n->options.over(n->options.ctx);
}

static bool keeps_house(void *ctx)
{
    return nodes_keeps_house(ctx);
}

/* With the lock held. A node that is not ready looks at the registry again before it answers anybody. */
static bool all_have_followed(const struct nodes *n, uint64_t change)
{
    uint32_t i = 0;

    while (i < n->count && (!n->at[i].ready || n->at[i].registry >= change))
        i++;
    return i == n->count;
}

/* Waits until every node shows a change of the registry, but not longer than a node may be silent. */
static void wait_until_followed(void *ctx, uint64_t change)
{
    struct nodes *n = ctx;
    int64_t until_us = clock_mono_us() + n->options.lease_ms * 1000, now_us;

    pthread_mutex_lock(&n->lock);
    if (!all_have_followed(n, change) && change > n->registry_asked) {
        n->registry_asked = change;
        send_number(n, BUS_REGISTRY, change);
    }
    while (!all_have_followed(n, change) && (now_us = clock_mono_us()) < until_us) {
        /* Who cannot be heard on the bus says it in the store. */
        if (!thread_wait(&n->told, &n->lock, now_us + NODES_RETRY_MS * 1000)) {
            n->look_now = true;
            wake(n);
        }
    }
    pthread_mutex_unlock(&n->lock);
}

struct commit_nodes nodes_hear_committer(struct nodes *n)
{
    return (struct commit_nodes){ .ctx = n,
                                  .committed = on_committed,
                                  .held = on_held,
                                  .keeps_house = keeps_house,
                                  .over = on_over,
                                  .wait_until_followed = wait_until_followed };
}

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "nodes/nodes_private.h"

/* Controls of devices whose session another node holds. The control goes there over the bus, and the answer comes back:
 * the frame was written to the device and its record is on disk, or why not. Without an answer in time the control
 * counts as not sent, which may be false, but the other way round it never is.
 *
 *   BUS_CONTROL   number of the control (8), device (4), enterprise (4), request (8), the frame
 *   BUS_ANSWER    number of the control (8), enum mu_err (1) */

enum { HEAD = 24 };
/* The node that has the session answers within LIMIT_CONTROL_WAIT_MS; then the way back. */
enum { ANSWER_MS = LIMIT_CONTROL_WAIT_MS + 1000 };

struct remote_control {
    uint64_t number, boot;
    int64_t due_ms;
    struct control_request *req;
    struct remote_control *next;
};

/* --- ours, to another node --------------------------------------------------------------------------*/

static void send_to(struct nodes *n, uint64_t boot, struct control_request *req)
{
    struct remote_control *c = malloc(sizeof(*c));
    uint8_t body[BUS_BODY_MAX];

    if (!c || req->frame_len > sizeof(body) - HEAD) {
        free(c);
        req->done(req, c ? MU_E_VALUE : MU_E_NOMEM);
        return;
    }
    *c = (struct remote_control){ .boot = boot, .due_ms = clock_mono_ms() + ANSWER_MS, .req = req };
    bytes_put_u32be(body + 8, req->device);
    bytes_put_u32be(body + 12, req->enterprise);
    bytes_put_u64be(body + 16, req->request);
    memcpy(body + HEAD, req->frame, req->frame_len);
    size_t len = HEAD + req->frame_len;
    pthread_mutex_lock(&n->controls_lock);
    c->number = ++n->last_control;
    bytes_put_u64be(body, c->number);
    c->next = n->controls;
    n->controls = c; /* from here on it may be answered at any time */
    pthread_mutex_unlock(&n->controls_lock);
    bus_send(n->bus, boot, BUS_CONTROL, body, len);
}

static void answer(struct remote_control *c, enum mu_err err)
{
    c->req->done(c->req, err);
    free(c);
}

void nodes_take_answer(struct nodes *n, const struct bus_message *m)
{
    struct bytes in = bytes_of(m->body, m->len);
    uint64_t number = bytes_u64be(&in);
    enum mu_err err = (enum mu_err)bytes_u8(&in);
    struct remote_control *found = NULL;

    if (in.bad)
        return;
    pthread_mutex_lock(&n->controls_lock);
    for (struct remote_control **at = &n->controls; *at && !found; at = found ? at : &(*at)->next) {
        if ((*at)->number == number && (*at)->boot == m->from) {
            found = *at;
            *at = found->next;
            break;
        }
    }
    pthread_mutex_unlock(&n->controls_lock);
    if (found)
        answer(found, err);
}

void nodes_fail_controls(struct nodes *n, uint64_t boot, int64_t now_ms)
{
    struct remote_control *failed = NULL;

    pthread_mutex_lock(&n->controls_lock);
    for (struct remote_control **at = &n->controls; *at;) {
        struct remote_control *c = *at;
        if (boot ? c->boot == boot : c->due_ms <= now_ms) {
            *at = c->next;
            c->next = failed;
            failed = c;
        } else {
            at = &c->next;
        }
    }
    pthread_mutex_unlock(&n->controls_lock);
    while (failed) {
        struct remote_control *next = failed->next;
        answer(failed, MU_E_CLOSED);
        failed = next;
    }
}

/* --- another node's, to a session here --------------------------------------------------------------*/

struct control_of_other {
    struct control_request req; /* first */
    struct nodes *n;
    uint64_t from, number;
    uint8_t frame[];
};

static void answer_other(struct control_request *req, enum mu_err err)
{
    struct control_of_other *c = (struct control_of_other *)req;
    uint8_t body[9];

    bytes_put_u64be(body, c->number);
    body[8] = (uint8_t)err;
    bus_send(c->n->bus, c->from, BUS_ANSWER, body, sizeof(body));
    free(c);
}

void nodes_take_control(struct nodes *n, const struct bus_message *m)
{
    struct bytes in = bytes_of(m->body, m->len);
    struct control_of_other *c = malloc(sizeof(*c) + m->len);

    if (!c)
        return; /* the sender's time runs out */
    *c = (struct control_of_other){ .req.done = answer_other, .n = n, .from = m->from, .number = bytes_u64be(&in) };
    c->req.device = bytes_u32be(&in);
    c->req.enterprise = bytes_u32be(&in);
    c->req.request = bytes_u64be(&in);
    if (in.bad) {
        free(c);
        return;
    }
    c->req.frame_len = in.left;
    c->req.frame = memcpy(c->frame, in.at, in.left);
    n->local.send(n->local.ctx, &c->req);
}

/* --- the port ---------------------------------------------------------------------------------------*/

static bool is_connected(void *ctx, uint32_t device)
{
    struct nodes *n = ctx;
    return n->local.is_connected(n->local.ctx, device) || fleet_device_holder(n->options.fleet, device);
}

static void control_send(void *ctx, struct control_request *req)
{
    struct nodes *n = ctx;
    uint64_t boot = 0;

    if (!n->local.is_connected(n->local.ctx, req->device))
        boot = fleet_device_holder(n->options.fleet, req->device);
    if (boot)
        send_to(n, boot, req);
    else
        n->local.send(n->local.ctx, req);
}

struct control_port nodes_control_port(struct nodes *n)
{
    return (struct control_port){ .ctx = n, .send = control_send, .is_connected = is_connected };
}

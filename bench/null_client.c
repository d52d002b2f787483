#include "null_client.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "fleet/fleet.h"

/* A simulated device without a socket, for null_sessions.c. */

enum { NOTHING, CONNECT, SUBSCRIBE, PING, DISCONNECT, END };

enum { KEEP_ALIVE_S = 120, PACKET_MAX = 128 };

static struct access *access_side;
static struct fleet *fleet;
static _Thread_local struct null_client *opening;

void null_clients_of(struct access *access, struct fleet *of)
{
    access_side = access;
    fleet = of;
}

static void changed(struct null_client *c, enum null_state state, struct loop *loop)
{
    c->state = (uint8_t)state;
    c->changed = (uint32_t)(loop_now_ms(loop) / 100);
}

/* --- what it says --------------------------------------------------------------------------------*/

static size_t put_text(uint8_t *at, const char *text)
{
    size_t n = strlen(text);

    at[0] = 0;
    at[1] = (uint8_t)n;
    memcpy(at + 2, text, n);
    return 2 + n;
}

static size_t write_connect(const struct fleet_device *d, uint8_t *out)
{
    uint8_t *at = out + 2;

    at += put_text(at, "MQIsdp");
    *at++ = 3;
    *at++ = 0xc2; /* user name, password, clean session */
    *at++ = 0;
    *at++ = KEEP_ALIVE_S;
    at += put_text(at, d->did);
    at += put_text(at, d->did);
    at += put_text(at, d->passcode);
    out[0] = 0x10;
    out[1] = (uint8_t)(at - out - 2);
    return (size_t)(at - out);
}

static size_t write_subscribe(const struct fleet_device *d, unsigned which, uint8_t *out)
{
    static const char *const patterns[] = { "ser2cli_noti/%s", "ser2cli_res/%s", "app2dev/%s/#" };
    char topic[64];

    snprintf(topic, sizeof(topic), patterns[which], which == 0 ? d->product->product_key : d->did);
    out[0] = 0x82;
    out[2] = 0;
    out[3] = (uint8_t)(which + 1);
    size_t n = 4 + put_text(out + 4, topic);
    out[n++] = 0;
    out[1] = (uint8_t)(n - 2);
    return n;
}

static size_t write_packet(const struct null_client *c, uint8_t says, uint8_t *out)
{
    struct fleet_device d;

    if (says == PING || says == DISCONNECT) {
        memcpy(out, says == PING ? "\xc0" : "\xe0", 2);
        return 2;
    }
    if (!fleet_device_by_no(fleet, c->device, &d))
        return 0; /* deleted: it never logs in */
    return says == CONNECT ? write_connect(&d, out) : write_subscribe(&d, c->subscribed, out);
}

static enum transport_status null_read(struct conn *conn, uint8_t *bytes, size_t size, size_t *len)
{
    struct null_client *c = conn->state;
    uint8_t says = c->says;

    if (c->conn != conn || says == NOTHING || size < PACKET_MAX)
        return TRANSPORT_AGAIN;
    c->says = NOTHING;
    if (says == END)
        return TRANSPORT_EOF;
    *len = write_packet(c, says, bytes);
    return TRANSPORT_OK;
}

static bool null_has_input(const struct conn *conn)
{
    const struct null_client *c = conn->state;

    return c->conn == conn && c->says != NOTHING;
}

/* --- what it hears ---------------------------------------------------------------------------------*/

static enum transport_status null_write(struct conn *conn, const uint8_t *bytes, size_t len, size_t *sent)
{
    struct null_client *c = conn->state;

    *sent = len;
    if (c->conn != conn || len < 2)
        return TRANSPORT_OK;
    switch (bytes[0] >> 4) {
    case 2: /* CONNACK */
        c->subscribed = 0;
        c->says = bytes[3] == 0 ? SUBSCRIBE : END;
        break;
    case 9: /* SUBACK */
        if (++c->subscribed < 3)
            c->says = SUBSCRIBE;
        else
            changed(c, NULL_HERE, conn->owner->loop);
        break;
    case 13: /* PINGRESP */ c->unanswered--; break;
    }
    return TRANSPORT_OK;
}

/* --- coming and going ------------------------------------------------------------------------------*/

static enum mu_err null_open(const struct transport *via, struct conn *conn)
{
    (void)via;
    opening->conn = conn;
    conn->state = opening;
    return MU_OK;
}

static void null_close(struct conn *conn)
{
    struct null_client *c = conn->state;

    if (c->conn != conn)
        return; /* replaced by a later login */
    c->conn = NULL;
    c->says = NOTHING;
    changed(c, NULL_AWAY, conn->owner->loop);
}

static const struct transport null_transport = {
    .open = null_open,
    .read = null_read,
    .write = null_write,
    .has_input = null_has_input,
    .close = null_close,
};

bool null_client_come(struct null_client *c, struct loop *loop)
{
    static const struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f };
    struct conn *before = c->conn;

    opening = c;
    access_mqtt_accept(access_side, loop, -1, &null_transport, (const struct sockaddr *)&here);
    if (c->conn == before)
        return false;
    changed(c, NULL_COMES, loop);
    c->unanswered = 0;
    c->says = CONNECT;
    transport_ready(c->conn);
    return true;
}

static void say(struct null_client *c, uint8_t what)
{
    c->says = what;
    transport_ready(c->conn);
}

void null_client_ping(struct null_client *c)
{
    if (c->says != NOTHING)
        return;
    c->unanswered++;
    say(c, PING);
}

void null_client_leave(struct null_client *c, bool cut)
{
    say(c, cut ? END : DISCONNECT);
}

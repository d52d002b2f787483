#include "access/handle.h"

#include <stdlib.h>

#include "access/mqtt_connect.h"
#include "access/send.h"
#include "base/log.h"
#include "registry/secret.h"

static void log_refused(struct session *s, const struct mqtt_connect *c, enum mqtt_reason reason)
{
    uint32_t suppressed;
    struct ip_addr ip;
    char peer[IP_TEXT_SIZE];

    count(&s->home->counters.refused_logins, 1);
    if (!access_loop_may_log(s->home, &suppressed))
        return;
    conn_peer(&s->conn, &ip);
    ip_text(&ip, peer);
    /* What is no did may be the passcode, in the wrong field. */
    struct str did = did_valid(c->user) ? c->user : STR("");
    log_event(LOG_INFO, "login_refused", "did=%s peer=%s version=%u code=0x%02x suppressed=%u",
              LOG_Q(did.at, (long)did.len), peer, c->version, reason, suppressed);
}

/* May this client come in? *login is set if so. */
static enum mqtt_reason admit(struct session *s, const struct mqtt_connect *c, struct fleet_login *login)
{
    struct access *a = s->home->access;

    if (atomic_load(&a->stopping))
        return MQTT_SHUTTING_DOWN;
    if (!c->has_user || !c->has_password || !did_valid(c->user) ||
        !fleet_login_find(a->options.fleet, c->user, login) ||
        !secret_text_equal(c->password, str_of(login->passcode)))
        return MQTT_BAD_CREDENTIALS;
    if (login->is_disabled)
        return MQTT_NOT_AUTHORIZED;
    if (c->has_will && topic_kind(c->will_topic, c->user) == TOPIC_FOREIGN)
        return MQTT_NOT_AUTHORIZED;
    if (committer_disk_full(a->options.committer))
        return MQTT_UNAVAILABLE;
    return MQTT_SUCCESS;
}

/* A will on another topic of the device's own would reach nobody. */
static enum mqtt_reason keep_will(struct session *s, const struct mqtt_connect *c)
{
    if (!c->has_will || topic_kind(c->will_topic, c->user) != TOPIC_REPORT)
        return MQTT_SUCCESS;
    s->will = malloc(sizeof(*s->will) + c->will_payload.len);
    if (!s->will)
        return MQTT_UNAVAILABLE;
    s->will->len = c->will_payload.len;
    memcpy(s->will->payload, c->will_payload.at, c->will_payload.len);
    return MQTT_SUCCESS;
}

static bool is_paced(const struct fleet_product *product, enum mqtt_version version)
{
    enum pacing pacing = atomic_load(&product->row)->pacing;
    return pacing == PACING_ON || (pacing == PACING_AUTO && version == MQTT_3_1);
}

static enum mqtt_reason log_in(struct session *s, const struct mqtt_connect *c)
{
    struct fleet_login login;
    enum mqtt_reason reason;

    if ((reason = admit(s, c, &login)) != MQTT_SUCCESS || (reason = keep_will(s, c)) != MQTT_SUCCESS)
        return reason;
    s->product = login.product;
    s->device = login.no;
    s->keep_alive = c->keep_alive;
    str_copy(s->did, sizeof(s->did), c->user);
    s->out.in_flight_max = c->version == MQTT_5 ? c->properties.receive_maximum : UINT16_MAX;
    s->out.packet_max = c->version == MQTT_5 ? c->properties.packet_maximum : UINT32_MAX;
    if (session_login(s) != MU_OK)
        return MQTT_UNAVAILABLE;

    send_connack(s, MQTT_SUCCESS, c->client_id.len ? NULL : s->did);
    s->paced = is_paced(login.product, c->version);
    if (s->paced)
        pace_packet_sent(&s->out.pace, session_now(s));
    session_arm(s);
    if (!login.is_placed && s->home->access->locator) {
        struct ip_addr ip;
        conn_peer(&s->conn, &ip);
        locator_ask(s->home->access->locator, s->device, &ip);
    }
    return MQTT_SUCCESS;
}

void handle_connect(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_connect c;
    enum mqtt_reason reason = mqtt_read_connect(body, &c);

    (void)flags;
    s->version = (uint8_t)c.version;
    if (reason == MQTT_SUCCESS)
        reason = log_in(s, &c);
    if (reason != MQTT_SUCCESS) {
        log_refused(s, &c, reason);
        session_end(s, END_EXCEPTION, reason);
        return;
    }
    log_event(LOG_DEBUG, "session_start", "did=%s version=%u keep_alive=%u paced=%d", s->did,
              s->version, s->keep_alive, s->paced);
}

#include "access/handle.h"

#include <stdlib.h>

#include "access/claim.h"
#include "access/mqtt_connect.h"
#include "access/send.h"
#include "base/log.h"
#include "registry/secret.h"

/* CONNECT: whether a device may log in, and what it is told when its login is on record, or is not. */

#define PROBE_SILENT_S 75

/* Why a login is refused, for the client and for the operator. */
struct refusal_of_login {
    enum mqtt_reason code;
    enum refusal_reason reason;
};

/* did: empty if it told none. */
static void tell_refused(struct session *s, struct str did, const struct refusal_of_login *why)
{
    struct access *a = s->home->access;
    uint32_t suppressed;
    struct fleet_login known;
    struct access_caller who = { .name = did };
    char peer[IP_TEXT_SIZE];

    conn_peer(&s->conn, &who.peer);
    if (who.name.len && (who.known = fleet_login_find(a->options.fleet, who.name, &known)))
        who.product = known.product;
    access_refused(a, &who, why->reason);
    if (!access_loop_may_log(s->home, &suppressed))
        return;
    ip_text(&who.peer, peer);
    log_event(LOG_INFO, "login_refused", "did=%s peer=%s version=%u code=0x%02x reason=\"%s\" suppressed=%u",
              LOG_Q(who.name.at, (long)who.name.len), peer, s->version, why->code, refusal_text(why->reason),
              suppressed);
}

/* May this client come in? *login is set if so. */
static struct refusal_of_login admit(struct session *s, const struct mqtt_connect *c, struct fleet_login *login)
{
    struct access *a = s->home->access;

    if (atomic_load(&a->stopping))
        return (struct refusal_of_login){ MQTT_SHUTTING_DOWN, REFUSED_STOPPING };
    if (!c->has_user || !c->has_password)
        return (struct refusal_of_login){ MQTT_BAD_CREDENTIALS, REFUSED_NO_CREDENTIALS };
    if (!did_valid(c->user))
        return (struct refusal_of_login){ MQTT_BAD_CREDENTIALS, REFUSED_NO_DID };
    if (!fleet_login_find(a->options.fleet, c->user, login))
        return (struct refusal_of_login){ MQTT_BAD_CREDENTIALS, REFUSED_UNKNOWN_DID };
    if (!secret_text_equal(c->password, str_of(login->passcode)))
        return (struct refusal_of_login){ MQTT_BAD_CREDENTIALS, REFUSED_PASSCODE };
    if (login->is_disabled)
        return (struct refusal_of_login){ MQTT_NOT_AUTHORIZED, REFUSED_DISABLED };
    if (c->has_will && topic_kind(c->will_topic, c->user) == TOPIC_FOREIGN)
        return (struct refusal_of_login){ MQTT_NOT_AUTHORIZED, REFUSED_WILL };
    if (s->out.packet_max < CONNACK_5_LEAST)
        return (struct refusal_of_login){ MQTT_TOO_LARGE, REFUSED_PACKET_SIZE };
    if (committer_failing(a->options.committer) == MU_E_FULL)
        return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_DISK_FULL };
    return (struct refusal_of_login){ MQTT_SUCCESS, REFUSAL_COUNT };
}

/* A CONNECT that was not understood. */
static struct refusal_of_login unreadable(enum mqtt_reason code)
{
    return (struct refusal_of_login){ code, code == MQTT_BAD_VERSION ? REFUSED_VERSION : REFUSED_MALFORMED };
}

/* A will is kept if its topic is one of reports; on another topic of the device it would reach nobody. */
static enum mqtt_reason keep_will(struct session *s, const struct mqtt_connect *c)
{
    if (!c->has_will || topic_kind(c->will_topic, c->user) != TOPIC_REPORT)
        return MQTT_SUCCESS;
    struct session_more *more = session_more(s);
    struct will *will = more ? malloc(sizeof(*will) + c->will_payload.len) : NULL;
    if (!will)
        return MQTT_UNAVAILABLE;
    will->len = c->will_payload.len;
    memcpy(will->payload, c->will_payload.at, c->will_payload.len);
    more->will = will;
    return MQTT_SUCCESS;
}

static bool is_paced(const struct fleet_product *product, enum mqtt_version version)
{
    enum pacing pacing = atomic_load(&product->row)->pacing;
    return pacing == PACING_ON || (pacing == PACING_AUTO && version == MQTT_3_1);
}

/* The keepalive that a device announces tells when it is gone, so no probe wakes it before. A device that announces
 * none is probed: without that, a power cut would not be noticed until --keepalive-max. */
static void watch(struct session *s)
{
    conn_watch_peer(&s->conn, s->announced_keep_alive ? session_keep_alive(s) * 3u / 2 + 1 : PROBE_SILENT_S);
}

static struct refusal_of_login log_in(struct session *s, const struct mqtt_connect *c)
{
    static const struct refusal_of_login no_memory = { MQTT_UNAVAILABLE, REFUSED_MEMORY };
    struct fleet_login login;
    struct refusal_of_login why = admit(s, c, &login);

    if (why.code != MQTT_SUCCESS)
        return why;
    if (keep_will(s, c) != MQTT_SUCCESS)
        return no_memory;
    s->product = login.product;
    s->device = login.no;
    s->announced_keep_alive = c->keep_alive;
    str_copy(s->did, sizeof(s->did), c->user);
    s->out.in_flight_max = c->version == MQTT_5 ? c->properties.receive_maximum : UINT16_MAX;
    s->asked_to_outlive = c->properties.session_expiry > 0;
    if (session_claim(s, c->client_id.len == 0) != MU_OK)
        return no_memory;
    struct ip_addr ip = s->claim->login.peer;
    guesses_let_in(s->home->access->guesses, s->device, &ip);
    if (!login.is_placed && s->home->access->locator)
        locator_ask(s->home->access->locator, s->device, &ip);
    return why;
}

void handle_connect(struct session *s, uint8_t flags, struct bytes body)
{
    struct mqtt_connect c;
    enum mqtt_reason read = mqtt_read_connect(body, &c);

    (void)flags;
    s->version = c.version;
    if (read == MQTT_SUCCESS && c.version == MQTT_5)
        s->out.packet_max = c.properties.packet_maximum;
    struct refusal_of_login why = read == MQTT_SUCCESS ? log_in(s, &c) : unreadable(read);
    if (why.code != MQTT_SUCCESS) {
        /* Only a did is noted: other text may be the passcode in the wrong field. */
        tell_refused(s, c.has_user && did_valid(c.user) ? c.user : STR(""), &why);
        session_end(s, END_EXCEPTION, why.code);
    }
}

/* --- while it claims its device ------------------------------------------------------------------*/

void handle_claimed(struct session *s, enum mu_err err)
{
    bool names_client = s->claim->names_client;

    s->claim->err = err;
    if (err != MU_OK) {
        session_end(s, END_EXCEPTION, MQTT_UNAVAILABLE);
        return;
    }
    session_go_live(s);
    watch(s);
    send_connack(s, MQTT_SUCCESS, names_client ? s->did : NULL);
    s->paced = is_paced(s->product, s->version);
    if (s->paced)
        pace_packet_sent(&s->out.pace, session_now(s));
    session_arm(s);
    log_event(LOG_DEBUG, "session_start", "did=%s version=%u keep_alive=%u paced=%d", s->did, s->version,
              session_keep_alive(s), s->paced);
}

static struct refusal_of_login why_not_kept(enum mu_err err)
{
    switch (err) {
    case MU_E_FULL: return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_DISK_FULL };
    case MU_E_NOMEM: return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_MEMORY };
    case MU_E_NOT_FOUND: return (struct refusal_of_login){ MQTT_BAD_CREDENTIALS, REFUSED_UNKNOWN_DID };
    default: return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_NOT_STORED };
    }
}

/* Somebody else has ended it: with what the fleet says of the device now, since that may be the cause. */
static struct refusal_of_login why_ended(const struct session *s, enum end_reason reason)
{
    const struct access *a = s->home->access;
    struct fleet_login now;

    if (reason == END_FORCE)
        return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_REPLACED };
    if (atomic_load(&a->stopping))
        return (struct refusal_of_login){ MQTT_SHUTTING_DOWN, REFUSED_STOPPING };
    if (reason != END_RESET)
        return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_NOT_STORED };
    if (fleet_login_find(a->options.fleet, str_of(s->did), &now) && now.is_disabled)
        return (struct refusal_of_login){ MQTT_NOT_AUTHORIZED, REFUSED_DISABLED };
    return (struct refusal_of_login){ MQTT_UNAVAILABLE, REFUSED_KICKED };
}

enum mqtt_reason handle_claim_ended(struct session *s, enum end_reason reason)
{
    enum mu_err err = s->claim->err;
    struct refusal_of_login why = err == MU_OK ? why_ended(s, reason) : why_not_kept(err);

    tell_refused(s, str_of(s->did), &why);
    return why.code;
}

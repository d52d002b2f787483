/* MQTT: whatever a client says, and in whatever parts, its session hands the same to the committer and
 * gives the same answers; and each reader of packets gives nothing that lies outside the packet. */
#include "peer.h"

#include <stdlib.h>

#include "access/access.h"
#include "access/fake_commit.h"
#include "access/mqtt_connect.h"
#include "access/mqtt_publish.h"
#include "base/log.h"

enum { HEARD_MAX = 1024 * 1024 };

static struct peer peer;
static unsigned committed; /* of the committer's events */

/* Answers what it has been handed since the last time. */
static bool commit(void)
{
    unsigned before = committed;

    for (; committed < fake_event_count(); committed++) {
        struct fake_commit_event e = fake_event(committed);
        if (e.sink)
            fake_commit(&e, MU_OK);
    }
    return committed > before;
}

static void start(void)
{
    static struct loop *loop;
    static struct access *access;
    struct access_options options = { .loops = &loop, .loop_count = 1, .mqtt_packet_max = 1024 };
    char why[200];

    log_set_level(LOG_ERROR);
    CHECK(loop_create(&loop, 0) == MU_OK);
    options.loops = &loop;
    CHECK(access_create(&access, &options, why, sizeof(why)) == MU_OK);
    peer = (struct peer){ .loop = loop, .accept = access_mqtt_accept, .server = access, .go_on = commit };
}

static void converse(const uint8_t *input, size_t len, struct fuzz_split split, struct buf *heard)
{
    buf_clear(heard);
    fake_reset();
    fake_hold_logins(); /* these are committed in their turn, too */
    committed = 0;
    peer_talk(&peer, input, len, split, heard);
    for (unsigned i = 0; i < fake_event_count(); i++) {
        struct fake_commit_event e = fake_event(i);
        buf_printf(heard, "\n%d %u %d %d %s", e.kind, e.device, e.takeover, e.reason, e.payload);
    }
}

/* --- readers ---------------------------------------------------------------------------------------*/
static void check_inside(struct bytes packet, const void *at, size_t len)
{
    const uint8_t *from = at;

    CHECK(len == 0 || (from >= packet.at && len <= packet.left && (size_t)(from - packet.at) <= packet.left - len));
}

static void read_connect(struct bytes body)
{
    struct mqtt_connect c;
    enum mqtt_reason reason = mqtt_read_connect(body, &c);

    (void)mqtt_connack_code(reason);
    if (reason != MQTT_SUCCESS)
        return;
    CHECK(c.version == MQTT_3_1 || c.version == MQTT_3_1_1 || c.version == MQTT_5);
    CHECK(c.will_qos <= 2);
    check_inside(body, c.client_id.at, c.client_id.len);
    if (c.has_will) {
        check_inside(body, c.will_topic.at, c.will_topic.len);
        check_inside(body, c.will_payload.at, c.will_payload.len);
    }
    if (c.has_user)
        check_inside(body, c.user.at, c.user.len);
    if (c.has_password)
        check_inside(body, c.password.at, c.password.len);
    CHECK(c.version != MQTT_5 || (c.properties.receive_maximum && c.properties.packet_maximum));
}

static void read_publish(uint8_t flags, struct bytes body, enum mqtt_version version)
{
    struct mqtt_publish p;

    if (mqtt_read_publish(flags, body, version, &p) != MQTT_SUCCESS)
        return;
    CHECK(p.qos <= 2 && (p.qos > 0) == (p.id > 0));
    check_inside(body, p.topic.at, p.topic.len);
    check_inside(body, p.payload, p.payload_len);
    CHECK(str_utf8(p.topic) && p.topic.len && !memchr(p.topic.at, '\0', p.topic.len));
}

static void read_packets(struct bytes in)
{
    static const enum mqtt_version versions[] = { MQTT_3_1, MQTT_3_1_1, MQTT_5 };
    struct mqtt_head head;

    while (in.left && mqtt_read_head(in.at, in.left, &head) == MQTT_HEAD_WHOLE) {
        bytes_take(&in, head.size);
        struct bytes body = bytes_of(in.at, head.body < in.left ? head.body : in.left);
        read_connect(body);
        for (size_t i = 0; i < 3; i++) {
            struct mqtt_ack ack;
            read_publish(head.flags, body, versions[i]);
            CHECK(mqtt_read_ack((enum mqtt_type)head.type, body, versions[i], &ack) != MQTT_SUCCESS || ack.id);
        }
        struct bytes properties = body;
        struct mqtt_properties out;
        if (mqtt_read_properties(&properties, UINT64_MAX, &out) == MQTT_SUCCESS)
            check_inside(body, properties.at, properties.left);
        bytes_take(&in, body.left);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    static struct buf whole, parts;

    if (!peer.loop) {
        start();
        buf_init(&whole, HEARD_MAX);
        buf_init(&parts, HEARD_MAX);
    }
    read_packets(bytes_of(input, len));
    converse(input, len, FUZZ_WHOLE, &whole);
    converse(input, len, fuzz_split(input, len), &parts);
    CHECK_SAME(&whole, &parts);
    return 0;
}

#include "access/handle.h"

#include "access/send.h"

void handle_pingreq(struct session *s, uint8_t flags, struct bytes body)
{
    (void)flags;
    if (body.left) {
        session_violation(s, MQTT_MALFORMED);
        return;
    }
    heartbeat_ping(&s->heartbeat, session_now(s));
    access_count(&s->home->counters.pings, 1);
    send_pingresp(s);
}

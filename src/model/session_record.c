#include "model/session_record.h"

#include <assert.h>

const char *end_reason_text(enum end_reason reason)
{
    static const char *const texts[END_REASON_COUNT] = {
        [END_MQTT_DISCONNECT] = "mqtt_disconnect",
        [END_NO_HEARTBEAT] = "no_heartbeat",
        [END_TCP_CLOSED] = "tcp_closed",
        [END_SSL_CLOSED] = "ssl_closed",
        [END_FORCE] = "offline_force",
        [END_RESET] = "offline_reset",
        [END_EXCEPTION] = "offline_exception",
        [END_DENSITY] = "offline_sending_density_overflow",
        [END_DATA_SIZE] = "offline_sending_data_size_overflow",
    };

    assert(reason < END_REASON_COUNT);
    return texts[reason];
}

static uint32_t tenths_since(const struct heartbeat_meter *m, int64_t mono_ms)
{
    return (uint32_t)(mono_ms / 100) - m->connected;
}

static uint32_t to_seconds(uint32_t tenths)
{
    return tenths / 10 + (tenths % 10 >= 5);
}

void heartbeat_start(struct heartbeat_meter *m, int64_t mono_ms)
{
    *m = (struct heartbeat_meter){ .connected = (uint32_t)(mono_ms / 100) };
}

void heartbeat_ping(struct heartbeat_meter *m, int64_t mono_ms)
{
    uint32_t now = tenths_since(m, mono_ms);
    uint32_t interval = now - m->last_ping;

    /* There is no ping before the first one, and the time since the connect is no interval. */
    if (m->count == 1)
        m->max = m->min = interval;
    else if (m->count > 1 && interval > m->max)
        m->max = interval;
    else if (m->count > 1 && interval < m->min)
        m->min = interval;
    m->count++;
    m->last_ping = now;
}

int64_t heartbeat_connected_ms(const struct heartbeat_meter *m, int64_t mono_ms)
{
    return mono_ms - m->connected * INT64_C(100);
}

struct heartbeat heartbeat_end(const struct heartbeat_meter *m, int64_t mono_ms)
{
    struct heartbeat h = {
        .count = m->count,
        .last = to_seconds(tenths_since(m, mono_ms) - m->last_ping),
    };

    if (m->count >= 2) {
        h.max = to_seconds(m->max);
        h.min = to_seconds(m->min);
        h.avg = to_seconds(m->last_ping / m->count);
    }
    return h;
}

#ifndef MUSTER_MODEL_SESSION_RECORD_H
#define MUSTER_MODEL_SESSION_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* The facts of the online log (contract, endpoint 8). */

enum end_reason {
    END_MQTT_DISCONNECT, /* the device said DISCONNECT */
    END_NO_HEARTBEAT,    /* silent for 1.5 × keepalive */
    END_TCP_CLOSED,
    END_SSL_CLOSED,
    END_FORCE,     /* a second login replaced it */
    END_RESET,     /* the operator ended it: the device was disabled, or kicked */
    END_EXCEPTION, /* protocol error, server stop or crash */
    END_DENSITY,   /* too many messages per second */
    END_DATA_SIZE, /* too many bytes per second */
    END_REASON_COUNT
};

/* The document's word: "mqtt_disconnect", …; static. */
const char *end_reason_text(enum end_reason reason);

/* Heartbeats of one session, counted as they come; all times in seconds. All zero at the start. */
struct heartbeat {
    uint32_t count;
    uint32_t max, min; /* between consecutive pings; 0 with fewer than two */
    uint32_t avg;      /* (last ping − connect) / count; 0 with fewer than two */
    uint32_t last;     /* end − last ping (or connect) */
};

/* What is counted for it while the session runs: 20 bytes in every session. In tenths of a second, which are enough for
 * 13 years of uptime (milliseconds would wrap after 49 days). */
struct heartbeat_meter {
    uint32_t connected; /* tenths, monotonic */
    uint32_t last_ping; /* tenths since connected */
    uint32_t count;
    uint32_t max, min; /* tenths */
};

void heartbeat_start(struct heartbeat_meter *m, int64_t mono_ms);
void heartbeat_ping(struct heartbeat_meter *m, int64_t mono_ms);
/* Since it connected. */
int64_t heartbeat_connected_ms(const struct heartbeat_meter *m, int64_t mono_ms);
/* The counts at the session's end, rounded to seconds. */
struct heartbeat heartbeat_end(const struct heartbeat_meter *m, int64_t mono_ms);

#endif

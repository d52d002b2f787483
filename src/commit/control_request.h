#ifndef MUSTER_COMMIT_CONTROL_REQUEST_H
#define MUSTER_COMMIT_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* "Send to session": how the enterprise side reaches a device without knowing where its session lives. Access
 * implements it for the sessions of this process. */

struct control_request {
    uint32_t device;
    uint32_t enterprise;
    uint64_t request;     /* the request id, kept in the log */
    const uint8_t *frame; /* a whole frame; it belongs to the sender and lives until done() */
    size_t frame_len;
    /* Called once, on any thread. MU_OK: the frame has been written to the device's connection and its log record is on
     * disk. MU_E_OFFLINE: no session. MU_E_VALUE: the packet would be longer than the device accepts. MU_E_LIMIT: the
     * device's queue is full. MU_E_TIMEOUT: not written within LIMIT_CONTROL_WAIT_MS. MU_E_CLOSED: the session ended,
     * or it does not subscribe to the topic. MU_E_FULL, MU_E_IO: it was written, but its log record was not. */
    void (*done)(struct control_request *req, enum mu_err err);

    struct control_request *next; /* from here on for the port only */
    int64_t due_ms;
};

struct control_port {
    void *ctx;
    void (*send)(void *ctx, struct control_request *req); /* any thread, never blocks */
    bool (*is_connected)(void *ctx, uint32_t device);     /* any thread */
};

#endif

#ifndef MUSTER_MODEL_FRAME_H
#define MUSTER_MODEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The envelope on app2dev and dev2app (device-access 3):
 * 00 00 00 03 | varlen | flag | cmd | [sn] | P0. varlen counts everything after itself. */

enum frame_cmd {
    FRAME_CONTROL = 0x0090,  /* to the device: P0, no ack */
    FRAME_REPORT = 0x0091,   /* from the device: P0; an empty one echoes a control */
    FRAME_NUMBERED = 0x0093, /* either way: P0 with a serial number, ack wanted */
    FRAME_ACK = 0x0094,      /* either way: the ack with that serial number */
};

/* The first byte of P0, of what devices send (device-access 4). */
enum p0_action {
    P0_ANSWER = 0x03,
    P0_REPORT = 0x04,
    P0_PASS = 0x05,
    P0_PASS_FROM = 0x06,
    P0_ANSWER_VAR = 0x13,
    P0_REPORT_VAR = 0x14
};

struct frame {
    uint8_t flag; /* ignored by everybody */
    uint16_t cmd;
    bool has_sn;
    uint32_t sn;
    const uint8_t *p0; /* points into the parsed bytes */
    size_t p0_len;
};

/* MU_E_FRAME unless bytes are exactly one frame: its version, a varlen of at most four bytes that
 * matches, a command, a serial number where the command has one. Pure. */
MU_MUST_USE enum mu_err frame_parse(const uint8_t *bytes, size_t len, struct frame *out);

/* A whole 0x0094 without P0. Pure. */
#define FRAME_ACK_SIZE 12
void frame_write_ack(uint8_t out[FRAME_ACK_SIZE], uint32_t sn);

/* Appends a whole frame; sn is written for 0x0093 and 0x0094 only. Errors are the buffer's. */
void frame_write(struct buf *out, uint16_t cmd, uint32_t sn, const uint8_t *p0, size_t p0_len);

#endif

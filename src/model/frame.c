#include "model/frame.h"

#include <string.h>

#include "base/bytes.h"

#define FRAME_VERSION 3
#define VARLEN_BYTES  4

static bool carries_sn(uint16_t cmd)
{
    return cmd == FRAME_NUMBERED || cmd == FRAME_ACK;
}

enum mu_err frame_parse(const uint8_t *bytes, size_t len, struct frame *out)
{
    struct bytes r = bytes_of(bytes, len);
    struct frame f = { 0 };

    uint32_t version = bytes_u32be(&r);
    uint64_t varlen = bytes_varint(&r, VARLEN_BYTES);
    if (r.bad || version != FRAME_VERSION || varlen != r.left)
        return MU_E_FRAME;
    f.flag = bytes_u8(&r);
    f.cmd = bytes_u16be(&r);
    f.has_sn = carries_sn(f.cmd);
    if (f.has_sn)
        f.sn = bytes_u32be(&r);
    if (r.bad)
        return MU_E_FRAME;
    f.p0 = r.at;
    f.p0_len = r.left;
    *out = f;
    return MU_OK;
}

void frame_write(struct buf *out, uint16_t cmd, uint32_t sn, const uint8_t *p0, size_t p0_len)
{
    bool has_sn = carries_sn(cmd);

    buf_append_u32be(out, FRAME_VERSION);
    buf_append_varint(out, (has_sn ? 7u : 3u) + p0_len); /* flag, cmd and sn stand before P0 */
    buf_append_u8(out, 0);
    buf_append_u16be(out, cmd);
    if (has_sn)
        buf_append_u32be(out, sn);
    buf_append(out, p0, p0_len);
}

void frame_write_ack(uint8_t out[FRAME_ACK_SIZE], uint32_t sn)
{
    const uint8_t head[] = { 0, 0, 0, FRAME_VERSION, 7, 0, 0, FRAME_ACK };

    _Static_assert(sizeof(head) + sizeof(sn) == FRAME_ACK_SIZE, "the serial number ends the frame");
    memcpy(out, head, sizeof(head));
    bytes_put_u32be(out + sizeof(head), sn);
}

#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/frame.h"

/* Frames, whole, cut off and wrong. */

static size_t from_hex(const char *hex, uint8_t *out)
{
    assert_int_equal(hex_decode(hex, strlen(hex), out), MU_OK);
    return strlen(hex) / 2;
}

static void the_frames_of_the_document_are_written_and_read(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint16_t cmd;
        uint32_t sn;
        size_t p0_len;
    } cases[] = {
        { "0000000309000090010101000010", FRAME_CONTROL, 0, 6 },
        { "000000030b0000910401000010000000", FRAME_REPORT, 0, 8 },
        { "0000000303000091", FRAME_REPORT, 0, 0 },
        { "000000030700009300000001", FRAME_NUMBERED, 1, 0 },
        { "0000000308000094fffffffe02", FRAME_ACK, 0xfffffffe, 1 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t bytes[64];
        size_t len = from_hex(cases[i].hex, bytes);
        struct frame f;
        assert_int_equal(frame_parse(bytes, len, &f), MU_OK);
        assert_int_equal(f.cmd, cases[i].cmd);
        assert_int_equal(f.has_sn, cases[i].cmd == FRAME_NUMBERED || cases[i].cmd == FRAME_ACK);
        assert_int_equal(f.sn, cases[i].sn);
        assert_int_equal(f.p0_len, cases[i].p0_len);
        assert_ptr_equal(f.p0 + f.p0_len, bytes + len);

        struct buf out;
        buf_init(&out, 100);
        frame_write(&out, f.cmd, f.sn, f.p0, f.p0_len);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, bytes, len);
        buf_free(&out);
    }
}

static void a_frame_cut_anywhere_or_with_a_byte_too_many_is_refused(void **state)
{
    (void)state;
    static const uint16_t cmds[] = { FRAME_CONTROL, FRAME_REPORT, FRAME_NUMBERED, FRAME_ACK };
    static const size_t sizes[] = { 0, 1, 124, 125, 20000, 2100000 };
    uint8_t *p0 = calloc(1, 2100000);

    for (size_t c = 0; c < 4; c++) {
        for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
            struct frame f;
            struct buf out;
            buf_init(&out, 2200000);
            frame_write(&out, cmds[c], 7, p0, sizes[s]);
            assert_int_equal(frame_parse(out.data, out.len, &f), MU_OK);
            assert_int_equal(f.p0_len, sizes[s]);
            for (size_t len = 0; len < out.len && len < 300; len++) {
                /* An exact copy, so that a sanitizer sees a read past the end. */
                uint8_t *cut = malloc(len ? len : 1);
                memcpy(cut, out.data, len);
                assert_int_equal(frame_parse(cut, len, &f), MU_E_FRAME);
                free(cut);
            }
            buf_append_u8(&out, 0);
            assert_int_equal(frame_parse(out.data, out.len, &f), MU_E_FRAME);
            buf_free(&out);
        }
    }
    free(p0);
}

static void malformed_envelopes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0000000409000090010101000010", /* another version */
        "0000000302000090",             /* no room for the command */
        "00000003060000930000000100",   /* a varlen that ends within the serial number */
        "000000030600009300000001",
        "00000003ffffffff7f000091", /* five bytes of varlen */
        "000000038080808003000091",
        "00000003000000910401",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        uint8_t bytes[64];
        struct frame f;
        size_t len = from_hex(bad[i], bytes);
        assert_int_equal(frame_parse(bytes, len, &f), MU_E_FRAME);
    }
    uint8_t bytes[64];
    struct frame f;
    size_t len = from_hex("000000038300000091", bytes); /* a length written wider than need be */
    assert_int_equal(frame_parse(bytes, len, &f), MU_OK);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frames_of_the_document_are_written_and_read),
        cmocka_unit_test(a_frame_cut_anywhere_or_with_a_byte_too_many_is_refused),
        cmocka_unit_test(malformed_envelopes_are_refused),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}

#include "journal/journal_fixture.h"

#include "journal/rocks_key.h"

/* The bytes of records: values that are cut, and RocksDB's keys. */

static const struct journal_message sent = {
    .kind = MESSAGE_APP2DEV, .definition = 70000, .number = 5, .enterprise = 300, .request = 7, .payload_len = 0
};
static const struct journal_session logout = { .end = true, .duration = 400, .reason = END_DATA_SIZE };

static void a_value_cut_anywhere_is_told_as_damage_or_read_within_its_bounds(void **state)
{
    (void)state;
    struct buf value;
    struct journal_message m;
    struct journal_session s;
    struct record_head head = { 0 };

    buf_init(&value, 1000);
    codec_message_encode(&value, &sent);
    for (size_t len = 0; len < value.len - sent.payload_len; len++) {
        uint8_t *cut = malloc(len + 1); /* of its own, so that a sanitizer sees a read past it */
        memcpy(cut, value.data, len);
        assert_int_equal(codec_message_decode(&head, bytes_of(cut, len), &m), MU_E_CORRUPT);
        free(cut);
    }
    buf_clear(&value);
    codec_session_encode(&value, &logout);
    for (size_t len = 0; len < value.len; len++)
        assert_int_equal(codec_session_decode(&head, bytes_of(value.data, len), &s), MU_E_CORRUPT);
    value.data[0] |= 0x80; /* a flag from the future */
    assert_int_equal(codec_session_decode(&head, bytes_of(value.data, value.len), &s), MU_E_CORRUPT);
    buf_free(&value);
}

static void a_key_tells_moment_and_number_and_is_damage_when_cut_or_longer(void **state)
{
    static const uint64_t numbers[] = { 0, 1, 127, 128, 300, UINT64_MAX };
    const struct bytes value = bytes_of("\2\1", 2); /* decoded, one after the last decoded one */
    (void)state;
    struct record_head head;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        uint8_t key[RECORD_KEY_MAX + 1];
        size_t len = rocks_record_key(key, 7, RECORD_MESSAGE, DAY_ZERO + 1, numbers[i]);
        assert_in_range(len, RECORD_KEY_HEAD + 1, RECORD_KEY_MAX);
        assert_int_equal(rocks_head_decode(bytes_of(key, len), value, RECORD_MESSAGE, &head), MU_OK);
        assert_int_equal(head.ts_us, DAY_ZERO + 1);
        assert_true(head.number == numbers[i]);
        assert_true(head.decoded_number == numbers[i] - 1);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(rocks_head_decode(bytes_of(key, cut), value, RECORD_MESSAGE, &head), MU_E_CORRUPT);
        key[len] = 0;
        assert_int_equal(rocks_head_decode(bytes_of(key, len + 1), value, RECORD_MESSAGE, &head), MU_E_CORRUPT);
        assert_int_equal(rocks_head_decode(bytes_of(key, len), bytes_of("", 0), RECORD_MESSAGE, &head), MU_E_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_tells_moment_and_number_and_is_damage_when_cut_or_longer),
        cmocka_unit_test(a_value_cut_anywhere_is_told_as_damage_or_read_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

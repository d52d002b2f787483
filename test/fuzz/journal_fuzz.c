/* The journal's records: bytes that are no record are damage, and what is read from others is written and
 * read again as the same. The first byte says which kind, the second how long the key is. */
#include "fuzz.h"

#include <stdlib.h>

#include "journal/rocks_key.h"

enum { VALUE_MAX = 1024 * 1024 };

static struct buf value;

static struct bytes written(void)
{
    CHECK(value.err == MU_OK);
    return bytes_of(value.data, value.len);
}

static bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool same_text(struct str a, struct str b)
{
    return same_bytes(a.at, a.len, b.at, b.len);
}

static struct bytes record_key_of(uint8_t out[RECORD_KEY_MAX], enum record_kind kind, const struct record_head *head)
{
    return bytes_of(out, rocks_record_key(out, 7, kind, head->ts_us, head->number));
}

static void message(struct bytes key, struct bytes in)
{
    uint8_t again_key[RECORD_KEY_MAX];
    struct record_head head, again_head;
    struct journal_message m, again;

    if (rocks_head_decode(key, in, RECORD_MESSAGE, &head) != MU_OK || codec_message_decode(&head, in, &m) != MU_OK)
        return;
    CHECK(head.decoded == m.decoded && head.decoded_number == m.decoded_number);
    codec_message_encode(&value, &m);
    key = record_key_of(again_key, RECORD_MESSAGE, &head);
    CHECK(rocks_head_decode(key, written(), RECORD_MESSAGE, &again_head) == MU_OK);
    CHECK(codec_message_decode(&again_head, written(), &again) == MU_OK);
    CHECK(m.ts_us == again.ts_us && m.kind == again.kind && m.decoded == again.decoded &&
          m.definition == again.definition && m.number == again.number && m.decoded_number == again.decoded_number &&
          m.enterprise == again.enterprise && m.request == again.request &&
          same_bytes(m.payload, m.payload_len, again.payload, again.payload_len));
}

static void session(struct bytes key, struct bytes in)
{
    uint8_t again_key[RECORD_KEY_MAX];
    struct record_head head, again_head;
    struct journal_session s, again;

    if (rocks_head_decode(key, in, RECORD_SESSION, &head) != MU_OK || codec_session_decode(&head, in, &s) != MU_OK)
        return;
    codec_session_encode(&value, &s);
    key = record_key_of(again_key, RECORD_SESSION, &head);
    CHECK(rocks_head_decode(key, written(), RECORD_SESSION, &again_head) == MU_OK);
    CHECK(codec_session_decode(&again_head, written(), &again) == MU_OK);
    CHECK(s.ts_us == again.ts_us && s.end == again.end && s.again == again.again && s.number == again.number &&
          s.keep_alive == again.keep_alive && s.boot == again.boot && s.duration == again.duration &&
          s.reason == again.reason && s.heartbeat.count == again.heartbeat.count &&
          s.heartbeat.max == again.heartbeat.max && s.heartbeat.min == again.heartbeat.min &&
          s.heartbeat.avg == again.heartbeat.avg && s.heartbeat.last == again.heartbeat.last);
}

static void state(struct bytes key, struct bytes in)
{
    struct journal_state s, again;

    (void)key;
    if (codec_state_decode(in, &s) != MU_OK)
        return;
    codec_state_encode(&value, &s);
    CHECK(codec_state_decode(written(), &again) == MU_OK);
    CHECK(s.last_ts_us == again.last_ts_us && s.last_session_us == again.last_session_us &&
          s.messages == again.messages && s.decoded == again.decoded && s.sessions == again.sessions &&
          s.activated_at == again.activated_at && s.online_latest == again.online_latest &&
          s.last_report == again.last_report && s.active_day == again.active_day &&
          s.session_boot == again.session_boot && s.definition == again.definition &&
          same_bytes(s.image, s.image_len, again.image, again.image_len));
}

static void versions(struct bytes key, struct bytes in)
{
    struct journal_versions v, again;

    (void)key;
    if (codec_versions_decode(in, &v) != MU_OK)
        return;
    codec_versions_encode(&value, &v);
    CHECK(codec_versions_decode(written(), &again) == MU_OK);
    for (int i = 0; i < VERSION_COUNT; i++)
        CHECK(strcmp(v.text[i], again.text[i]) == 0);
}

static void event(struct bytes key, struct bytes in)
{
    uint8_t head[EVENT_KEY_HEAD];
    struct journal_event e, again;
    uint32_t device, again_device;

    if (rocks_event_decode(key, in, &device, &e) != MU_OK)
        return;
    codec_event_encode(&value, &e);
    rocks_event_key_head(head, device, &e);
    CHECK(memcmp(head, key.at, sizeof(head)) == 0);
    CHECK(rocks_event_decode(key, written(), &again_device, &again) == MU_OK);
    CHECK(device == again_device && e.opened_us == again.opened_us && e.resolved_us == again.resolved_us &&
          e.alert == again.alert && e.definition == again.definition && same_text(e.name, again.name));
}

static void control(struct bytes key, struct bytes in)
{
    uint8_t again_key[CONTROL_KEY_LEN];
    struct journal_control c, again;

    if (rocks_control_decode(key, in, &c) != MU_OK)
        return;
    codec_control_encode(&value, &c);
    rocks_control_key(again_key, c.ts_us, c.request);
    CHECK(same_bytes(key.at, key.left, again_key, sizeof(again_key)));
    CHECK(rocks_control_decode(bytes_of(again_key, sizeof(again_key)), written(), &again) == MU_OK);
    size_t kept = c.frame_len < JOURNAL_CONTROL_FRAME ? c.frame_len : JOURNAL_CONTROL_FRAME;
    CHECK(c.error == again.error && c.last == again.last && c.frame_len == again.frame_len &&
          same_text(c.enterprise_id, again.enterprise_id) && same_text(c.did, again.did) &&
          same_bytes(c.frame, kept, again.frame, kept));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    static void (*const kinds[])(struct bytes key, struct bytes in) = { message,  session, state,
                                                                        versions, event,   control };
    struct bytes in = bytes_of(input, len);
    uint8_t kind = bytes_u8(&in), key_len = bytes_u8(&in);

    if (in.bad)
        return 0;
    struct bytes key = bytes_of(in.at, key_len < in.left ? key_len : in.left);
    bytes_take(&in, key.left);
    buf_free(&value);
    buf_init(&value, VALUE_MAX);
    kinds[kind % (sizeof(kinds) / sizeof(kinds[0]))](key, in);
    return 0;
}

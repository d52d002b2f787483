#include "journal/journal_fixture.h"

#include "journal/rocks_key.h"

/* The journal: starts, records, states, batches and what a visit shows. */

/* --- starts ---------------------------------------------------------------------------------------*/
static void starts_are_counted_and_remember_when_they_were_last_alive(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_boot(j).number, 1);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_OK);
    assert_int_equal(journal_commit(j, b, DAY_ZERO + 5), MU_OK);
    journal_batch_destroy(b);
    journal_close(j);
    journal_close(open_journal(*state)); /* the second start lives too short for a commit */

    j = open_journal(*state);
    assert_int_equal(journal_boot(j).number, 3);
    int64_t since_us;
    assert_true(journal_boot_is_over(j, 1, &since_us));
    assert_int_equal(since_us, DAY_ZERO + 5);
    assert_true(journal_boot_is_over(j, 2, &since_us));
    assert_int_equal(since_us, 0);
    assert_true(journal_boot_is_over(j, 4, &since_us));
    assert_int_equal(since_us, 0);
    assert_false(journal_boot_is_over(j, 3, &since_us));
    journal_close(j);
}

/* --- records --------------------------------------------------------------------------------------*/
static const struct journal_message sent = {
    .ts_us = DAY_ZERO + 1,
    .kind = MESSAGE_APP2DEV,
    .definition = UINT32_MAX,
    .number = UINT64_MAX,
    .decoded_number = 0,
    .enterprise = UINT32_MAX,
    .request = UINT64_C(0x0123456789abcdef),
    .payload = (const uint8_t *)"\0\0\0\3",
    .payload_len = 4,
};
static const struct journal_message reported = {
    .ts_us = DAY_ZERO + 2,
    .kind = MESSAGE_DEV2APP,
    .decoded = true,
    .definition = 0,
    .number = 300,
    .decoded_number = 300,
    .payload = (const uint8_t *)"",
    .payload_len = 0,
};
static const struct journal_session login = {
    .ts_us = DAY_ZERO + 3,
    .again = true,
    .number = 1,
    .keep_alive = 125,
    .boot = UINT64_MAX,
};
static const struct journal_session logout = {
    .ts_us = DAY_ZERO + 4,
    .end = true,
    .number = 2,
    .duration = UINT32_MAX,
    .reason = END_DATA_SIZE,
    .heartbeat = { .count = 1, .max = 2, .min = 3, .avg = UINT32_MAX, .last = 5 },
};

static enum mu_err check_message(void *ctx, const struct journal_message *m)
{
    const struct journal_message *expected = ctx;
    assert_int_equal(m->ts_us, expected->ts_us);
    assert_int_equal(m->kind, expected->kind);
    assert_int_equal(m->decoded, expected->decoded);
    assert_int_equal(m->definition, expected->definition);
    assert_true(m->number == expected->number);
    assert_true(m->decoded_number == expected->decoded_number);
    assert_int_equal(m->enterprise, expected->enterprise);
    assert_true(m->request == expected->request);
    assert_int_equal(m->payload_len, expected->payload_len);
    assert_memory_equal(m->payload, expected->payload, m->payload_len);
    return MU_OK;
}

static enum mu_err check_session(void *ctx, const struct journal_session *s)
{
    const struct journal_session *expected = ctx;
    assert_int_equal(s->ts_us, expected->ts_us);
    assert_int_equal(s->end, expected->end);
    assert_int_equal(s->again, expected->again);
    assert_true(s->number == expected->number);
    assert_int_equal(s->keep_alive, expected->keep_alive);
    assert_true(s->boot == expected->boot);
    assert_int_equal(s->duration, expected->duration);
    assert_int_equal(s->reason, expected->reason);
    assert_memory_equal(&s->heartbeat, &expected->heartbeat, sizeof(s->heartbeat));
    return MU_OK;
}

static void records_come_back_as_they_were_written(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_window w = { .to_us = INT64_MAX, .limit = UINT64_MAX };
    uint64_t total;

    journal_batch_message(b, UINT32_MAX, &sent);
    journal_batch_message(b, 0, &reported);
    journal_batch_session(b, UINT32_MAX, &login);
    journal_batch_session(b, 0, &logout);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);

    j = open_journal(*state);
    assert_int_equal(journal_messages(j, UINT32_MAX, &w, check_message, (void *)&sent, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_messages(j, 0, &w, check_message, (void *)&reported, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_sessions(j, UINT32_MAX, &w, check_session, (void *)&login, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_sessions(j, 0, &w, check_session, (void *)&logout, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_messages(j, 7, &w, check_message, NULL, &total), MU_OK);
    assert_int_equal(total, 0);
    journal_close(j);
}

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

/* --- devices --------------------------------------------------------------------------------------*/
static const struct journal_state full_state = {
    .last_ts_us = DAY_ZERO,
    .last_session_us = -1,
    .messages = UINT64_MAX,
    .decoded = 2,
    .sessions = 3,
    .activated_at = 1505789918,
    .online_latest = INT64_MAX,
    .last_report = INT64_MIN,
    .active_day = INT32_MIN,
    .session_boot = 9,
    .definition = UINT32_MAX,
    .numbers_reports = true,
    .image = (const uint8_t *)"image",
    .image_len = 5,
};
static const struct journal_versions full_versions = { .text = { "1.0", "", "WIFI", "04020034" } };

struct visit_order {
    char order[100];
};

static enum mu_err visit_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct visit_order *v = ctx;
    char text[20];

    snprintf(text, sizeof(text), "s%u ", device);
    strcat(v->order, text);
    if (device != 256)
        return MU_OK;
    struct journal_state got = *s;
    assert_int_equal(got.image_len, full_state.image_len);
    assert_memory_equal(got.image, full_state.image, got.image_len);
    assert_int_equal(got.last_ts_us, full_state.last_ts_us);
    assert_int_equal(got.last_session_us, full_state.last_session_us);
    assert_true(got.messages == full_state.messages);
    assert_int_equal(got.decoded, full_state.decoded);
    assert_int_equal(got.sessions, full_state.sessions);
    assert_int_equal(got.activated_at, full_state.activated_at);
    assert_int_equal(got.online_latest, full_state.online_latest);
    assert_int_equal(got.last_report, full_state.last_report);
    assert_int_equal(got.active_day, full_state.active_day);
    assert_int_equal(got.session_boot, full_state.session_boot);
    assert_int_equal(got.definition, full_state.definition);
    assert_true(got.numbers_reports);
    return MU_OK;
}

static enum mu_err visit_versions(void *ctx, uint32_t device, const struct journal_versions *versions)
{
    struct visit_order *v = ctx;
    char text[20];

    snprintf(text, sizeof(text), "v%u ", device);
    strcat(v->order, text);
    assert_memory_equal(versions, &full_versions, sizeof(full_versions));
    return MU_OK;
}

static void a_visit_sees_the_last_state_of_every_device_in_order(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_state other = { 0 };
    struct visit_order visit = { "" };
    struct journal_visitor visitor = { .ctx = &visit, .state = visit_state, .versions = visit_versions };

    journal_batch_state(b, 256, &other);
    journal_batch_state(b, 70000, &other);
    journal_batch_versions(b, 70000, &full_versions);
    commit(j, b);
    journal_batch_state(b, 256, &full_state);
    journal_batch_state(b, 3, &other);
    journal_batch_versions(b, 5, &full_versions);
    journal_batch_versions(b, UINT32_MAX, &full_versions);
    journal_batch_active(b, 20000, 256);
    commit(j, b);

    assert_int_equal(journal_visit(j, &visitor), MU_OK);
    assert_string_equal(visit.order, "s3 v5 s256 s70000 v70000 v4294967295 ");
    journal_batch_destroy(b);
    journal_close(j);
}

/* --- batches --------------------------------------------------------------------------------------*/
static void a_batch_is_empty_after_its_commit_and_after_being_cleared(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    size_t empty = journal_batch_bytes(b);

    put_message(b, 1, DAY_ZERO, 1);
    assert_true(journal_batch_bytes(b) > empty + 7);
    journal_batch_clear(b);
    assert_int_equal(journal_batch_bytes(b), empty);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(journal_batch_bytes(b), empty);
    journal_batch_destroy(b);
    journal_close(j);
}

static void a_record_too_large_fails_its_batch_and_only_that(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_message huge = { .ts_us = DAY_ZERO + 1, .number = 2, .payload_len = LIMIT_INTAKE };

    huge.payload = calloc(1, huge.payload_len);
    put_message(b, 1, DAY_ZERO, 1);
    journal_batch_message(b, 1, &huge);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_E_LIMIT);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    free((void *)huge.payload);
    journal_batch_destroy(b);
    journal_close(j);
}

static void until_when_states_may_be_followed_is_kept(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);

    assert_true(journal_followed_until_us(j) == INT64_MAX);
    journal_batch_followed(b, DAY_ZERO + DAY);
    commit(j, b);
    journal_batch_followed(b, DAY_ZERO);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
    j = open_journal(*state);
    assert_int_equal(journal_followed_until_us(j), DAY_ZERO);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(until_when_states_may_be_followed_is_kept),
        IN_DIRECTORY(starts_are_counted_and_remember_when_they_were_last_alive),
        IN_DIRECTORY(records_come_back_as_they_were_written),
        cmocka_unit_test(a_key_tells_moment_and_number_and_is_damage_when_cut_or_longer),
        cmocka_unit_test(a_value_cut_anywhere_is_told_as_damage_or_read_within_its_bounds),
        IN_DIRECTORY(a_visit_sees_the_last_state_of_every_device_in_order),
        IN_DIRECTORY(a_batch_is_empty_after_its_commit_and_after_being_cleared),
        IN_DIRECTORY(a_record_too_large_fails_its_batch_and_only_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/unit_test.h"

#include <roaring/roaring.h>

#include "commit/committer_fixture.h"
#include "commit/undecoded_log.h"

/* What the committer does with reports, controls and versions. */

static void a_report_is_kept_decoded_and_shown(void **state)
{
    (void)state;
    report_state(3, T0, 1, 77, 1, 0);
    wait_told(&sink, 1);
    assert_int_equal(sink.told[0].owner, 3);
    assert_int_equal(sink.told[0].tag, next_tag);
    assert_int_equal(sink.told[0].err, MU_OK);
    struct fleet_device d = device(3);
    assert_true(d.is_alert && !d.is_faulty && !d.is_online);
    assert_int_equal(d.last_report, T0 / 1000000);
    assert_int_equal(d.activated_at, 0); /* only a login activates */
    report_state(3, T0 + 5, 1, 77, 0, 1);
    wait_told(&sink, 2);
    d = device(3);
    assert_true(!d.is_alert && d.is_faulty);

    struct buf out;
    const struct fleet_definition *definition;
    buf_init(&out, 1000);
    fleet_device_state(f, 3, &definition, &out);
    struct point_value values[4];
    datapoint_state_values(definition->plan, out.data, values);
    assert_true(values[1].set && values[1].x == 77);
    buf_free(&out);

    stop();
    struct journal_message m = message(1);
    assert_int_equal(m.kind, MESSAGE_DEV2APP);
    assert_int_equal(m.ts_us, T0 + 5);
    assert_true(m.decoded);
    assert_int_equal(m.definition, 1);
    assert_int_equal(m.number, 2);
    assert_int_equal(m.decoded_number, 2);
    assert_int_equal(m.payload_len, 13);
    struct journal_state s = state_of(3);
    assert_int_equal(s.messages, 2);
    assert_int_equal(s.decoded, 2);
    assert_int_equal(s.last_report, T0 / 1000000);
    assert_int_equal(s.definition, 1);
    assert_int_not_equal(s.image_len, 0);
    assert_int_equal(records()->active.count, 1);
    assert_int_equal(records()->active.at[0].day, 19676); /* 2023-11-15 */
}

/* A frame that is no report (an echo, or an acknowledgement of a control) does not tell. */
static void whether_a_device_numbers_its_reports_is_known_from_the_last_of_them(void **state)
{
    (void)state;
    static const struct {
        const char *frame;
        size_t len;
        bool numbers;
    } frames[] = {
        { "\0\0\0\3\x8\0\0\x91\4\1\7\0\0", 13, false },
        { "\0\0\0\3\x0c\0\0\x93\0\0\0\1\4\1\7\0\0", 17, true },
        { "\0\0\0\3\3\0\0\x91", 8, true },
        { "\0\0\0\3\7\0\0\x94\0\0\0\1", 12, true },
        { "\0\0\0\3\x0c\0\0\x94\0\0\0\1\3\1\7\0\0", 17, true },
        { "\0\0\0\3\6\0\0\x91\6zz", 11, false },
        { "\0\0\0\3\x0a\0\0\x93\0\0\0\1\6zz", 15, true },
    };

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        report(3, T0 + (int64_t)i * 1000000, frames[i].frame, frames[i].len);
        wait_told(&sink, i + 1);
        assert_int_equal(device(3).numbers_reports, frames[i].numbers);
    }
    stop();
    assert_true(state_of(3).numbers_reports);
}

static void what_is_not_decoded_is_logged_once_a_device_and_hour_and_never_by_the_thousand(void **state)
{
    static const uint8_t hello[] = "hello";
    struct undecoded_log l = { .fleet = f };
    struct fleet_undecoded counted, others;

    (void)state;
    settle();
    const struct fleet_product *product = device(1).product;
    for (int i = 0; i < 3; i++)
        undecoded_log_add(&l, 1, product, NULL, hello, 5);
    undecoded_log_add(&l, 2, product, NULL, hello, 5);
    assert_int_equal(l.lines, 2);
    l.until_ms = 0; /* the hour is over */
    undecoded_log_add(&l, 1, product, NULL, hello, 5);
    assert_int_equal(l.lines, 1);
    l.lines = UNDECODED_LINES - 1;
    for (uint32_t no = 1; no <= 3; no++)
        undecoded_log_add(&l, no, product, NULL, hello, 5);
    assert_int_equal(l.lines, UNDECODED_LINES);
    assert_int_equal(roaring_bitmap_get_cardinality(l.told), 2);
    undecoded_log_free(&l);

    assert_int_equal(fleet_undecoded(f, &counted, 1, &others), 1);
    assert_string_equal(counted.product_key, product->product_key);
    assert_int_equal(counted.counts[UNDECODED_FRAME], 8);
    assert_int_equal(fleet_undecoded(f, &counted, 0, &others), 0);
    assert_int_equal(others.counts[UNDECODED_FRAME], 8);
}

static void what_cannot_be_decoded_is_kept_as_it_came_and_counted(void **state)
{
    (void)state;
    static const struct {
        const char *frame;
        size_t len;
        bool is_report;
        uint32_t to;
    } frames[] = {
        { "\0\0\0\3\3\0\0\x91", 8, false, 1 },               /* an echo */
        { "\0\0\0\3\7\0\0\x94\0\0\0\1", 12, false, 1 },      /* the ack of a control */
        { "\0\0\0\3\7\0\0\x91\4\1\7\0", 12, false, 1 },      /* short */
        { "\0\0\0\3\x9\0\0\x91\4\1\7\0\0", 13, false, 1 },   /* wrong varlen */
        { "\0\0\0\3\x9\0\0\x91\4\1\7\0\0\0", 14, false, 1 }, /* long */
        { "\0\0\0\3\x8\0\0\x91\x14\1\7\0\0", 13, false, 1 }, /* of the other kind */
        { "\0\0\0\3\4\0\0\x91\x2", 9, false, 1 },            /* no action of a device */
        { "\0\0\0\3\4\0\0\x77\x4", 9, false, 1 },            /* no command of a device */
        { "hello", 5, false, 1 },
        { "", 0, false, 1 },
        { "\0\0\0\3\6\0\0\x91\x6zz", 11, true, 1 },                     /* passthrough */
        { "\0\0\0\3\x8\0\0\x91\4\1\7\0\0", 13, true, FIXTURE_DEVICES }, /* nothing to decode it with */
        { "\0\0\0\3\3\0\0\x91", 8, false, FIXTURE_DEVICES },
    };
    enum { FRAMES = sizeof(frames) / sizeof(frames[0]) };
    struct committer_figures figures;
    size_t active = 0;

    for (size_t i = 0; i < FRAMES; i++) {
        report(frames[i].to, T0 + (int64_t)i * 86400 * 1000000, frames[i].frame, frames[i].len);
        wait_told(&sink, i + 1);
        assert_int_equal(sink.told[i].err, MU_OK);
        active += frames[i].is_report;
    }
    committer_get_figures(c, &figures);
    assert_int_equal(figures.messages, FRAMES);
    assert_int_equal(figures.echoes, 3);
    assert_int_equal(figures.undecoded, 8);
    assert_int_equal(figures.decoded, 0);
    stop();
    for (size_t i = 0; i < FRAMES; i++) {
        assert_false(message(i).decoded);
        assert_int_equal(message(i).payload_len, frames[i].len);
        assert_memory_equal(records()->messages.at[i].payload, frames[i].frame, frames[i].len);
    }
    assert_int_equal(records()->active.count, active);
    assert_int_equal(state_of(1).definition, 0); /* none of it made a state */
    assert_int_equal(state_of(1).messages, FRAMES - 2);
    assert_int_equal(state_of(1).decoded, 0);
}

static void answers_to_a_read_are_decoded_like_reports(void **state)
{
    (void)state;
    static const uint8_t with_sn[] = { 0, 0, 0, 3, 12, 0, 0, 0x93, 0, 0, 0, 5, 4, 1, 9, 0, 1 };
    uint8_t ack[sizeof(with_sn)];

    report(2, T0, with_sn, sizeof(with_sn));
    memcpy(ack, with_sn, sizeof(ack));
    ack[7] = 0x94;
    ack[12] = 3;
    ack[16] = 0;
    wait_told(&sink, 1);
    assert_true(device(2).is_faulty);
    report(2, T0, ack, sizeof(ack));
    wait_told(&sink, 2);
    assert_false(device(2).is_faulty);
}

static void the_first_report_of_a_civil_day_makes_it_an_active_day(void **state)
{
    (void)state;
    const int64_t midnight = 1700064000000000; /* 2023-11-16 00:00 in Shanghai */
    report_state(4, midnight - 2, 0, 0, 0, 0);
    report_state(4, midnight - 1, 0, 0, 0, 0);
    report_state(4, midnight, 0, 0, 0, 0);
    report_state(4, midnight + 1, 0, 0, 0, 0);
    report_state(5, midnight + 2, 0, 0, 0, 0);
    wait_told(&sink, 5);
    stop();
    assert_int_equal(records()->active.count, 3);
    assert_int_equal(records()->active.at[0].day, 19676);
    assert_int_equal(records()->active.at[1].day, 19677);
    assert_int_equal(records()->active.at[1].device, 4);
    assert_int_equal(records()->active.at[2].device, 5);
    assert_int_equal(state_of(4).active_day, 19677);
}

static void timestamps_of_a_device_increase_also_when_the_clock_is_set_back_a_little(void **state)
{
    (void)state;
    report_state(1, T0, 0, 0, 0, 0);
    report_state(1, T0, 0, 0, 0, 0);
    report_state(1, T0 - 59000000, 0, 0, 0, 0);
    report_state(2, T0 - 59000000, 0, 0, 0, 0);
    wait_told(&sink, 4);
    report_state(1, T0 - 1, 0, 0, 0, 0);
    login(1, 1, T0, false);
    end(1, 1, T0 - 50, END_TCP_CLOSED);
    login(1, 2, T0 + 1, false);
    wait_told(&sink, 5);
    stop();
    assert_int_equal(message(0).ts_us, T0);
    assert_int_equal(message(1).ts_us, T0 + 1);
    assert_int_equal(message(2).ts_us, T0 + 2);
    assert_int_equal(message(3).ts_us, T0 - 59000000); /* each device for itself */
    assert_int_equal(message(4).ts_us, T0 + 3);
    assert_int_equal(session(0).ts_us, T0);
    assert_int_equal(session(1).ts_us, T0 + 1);
    assert_int_equal(session(2).ts_us, T0 + 2);
    assert_int_equal(records()->turns.count, 0);
}

static void a_clock_that_was_ahead_and_is_set_right_is_followed_at_once(void **state)
{
    static const int64_t ahead = T0 + INT64_C(400) * 86400 * 1000000;

    (void)state;
    fake_journal_hold(j); /* so that all the rest waits together */
    report_state(9, T0, 0, 0, 0, 0);
    fake_journal_wait_held(j);
    login(1, 1, ahead, false);
    report_state(1, ahead + 5, 0, 1, 0, 0);
    report_state(1, T0 + 7, 0, 2, 0, 0);
    end(1, 1, T0 + 8, END_TCP_CLOSED);
    report_state(1, T0 + 7, 0, 3, 0, 0);
    report_state(2, T0 + 9, 0, 0, 0, 0);
    fake_journal_release(j);
    wait_told(&sink, 5);
    assert_int_equal(device(1).last_report, T0 / 1000000);
    stop();

    assert_int_equal(message(1).ts_us, ahead + 5);
    assert_int_equal(message(2).ts_us, T0 + 7);
    assert_int_equal(message(3).ts_us, T0 + 8);
    assert_int_equal(message(3).number, 3);
    assert_int_equal(session(0).ts_us, ahead);
    assert_int_equal(session(1).ts_us, T0 + 8);
    assert_int_equal(state_of(1).last_ts_us, T0 + 8);
    assert_int_equal(state_of(1).last_session_us, T0 + 8);
    assert_int_equal(state_of(1).active_day, 19676);
    assert_int_equal(records()->active.count, 4); /* two days of the first, one each of the others */
    assert_int_equal(records()->turns.count, 2);
    const struct fake_turn *messages = &records()->turns.at[0], *sessions = &records()->turns.at[1];
    assert_true(messages->device == 1 && messages->list == LIST_MESSAGES);
    assert_true(messages->from_us == T0 + 7 && messages->last_us == ahead + 5);
    assert_true(sessions->device == 1 && sessions->list == LIST_SESSIONS);
    assert_true(sessions->from_us == T0 + 8 && sessions->last_us == ahead);
    /* The records from which it turns back were on the disk before (journal_batch_turn): held, before the turn, and
     * behind it. */
    assert_true(fake_journal_counts(j).commits - fake_journal_counts(j).empty_commits >= 3);
}

static void a_refused_control_is_in_the_audit_log_alone(void **state)
{
    (void)state;
    struct journal_control control = { .ts_us = T0,
                                       .request = 7,
                                       .error = 5301,
                                       .enterprise_id = str_of(fake_enterprise(3).enterprise_id),
                                       .did = STR("no did, and too long for one") };

    committer_refused_control(c, &control);
    settle();
    stop();
    assert_int_equal(records()->messages.count, 1); /* settle's */
    const struct fake_control *audit = &records()->controls.at[0];
    assert_int_equal(records()->controls.count, 1);
    assert_string_equal(audit->did, "no did, and too long f");
    assert_string_equal(audit->enterprise_id, fake_enterprise(3).enterprise_id);
    assert_int_equal(audit->c.error, 5301);
    assert_int_equal(audit->c.frame_len, 0);
}

static void a_control_is_numbered_among_the_messages_and_decodes_nothing(void **state)
{
    (void)state;
    struct committer_figures figures;
    const uint8_t frame[] = { 0, 0, 0, 3, 4, 0, 0, 0x90, 2 };

    struct enterprise_row enterprise = fake_enterprise(3);
    fake_put_enterprise(reg, &enterprise);
    assert_int_equal(committer_follow_registry(c), MU_OK);
    report_state(1, T0, 0, 5, 0, 0);
    committer_control(c, &(struct commit_item){ .sink = &sink.sink, .owner = 9, .tag = 77, .device = 1, .ts_us = T0 },
                      3, 0xabcdef, frame, sizeof(frame));
    wait_told(&sink, 2);
    assert_int_equal(sink.told[1].tag, 77);
    committer_get_figures(c, &figures);
    assert_int_equal(figures.controls, 1);
    assert_int_equal(figures.messages, 1);
    assert_int_equal(figures.bytes, 13 + sizeof(frame));
    stop();
    struct journal_message m = message(1);
    assert_int_equal(m.kind, MESSAGE_APP2DEV);
    assert_int_equal(m.enterprise, 3);
    assert_int_equal(m.request, 0xabcdef);
    assert_int_equal(m.number, 2);
    assert_int_equal(m.decoded_number, 1);
    assert_int_equal(m.ts_us, T0 + 1);
    assert_memory_equal(records()->messages.at[1].payload, frame, sizeof(frame));
    const struct fake_control *audit = &records()->controls.at[0];
    assert_int_equal(records()->controls.count, 1);
    assert_string_equal(audit->did, fake_device(1, 1).did);
    assert_string_equal(audit->enterprise_id, fake_enterprise(3).enterprise_id);
    assert_int_equal(audit->c.request, 0xabcdef);
    assert_int_equal(audit->c.error, 0);
    assert_memory_equal(audit->frame, frame, sizeof(frame));
    assert_int_equal(records()->active.count, 1); /* the report's */
}

static void a_new_definition_starts_from_a_state_that_knows_nothing(void **state)
{
    (void)state;
    static const uint8_t level_only[] = { 0, 0, 0, 3, 6, 0, 0, 0x91, 0x14, 0x04, 60 };
    static const uint8_t mode_only[] = { 0, 0, 0, 3, 6, 0, 0, 0x91, 0x14, 0x02, 1 };
    const struct fleet_definition *definition;
    struct product_row product = fake_product(1);
    struct point_value values[5];
    struct buf out;

    buf_init(&out, 1000);
    report_state(1, T0, 1, 50, 0, 1);
    wait_told(&sink, 1);
    product.definition = 2;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 2, fake_definition_2);
    assert_int_equal(committer_follow_registry(c), MU_OK);
    report_state(1, T0, 1, 70, 0, 1); /* as the old definition has it: changes nothing */
    wait_told(&sink, 2);
    fleet_device_state(f, 1, &definition, &out);
    assert_int_equal(definition->version, 1);
    datapoint_state_values(definition->plan, out.data, values);
    assert_int_equal(values[1].x, 50);
    assert_true(device(1).is_faulty);

    report(1, T0, level_only, sizeof(level_only));
    report(1, T0, mode_only, sizeof(mode_only));
    wait_told(&sink, 4);
    buf_clear(&out);
    fleet_device_state(f, 1, &definition, &out);
    assert_int_equal(definition->version, 2);
    datapoint_state_values(definition->plan, out.data, values);
    assert_false(values[0].set || values[3].set || values[4].set);
    assert_int_equal(values[1].x, 1);
    assert_int_equal(values[2].x, 60);
    assert_false(device(1).is_faulty);
    buf_free(&out);
    stop();
    assert_int_equal(message(0).definition, 1);
    assert_int_equal(message(1).definition, 2);
    assert_false(message(1).decoded);
    assert_int_equal(message(1).decoded_number, 1);
    assert_int_equal(state_of(1).definition, 2);
    assert_int_equal(state_of(1).decoded, 3);
}

static void versions_are_merged_and_written_only_when_they_change(void **state)
{
    (void)state;
    struct journal_versions wifi = { { "", "", "w1", "w2" } }, mcu = { { "m1", "", "", "" } };

    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .tag = 1, .device = 6 }, &wifi);
    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .tag = 2, .device = 6 }, &mcu);
    wait_told(&sink, 2);
    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .tag = 3, .device = 6 }, &wifi);
    wait_told(&sink, 3);
    struct fleet_device d = device(6);
    assert_string_equal(d.versions.text[VERSION_MCU_HARD], "m1");
    assert_string_equal(d.versions.text[VERSION_MCU_SOFT], "");
    assert_string_equal(d.versions.text[VERSION_WIFI_SOFT], "w2");
    size_t written = records()->versions.count;
    assert_in_range(written, 1, 2); /* one or two batches, and the third told nothing new */
    strcpy(wifi.text[VERSION_WIFI_SOFT], "w3");
    committer_versions(c, &(struct commit_item){ .sink = &sink.sink, .tag = 4, .device = 6 }, &wifi);
    wait_told(&sink, 4);
    stop();
    assert_int_equal(records()->versions.count, written + 1);
    assert_string_equal(records()->versions.at[written].v.text[VERSION_MCU_HARD], "m1");
    assert_string_equal(records()->versions.at[written].v.text[VERSION_WIFI_SOFT], "w3");
}

static void what_an_unknown_device_does_is_answered_as_not_found(void **state)
{
    (void)state;
    report_state(999, T0, 0, 0, 0, 0);
    committer_control(c, &(struct commit_item){ .sink = &sink.sink, .tag = 5, .device = 999, .ts_us = T0 }, 1, 1,
                      (const uint8_t *)"", 0);
    login(999, 1, T0, false);
    end(999, 1, T0, END_FORCE);
    report_state(1, T0, 0, 0, 0, 0);
    wait_told(&sink, 3);
    assert_int_equal(sink.told[0].err, MU_E_NOT_FOUND);
    assert_int_equal(sink.told[1].err, MU_E_NOT_FOUND);
    assert_int_equal(sink.told[2].err, MU_OK);
    stop();
    assert_int_equal(records()->messages.count, 1);
    assert_int_equal(records()->sessions.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMITTER_TEST(a_report_is_kept_decoded_and_shown),
        COMMITTER_TEST(whether_a_device_numbers_its_reports_is_known_from_the_last_of_them),
        COMMITTER_TEST(what_is_not_decoded_is_logged_once_a_device_and_hour_and_never_by_the_thousand),
        COMMITTER_TEST(what_cannot_be_decoded_is_kept_as_it_came_and_counted),
        COMMITTER_TEST(answers_to_a_read_are_decoded_like_reports),
        COMMITTER_TEST(the_first_report_of_a_civil_day_makes_it_an_active_day),
        COMMITTER_TEST(timestamps_of_a_device_increase_also_when_the_clock_is_set_back_a_little),
        COMMITTER_TEST(a_clock_that_was_ahead_and_is_set_right_is_followed_at_once),
        COMMITTER_TEST(a_refused_control_is_in_the_audit_log_alone),
        COMMITTER_TEST(a_control_is_numbered_among_the_messages_and_decodes_nothing),
        COMMITTER_TEST(a_new_definition_starts_from_a_state_that_knows_nothing),
        COMMITTER_TEST(versions_are_merged_and_written_only_when_they_change),
        COMMITTER_TEST(what_an_unknown_device_does_is_answered_as_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

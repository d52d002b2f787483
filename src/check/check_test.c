#include "base/unit_test.h"

#include <ftw.h>
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check.h"
#include "journal/rocks_journal.h"
#include "model/datapoint.h"

/* The check finds and names each mistake that a journal can hold. The mistakes are written into a sound pair of stores
 * through the journal's own port. A sound pair has no findings. */

static const int64_t T0 = 1700000000000000; /* 2023-11-14 22:13:20 UTC */
enum { DAY_OF_T0 = 19675, DEVICES = 3 };

#define POINT(id, name, kind)                                                             \
    "{\"id\":" #id ",\"name\":\"" name "\",\"type\":\"" kind "\",\"data_type\":\"bool\"," \
    "\"position\":{\"byte_offset\":" #id ",\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}}"

/* A report is 04 <switch> <Hot> <Broken>. */
static const char definition[] =
    "{\"name\":\"n\",\"product_key\":\"k\",\"protocolType\":\"standard\",\"entities\":[{\"id\":0,\"attrs\":[" POINT(
        0, "switch", "status_writable") "," POINT(1, "Hot", "alert") "," POINT(2, "Broken", "fault") "]}]}";

static char dir[64];
static struct registry *reg;
static struct journal *j;
static struct journal_batch *b;
static struct calendar *calendar;
static uint32_t product, device[DEVICES];
static struct datapoint_plan *plan;
static uint8_t image[64];
static size_t image_len;

/* --- what it tells --------------------------------------------------------------------------------*/

static char told[8192];
static unsigned mistakes;

static void on_mistake(void *ctx, const char *text)
{
    (void)ctx;
    mistakes++;
    size_t len = strlen(told);
    snprintf(told + len, sizeof(told) - len, "%s\n", text);
}

static void on_looked_at(void *ctx, const char *what, uint64_t count)
{
    (void)ctx, (void)what, (void)count;
}

static void on_step(void *ctx)
{
    (void)ctx;
}

static void check(void)
{
    const struct findings findings = { NULL, on_mistake, on_looked_at, on_step };

    assert_int_equal(journal_commit(j, b, T0), MU_OK);
    told[0] = '\0';
    mistakes = 0;
    assert_int_equal(registry_check(reg, &findings), MU_OK);
    assert_int_equal(check_stores(reg, j, calendar, &findings), MU_OK);
}

static void expect(const char *text)
{
    check();
    if (mistakes != 1 || !strstr(told, text))
        fail_msg("not exactly '%s' but: %s", text, told);
}

/* --- a sound pair -----------------------------------------------------------------------------------*/

static enum mu_err put_rows(struct registry_tx *tx, void *arg)
{
    (void)arg;
    struct product_row row = { .name = "heater" };
    enum mu_err err;
    uint32_t version;

    id_new_hex(row.product_key);
    id_new_hex(row.product_secret);
    if ((err = tx_put_product(tx, &row)) != MU_OK ||
        (err = tx_put_definition(tx, row.no, str_of(definition), &version)) != MU_OK)
        return err;
    product = row.no;
    for (int i = 0; i < DEVICES && err == MU_OK; i++) {
        struct device_row d = { .product = product, .created_at = 1 };
        did_new(d.did);
        snprintf(d.mac, sizeof(d.mac), "%012d", i);
        strcpy(d.passcode, "123456");
        strcpy(d.place.country, "China");
        strcpy(d.place.region, "Guangdong");
        strcpy(d.place.city, i ? "Guangzhou" : "Shenzhen");
        err = tx_put_device(tx, &d);
        device[i] = d.no;
    }
    return err;
}

static void put_message(uint32_t no, uint64_t number, uint64_t decoded_number, bool decoded)
{
    journal_batch_message(b, no,
                          &(struct journal_message){ .ts_us = T0 + (int64_t)number * 1000000,
                                                     .decoded = decoded,
                                                     .definition = 1,
                                                     .number = number,
                                                     .decoded_number = decoded_number,
                                                     .payload = (const uint8_t *)"p",
                                                     .payload_len = 1 });
}

static struct journal_state state_of(uint64_t messages, uint64_t decoded)
{
    return (struct journal_state){ .last_ts_us = T0 + (int64_t)messages * 1000000,
                                   .messages = messages,
                                   .decoded = decoded,
                                   .last_session_us = T0,
                                   .sessions = 1,
                                   .activated_at = T0 / 1000000,
                                   .active_day = DAY_OF_T0,
                                   .definition = 1,
                                   .image = image,
                                   .image_len = image_len };
}

static void put_state(uint32_t no, struct journal_state s)
{
    journal_batch_state(b, no, &s);
}

static void put_session(uint32_t no, int64_t ts_us, uint64_t number, uint64_t boot)
{
    journal_batch_session(
        b, no, &(struct journal_session){ .ts_us = ts_us, .number = number, .keep_alive = 125, .boot = boot });
}

static void put_event(uint32_t no, const char *name, bool alert, int64_t opened_us, int64_t resolved_us)
{
    journal_batch_event(b, no,
                        &(struct journal_event){ .opened_us = opened_us,
                                                 .resolved_us = resolved_us,
                                                 .alert = alert,
                                                 .definition = 1,
                                                 .name = str_of(name) });
}

/* The first device has reported a fault; the second is well; the third was never seen. */
static void fill(void)
{
    static const uint8_t report[] = { 4, 1, 0, 1 };

    image_len = datapoint_state_size(plan);
    for (int i = 0; i < 2; i++) {
        put_session(device[i], T0, 1, 1);
        put_message(device[i], 1, 1, true);
        put_message(device[i], 2, 1, false);
        put_message(device[i], 3, 2, true);
        memset(image, 0, sizeof(image));
        if (i == 0)
            assert_int_equal(datapoint_state_report(plan, report, sizeof(report), image), MU_OK);
        put_state(device[i], state_of(3, 2));
        journal_batch_active(b, DAY_OF_T0, device[i]);
    }
    assert_int_equal(datapoint_state_report(plan, report, sizeof(report), image), MU_OK);
    put_event(device[0], "Broken", false, T0 + 3000000, 0);
    put_event(device[0], "Hot", true, T0 + 1000000, T0 + 2000000);
    assert_int_equal(journal_commit(j, b, T0), MU_OK);
}

static int setup(void **state)
{
    (void)state;
    char why[300];
    struct rocks_journal_options options = { .retention_days = 100000, .reserve_bytes = 4096 };
    json_t *json = json_loads(definition, 0, NULL);

    strcpy(dir, "/tmp/check-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(calendar_open(&calendar, "UTC"), MU_OK);
    if (datapoint_plan_compile(json, &plan, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    json_decref(json);
    assert_int_equal(registry_open(&reg, dir, why, sizeof(why)), MU_OK);
    assert_int_equal(registry_write(reg, put_rows, NULL), MU_OK);
    assert_int_equal(rocks_journal_open(&j, dir, &options, why, sizeof(why)), MU_OK);
    assert_int_equal(journal_batch_create(&b, j), MU_OK);
    fill();
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    journal_batch_destroy(b);
    journal_close(j);
    registry_close(reg);
    calendar_free(calendar);
    datapoint_plan_free(plan);
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static void a_sound_pair_has_no_mistakes(void **state)
{
    (void)state;
    check();
    if (mistakes)
        fail_msg("%s", told);
}

static void it_can_be_looked_at_without_a_change(void **state)
{
    (void)state;
    const struct findings findings = { NULL, on_mistake, on_looked_at, on_step };
    char why[300];

    for (int i = 0; i < 2; i++) {
        journal_batch_destroy(b);
        journal_close(j);
        registry_close(reg);
        assert_int_equal(registry_open_unchanged(&reg, dir, why, sizeof(why)), MU_OK);
        assert_int_equal(rocks_journal_open_unchanged(&j, dir, NULL, why, sizeof(why)), MU_OK);
        assert_int_equal(journal_boot(j).number, 1); /* the check does not count as a start */
        assert_int_equal(registry_check(reg, &findings), MU_OK);
        assert_int_equal(check_stores(reg, j, calendar, &findings), MU_OK);
        assert_int_equal(journal_batch_create(&b, j), MU_OK);
    }
}

/* --- running numbers ----------------------------------------------------------------------------------*/

static void a_gap_in_the_numbers_is_found(void **state)
{
    (void)state;
    put_message(device[1], 5, 3, true);
    put_state(device[1],
              (struct journal_state){
                  .last_ts_us = T0 + 5000000, .messages = 5, .decoded = 3, .sessions = 1, .last_session_us = T0 });
    expect("number 5 follows 3");
}

static void a_wrong_number_of_decoded_messages_is_found(void **state)
{
    (void)state;
    put_message(device[1], 4, 2, true);
    put_state(device[1],
              (struct journal_state){
                  .last_ts_us = T0 + 4000000, .messages = 4, .decoded = 2, .sessions = 1, .last_session_us = T0 });
    expect("the number of decoded messages is wrong");
}

static void a_state_that_is_behind_its_messages_is_found(void **state)
{
    (void)state;
    put_message(device[1], 4, 3, true);
    expect("has had 3 messages, the newest is number 4");
}

static void a_state_that_is_ahead_of_its_messages_is_found(void **state)
{
    (void)state;
    struct journal_state s = state_of(4, 2);
    s.last_ts_us = T0 + 3000000;
    s.definition = 0;
    s.image_len = 0;
    put_state(device[1], s);
    expect("has had 4 messages, the newest is number 3");
}

static void messages_that_have_expired_leave_a_state_that_is_ahead(void **state)
{
    (void)state;
    struct journal_state s = state_of(9, 8); /* and newer than any record that is kept */
    s.definition = 0;
    s.image_len = 0;
    put_state(device[1], s);
    check();
    assert_int_equal(mistakes, 0);
}

static void a_gap_in_the_session_records_is_found(void **state)
{
    (void)state;
    put_session(device[1], T0 + 1, 3, 1);
    struct journal_state s = state_of(3, 2);
    s.definition = 0;
    s.image_len = 0;
    s.sessions = 3;
    s.last_session_us = T0 + 1;
    put_state(device[1], s);
    expect("the session record of 1700000000000001 us: number 3 follows 1");
}

static void a_state_that_messages_may_follow_counts_all_session_records(void **state)
{
    (void)state;
    put_session(device[1], T0 + 1, 2, 1);
    struct journal_state s = state_of(3, 2);
    s.followed = true;
    s.definition = 0;
    s.image_len = 0;
    put_state(device[1], s);
    expect("has had 1 session records, the newest is number 2");
}

static void a_login_of_a_start_to_come_is_found(void **state)
{
    (void)state;
    put_session(device[1], T0, 1, 7);
    expect("a start that has not been yet");
}

/* --- whose they are -----------------------------------------------------------------------------------*/

static void records_of_a_device_that_never_was_are_found(void **state)
{
    (void)state;
    journal_batch_versions(b, device[2] + 1, &(struct journal_versions){ 0 });
    expect("versions: device 4 was never registered");
}

static void messages_without_a_state_are_found(void **state)
{
    (void)state;
    put_message(device[2], 1, 1, true);
    expect("device 3 has messages and no state");
}

static void a_message_of_a_definition_that_never_was_is_found(void **state)
{
    (void)state;
    journal_batch_message(
        b, device[1],
        &(struct journal_message){
            .ts_us = T0 + 3000000, .definition = 9, .decoded = true, .number = 3, .decoded_number = 2 });
    expect("does not have that version of the definition");
}

/* --- states and events --------------------------------------------------------------------------------*/

static void an_image_of_another_size_is_found(void **state)
{
    (void)state;
    struct journal_state s = state_of(3, 2);
    s.image_len--;
    put_state(device[1], s);
    expect("device 2: its image is not one of version 1");
}

static void an_open_event_whose_point_is_not_raised_is_found(void **state)
{
    (void)state;
    put_event(device[0], "Hot", true, T0 + 3000000, 0);
    expect("device 1, alert 'Hot' is open and not 1 in the state");
}

static void a_raised_point_without_an_open_event_is_found(void **state)
{
    (void)state;
    put_event(device[0], "Broken", false, T0 + 3000000, T0 + 3000001);
    expect("device 1, fault 'Broken' is 1 in the state and not open");
}

static void an_event_of_no_such_point_is_found(void **state)
{
    (void)state;
    put_event(device[0], "Nothing", true, T0, T0 + 1);
    expect("'Nothing' of 1700000000000000 us: version 1 of its definition has no such alert");
}

static void an_event_that_was_resolved_before_it_was_opened_is_found(void **state)
{
    (void)state;
    put_event(device[0], "Hot", true, T0 + 1000000, T0);
    expect("resolved before it was opened");
}

/* --- activity -----------------------------------------------------------------------------------------*/

static void a_set_that_cannot_be_read_is_found(void **state)
{
    (void)state;
    journal_batch_active_set(b, DAY_OF_T0 - 1, "nonsense", 8);
    expect("the set of day 19674 cannot be read");
}

static void put_set(int32_t day, uint32_t member)
{
    char bytes[256];
    roaring_bitmap_t *set = roaring_bitmap_create();

    roaring_bitmap_add(set, member);
    size_t len = roaring_bitmap_portable_serialize(set, bytes);
    journal_batch_active_set(b, day, bytes, len);
    roaring_bitmap_free(set);
}

static void a_set_with_a_device_that_never_was_is_found(void **state)
{
    (void)state;
    put_set(DAY_OF_T0 - 1, 99);
    expect("in the set of day 19674 is device 99");
}

static void an_active_day_that_is_not_in_its_set_is_found(void **state)
{
    (void)state;
    put_set(DAY_OF_T0, device[0]);
    expect("device 2 is not in the set of its last active day");
}

/* A fourth message, by a clock that has been set back: its moment is before the third's. */
static void put_earlier_message(uint32_t no, int64_t ts_us)
{
    struct journal_state s = state_of(4, 2);

    journal_batch_message(
        b, no,
        &(struct journal_message){
            .ts_us = ts_us, .number = 4, .decoded_number = 2, .payload = (const uint8_t *)"p", .payload_len = 1 });
    s.last_ts_us = ts_us;
    put_state(no, s);
}

static void a_turn_of_the_clock_is_no_mistake(void **state)
{
    (void)state;
    journal_batch_turn(b, device[0], LIST_MESSAGES, T0 - 120000000, T0 + 3000000);
    put_earlier_message(device[0], T0 - 120000000);
    check();
    assert_int_equal(mistakes, 0);
}

static void numbers_against_the_order_of_time_are_found(void **state)
{
    (void)state;
    put_earlier_message(device[0], T0 - 120000000);
    expect("number 1 follows 4");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_turn_of_the_clock_is_no_mistake),
        TEST(numbers_against_the_order_of_time_are_found),
        TEST(a_sound_pair_has_no_mistakes),
        TEST(it_can_be_looked_at_without_a_change),
        TEST(a_gap_in_the_numbers_is_found),
        TEST(a_wrong_number_of_decoded_messages_is_found),
        TEST(a_state_that_is_behind_its_messages_is_found),
        TEST(a_state_that_is_ahead_of_its_messages_is_found),
        TEST(messages_that_have_expired_leave_a_state_that_is_ahead),
        TEST(a_gap_in_the_session_records_is_found),
        TEST(a_state_that_messages_may_follow_counts_all_session_records),
        TEST(a_login_of_a_start_to_come_is_found),
        TEST(records_of_a_device_that_never_was_are_found),
        TEST(messages_without_a_state_are_found),
        TEST(a_message_of_a_definition_that_never_was_is_found),
        TEST(an_image_of_another_size_is_found),
        TEST(an_open_event_whose_point_is_not_raised_is_found),
        TEST(a_raised_point_without_an_open_event_is_found),
        TEST(an_event_of_no_such_point_is_found),
        TEST(an_event_that_was_resolved_before_it_was_opened_is_found),
        TEST(a_set_that_cannot_be_read_is_found),
        TEST(a_set_with_a_device_that_never_was_is_found),
        TEST(an_active_day_that_is_not_in_its_set_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

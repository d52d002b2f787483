#include "base/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include <roaring/roaring.h>

#include "base/buf.h"
#include "journal/fake_journal.h"
#include "registry/fake_registry.h"
#include "commit/rebuild.h"
#include "report/report.h"

/* More rows than the reader may be ahead. So when building fails the reader waits, and when reading fails rows are
 * waiting. */
enum { DEVICES = 6000, CATALOG = 7, USER_ROWS = DEVICES / 3 * 3, DAY = 20000 };

static struct registry *reg;
static struct journal *j;

static void put_catalog(void)
{
    struct enterprise_row enterprise = fake_enterprise(1);
    struct product_row product = fake_product(1);
    struct group_row group = { .no = 1, .product = 1 };
    struct token_row token = { .hash = { 1, 2, 3 }, .enterprise = 1, .product = 1, .expires_at = 1 };

    product.definition = 1;
    fake_hex(group.gid, 77);
    fake_put_enterprise(reg, &enterprise);
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 1, fake_definition);
    fake_associate(reg, 1, 1, false);
    fake_put_app(reg, 1, &product.no, 1);
    fake_put_group(reg, &group);
    fake_put_token(reg, &token, false);
}

static void put_device(uint32_t no)
{
    struct device_row row = fake_device(no, 1);

    row.group = no % 3 ? 1 : 0;
    row.is_disabled = no % 50 == 0;
    row.has_coordinates = no % 2;
    row.longitude = no / 100.0;
    row.place_source = PLACE_LOCATED;
    snprintf(row.place.country, sizeof(row.place.country), "country %u", no % 5);
    snprintf(row.device_sn, sizeof(row.device_sn), "sn%u", no);
    fake_put_device(reg, &row);
}

/* A user for every third device, bound to it. */
static void put_user(uint32_t no)
{
    struct user_brief user = { .no = no, .app = 1, .is_disabled = no % 9 == 0 };
    struct bound_row bound = { .no = no, .device = no, .user = no, .since = (DAY - no % 7) * 86400 };

    snprintf(user.place.city, sizeof(user.place.city), "city %u", no % 4);
    snprintf(user.place.region, sizeof(user.place.region), "region");
    snprintf(user.place.country, sizeof(user.place.country), "country %u", no % 7);
    bound.until = no % 2 ? bound.since + 86400 : 0;
    fake_put_user(reg, &user);
    fake_bind(reg, &bound);
    fake_first_bound(reg, 1, no, bound.since - 1);
}

static void put_set(struct journal_batch *b, int32_t day)
{
    roaring_bitmap_t *set = roaring_bitmap_from_range(1, DEVICES + 100, 1); /* some are gone */
    char bytes[256];

    roaring_bitmap_run_optimize(set);
    assert_true(roaring_bitmap_portable_size_in_bytes(set) <= sizeof(bytes));
    journal_batch_active_set(b, day, bytes, roaring_bitmap_portable_serialize(set, bytes));
    roaring_bitmap_free(set);
}

static void put_told(struct journal_batch *b, uint32_t no)
{
    uint8_t image[4] = { 0 };
    struct journal_state s = { .last_ts_us = no,
                               .messages = no,
                               .decoded = no,
                               .sessions = 2,
                               .activated_at = DAY * 86400 + no,
                               .online_latest = no,
                               .last_report = no,
                               .active_day = DAY,
                               .definition = 1 + (no % 100 == 0),
                               .image = image,
                               .image_len = sizeof(image) };
    struct journal_versions v = { { "", "1.0", "", "" } };

    image[no % 4] = (uint8_t)no;
    if (no % 7 == 0)
        s.definition = 0, s.image = NULL, s.image_len = 0;
    journal_batch_state(b, no, &s);
    v.text[0][0] = (char)('a' + no % 26);
    if (no % 2)
        journal_batch_versions(b, no, &v);
    if (no % 5)
        journal_batch_active(b, DAY + 1, no);
}

static void put_event(struct journal_batch *b, uint32_t no)
{
    bool alert = no % 2;
    struct journal_event e = { .opened_us = no,
                               .resolved_us = no % 3 ? 0 : no + 1,
                               .alert = alert,
                               .definition = 1,
                               .name = str_of(alert ? "Alert_Hot" : "Fault_Broken") };
    journal_batch_event(b, no, &e);
}

static void put_users(void)
{
    for (uint32_t no = 3; no <= DEVICES; no += 3)
        put_user(no);
}

static int setup(void **state)
{
    struct journal_batch *b;

    (void)state;
    reg = fake_registry_new();
    j = fake_journal_new(1);
    put_catalog();
    for (uint32_t no = 1; no <= DEVICES; no++)
        put_device(no);
    put_users();
    assert_int_equal(journal_batch_create(&b, j), MU_OK);
    put_set(b, DAY);
    for (uint32_t no = 1; no <= DEVICES + 10; no++)
        put_told(b, no);
    assert_int_equal(journal_commit(j, b, 0), MU_OK);
    journal_batch_destroy(b);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_journal_free(j);
    fake_registry_free(reg);
    return 0;
}

/* --- the same as row by row ------------------------------------------------------------------ */

static struct fleet *row_by_row(void)
{
    struct fleet *f;
    uint64_t seq;

    assert_int_equal(fleet_create(&f), MU_OK);
    struct registry_visitor rows = fleet_registry_visitor(f);
    struct journal_visitor told = fleet_journal_visitor(f);
    assert_int_equal(registry_visit_all(reg, &rows, &seq), MU_OK);
    assert_int_equal(journal_visit(j, &told), MU_OK);
    fleet_forget_strangers(f);
    return f;
}

static void same_row(struct fleet *a, struct fleet *b, uint32_t no)
{
    struct fleet_device x, y;

    assert_true(fleet_device_by_no(a, no, &x));
    assert_true(fleet_device_by_no(b, no, &y));
    assert_string_equal(x.did, y.did);
    assert_string_equal(x.mac, y.mac);
    assert_string_equal(x.passcode, y.passcode);
    assert_string_equal(x.device_sn, y.device_sn);
    assert_string_equal(x.place.country, y.place.country);
    assert_int_equal(x.is_disabled, y.is_disabled);
    assert_int_equal(x.is_faulty, y.is_faulty);
    assert_int_equal(x.is_alert, y.is_alert);
    assert_int_equal(x.is_placed, y.is_placed);
    assert_int_equal(x.has_coordinates, y.has_coordinates);
    assert_true(x.longitude >= y.longitude && x.longitude <= y.longitude);
    assert_int_equal(x.group, y.group);
    assert_int_equal(x.activated_at, y.activated_at);
    assert_int_equal(x.last_report, y.last_report);
    assert_int_equal(x.last_message_us, y.last_message_us);
    assert_memory_equal(&x.versions, &y.versions, sizeof(x.versions));
    assert_true(fleet_device_by_did(b, str_of(x.did), &y) && y.no == no);
}

static void same_told(struct fleet *a, struct fleet *b, uint32_t no)
{
    const struct fleet_product *product;
    struct fleet_progress p, q;
    struct fleet_event e[4], g[4];
    int32_t days[4], others[4];
    size_t len = 0, other_len = 0;

    assert_true(fleet_progress_get(a, no, &p, &product) && fleet_progress_get(b, no, &q, &product));
    assert_int_equal(p.messages, q.messages);
    assert_int_equal(p.definition, q.definition);
    assert_int_equal(p.active_day, q.active_day);
    const uint8_t *image = fleet_image(a, no, &len), *other = fleet_image(b, no, &other_len);
    assert_int_equal(!image, !other);
    assert_int_equal(len, other_len);
    if (image)
        assert_memory_equal(image, other, len);
    size_t count = fleet_active_days(a, no, days, 4);
    assert_int_equal(count, fleet_active_days(b, no, others, 4));
    assert_memory_equal(days, others, count * sizeof(*days));
    count = fleet_open_events(a, no, e, 4);
    assert_int_equal(count, fleet_open_events(b, no, g, 4));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(e[i].opened_us, g[i].opened_us);
        assert_true(str_eq(fleet_event_record(a, &e[i]).name, fleet_event_record(b, &g[i]).name));
    }
}

static void same_users(struct fleet *a, struct fleet *b)
{
    enum { DAYS = 9 };
    const int64_t starts[] = { 0, (DAY - 4) * 86400, (DAY - 2) * 86400 - 1, DAY * 86400 };
    uint32_t n[DAYS], others[DAYS];
    struct report x, y;
    uint64_t count, other;

    for (uint32_t group = 0; group <= 1; group++) {
        assert_int_equal(report_users_total(a, 1, group, &count), MU_OK);
        assert_int_equal(report_users_total(b, 1, group, &other), MU_OK);
        assert_int_equal(count, other);
        assert_int_equal(report_users_new(a, 1, group, starts, 3, n), MU_OK);
        assert_int_equal(report_users_new(b, 1, group, starts, 3, others), MU_OK);
        assert_memory_equal(n, others, 3 * sizeof(*n));
    }
    for (int i = 0; i < DAYS; i++) {
        assert_int_equal(report_users_active(a, 1, 1, DAY - 7 + i, &n[i]), MU_OK);
        assert_int_equal(report_users_active(b, 1, 1, DAY - 7 + i, &others[i]), MU_OK);
    }
    assert_memory_equal(n, others, sizeof(n));
    assert_true(n[7] && n[8] && n[7] > n[8]);
    assert_int_equal(report_users_places(a, 1, &x), MU_OK);
    assert_int_equal(report_users_places(b, 1, &y), MU_OK);
    assert_int_equal(x.count, y.count);
    assert_in_range(x.count, 10, 100);
    for (size_t i = 0; i < x.count; i++) {
        assert_true(str_eq(x.nodes[i].name, y.nodes[i].name));
        assert_int_equal(x.nodes[i].n[REPORT_COUNT], y.nodes[i].n[REPORT_COUNT]);
    }
    report_free(&x);
    report_free(&y);
}

static void the_fleet_is_the_same_as_row_by_row(void **state)
{
    struct fleet *a, *b;
    struct fleet_counts x, y;
    struct journal_batch *batch;
    uint64_t seq = 0;

    (void)state;
    assert_int_equal(journal_batch_create(&batch, j), MU_OK);
    for (uint32_t no = 1; no <= DEVICES + 10; no += 3)
        put_event(batch, no);
    assert_int_equal(journal_commit(j, batch, 0), MU_OK);
    journal_batch_destroy(batch);
    fake_delete(reg, KIND_DEVICE, 17);

    a = row_by_row();
    assert_int_equal(fleet_create(&b), MU_OK);
    assert_int_equal(rebuild_fleet(b, reg, j, &seq, &(struct followed){ 0 }), MU_OK);
    assert_int_equal(seq, CATALOG + DEVICES + USER_ROWS + 1);
    fleet_count(a, &x);
    fleet_count(b, &y);
    assert_memory_equal(&x, &y, sizeof(x));
    assert_int_equal(y.devices, DEVICES - 1);
    assert_int_equal(y.tokens, 1);
    assert_true(y.unusable_states > 0);
    assert_int_equal(atomic_load(&fleet_product_by_no(b, 1)->enterprise), 1);
    assert_string_equal(fleet_definition(a, 1, 1)->json, fleet_definition(b, 1, 1)->json);
    for (uint32_t no = 1; no <= DEVICES; no++) {
        if (no == 17)
            continue;
        same_row(a, b, no);
        same_told(a, b, no);
    }
    same_users(a, b);
    fleet_destroy(a);
    fleet_destroy(b);
}

/* --- errors ---------------------------------------------------------------------------------- */

static enum mu_err rebuilt(void)
{
    struct fleet *f;
    uint64_t seq = 12345;

    assert_int_equal(fleet_create(&f), MU_OK);
    enum mu_err err = rebuild_fleet(f, reg, j, &seq, &(struct followed){ 0 });
    if (err != MU_OK)
        assert_int_equal(seq, 12345);
    fleet_destroy(f);
    return err;
}

static void an_error_of_the_registry_ends_it(void **state)
{
    const size_t places[] = { 0, CATALOG + 100, CATALOG + DEVICES / 2, CATALOG + DEVICES - 1,
                              CATALOG + DEVICES + USER_ROWS - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        fake_registry_fail_at(reg, places[i], MU_E_IO);
        assert_int_equal(rebuilt(), MU_E_IO);
    }
    fake_registry_fail_at(reg, 0, MU_OK);
    assert_int_equal(rebuilt(), MU_OK);
}

static void an_error_of_the_journal_ends_it(void **state)
{
    const struct fake_records *all = fake_journal_records(j);
    size_t rows = all->states.count + all->versions.count + all->active_sets.count + all->active.count;
    const size_t places[] = { 0, 100, rows / 2, rows - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        fake_journal_fail_at(j, places[i], MU_E_IO);
        assert_int_equal(rebuilt(), MU_E_IO);
    }
    fake_journal_fail_at(j, rows, MU_E_IO); /* there is no such row */
    assert_int_equal(rebuilt(), MU_OK);
}

static void put_orphan(void)
{
    struct device_row orphan = fake_device(DEVICES + 1, 99);
    fake_put_device(reg, &orphan);
}

static void a_row_without_its_parent_ends_it_while_others_wait(void **state)
{
    (void)state;
    fake_registry_clear(reg);
    put_catalog();
    put_orphan();
    for (uint32_t no = 1; no <= DEVICES; no++)
        put_device(no);
    assert_int_equal(rebuilt(), MU_E_CORRUPT);
}

static void a_row_without_its_parent_ends_it_before_the_journal(void **state)
{
    (void)state;
    put_orphan();
    assert_int_equal(rebuilt(), MU_E_CORRUPT);
    fake_journal_fail_at(j, 0, MU_E_IO); /* comes after the orphan */
    assert_int_equal(rebuilt(), MU_E_CORRUPT);
}

static void a_set_that_cannot_be_read_ends_it(void **state)
{
    struct journal_batch *b;

    (void)state;
    assert_int_equal(journal_batch_create(&b, j), MU_OK);
    journal_batch_active_set(b, DAY - 1, "no set", 6);
    assert_int_equal(journal_commit(j, b, 0), MU_OK);
    journal_batch_destroy(b);
    assert_int_equal(rebuilt(), MU_E_CORRUPT);
}

static void empty_stores_make_an_empty_fleet(void **state)
{
    struct registry *no_rows = fake_registry_new();
    struct journal *no_told = fake_journal_new(1);
    struct fleet_counts counts;
    struct fleet *f;
    uint64_t seq = 12345;

    (void)state;
    assert_int_equal(fleet_create(&f), MU_OK);
    assert_int_equal(rebuild_fleet(f, no_rows, no_told, &seq, &(struct followed){ 0 }), MU_OK);
    fleet_count(f, &counts);
    assert_int_equal(counts.devices, 0);
    assert_int_equal(seq, 0);
    fleet_destroy(f);
    fake_journal_free(no_told);
    fake_registry_free(no_rows);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_fleet_is_the_same_as_row_by_row),
        TEST(an_error_of_the_registry_ends_it),
        TEST(an_error_of_the_journal_ends_it),
        TEST(a_row_without_its_parent_ends_it_while_others_wait),
        TEST(a_row_without_its_parent_ends_it_before_the_journal),
        TEST(a_set_that_cannot_be_read_ends_it),
        TEST(empty_stores_make_an_empty_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

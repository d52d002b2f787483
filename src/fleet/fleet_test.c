#include "base/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/fake_registry.h"
#include "fleet/fleet_apply.h"

/* How the fleet shows the rows that it follows. */

static struct fleet *f;
static struct registry *reg;
static uint64_t seq;

static int setup(void **state)
{
    (void)state;
    seq = 0;
    reg = fake_registry_new();
    return fleet_create(&f) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fleet_destroy(f);
    fake_registry_free(reg);
    return 0;
}

static void follow(void)
{
    struct registry_visitor v = fleet_registry_visitor(f);
    assert_int_equal(registry_visit_changes(reg, &v, &seq), MU_OK);
}

static struct str hex(uint32_t no)
{
    static char text[4][ID_HEX_LEN + 1];
    static int i;
    i = (i + 1) % 4;
    fake_hex(text[i], no);
    return str_of(text[i]);
}

static void put_product(uint32_t no, uint32_t definition)
{
    struct product_row row = fake_product(no);
    row.definition = definition;
    fake_put_product(reg, &row);
}

/* --- catalog --------------------------------------------------------------------------------- */

static void a_product_row_changes_under_a_pointer_that_stays(void **state)
{
    (void)state;
    struct product_row row = fake_product(3);
    fake_put_product(reg, &row);
    follow();
    const struct fleet_product *p = fleet_product_by_key(f, hex(3));
    assert_non_null(p);
    assert_ptr_equal(p, fleet_product_by_no(f, 3));
    const struct product_row *before = atomic_load(&p->row);
    strcpy(row.name, "renamed");
    fake_put_product(reg, &row);
    follow();
    assert_string_equal(atomic_load(&p->row)->name, "renamed");
    assert_string_equal(before->name, "product"); /* still readable */
    assert_ptr_equal(p, fleet_product_by_key(f, hex(3)));

    assert_null(fleet_product_by_key(f, hex(4)));
    assert_null(fleet_product_by_key(f, STR("3")));
    fake_delete(reg, KIND_PRODUCT, 3);
    fake_delete(reg, KIND_PRODUCT, 99);
    follow();
    assert_null(fleet_product_by_key(f, hex(3)));
    assert_null(fleet_product_by_no(f, 3));
    assert_string_equal(p->product_key, hex(3).at);
}

static void an_association_is_seen_on_the_product(void **state)
{
    (void)state;
    struct enterprise_row row = fake_enterprise(8);
    fake_put_enterprise(reg, &row);
    put_product(1, 0);
    fake_associate(reg, 8, 1, false);
    follow();
    const struct fleet_product *p = fleet_product_by_no(f, 1);
    assert_int_equal(atomic_load(&p->enterprise), 8);
    const struct fleet_enterprise *e = fleet_enterprise_by_id(f, hex(8));
    assert_int_equal(e->no, 8);
    assert_int_equal(atomic_load(&e->row)->hourly_quota, 3600);
    fake_associate(reg, 8, 1, true);
    fake_delete(reg, KIND_ENTERPRISE, 8);
    follow();
    assert_int_equal(atomic_load(&p->enterprise), 0);
    assert_null(fleet_enterprise_by_id(f, hex(8)));
}

static void a_definition_comes_into_force_and_its_older_versions_stay(void **state)
{
    (void)state;
    put_product(1, 1);
    fake_put_definition(reg, 1, 1, fake_definition);
    follow();
    const struct fleet_product *p = fleet_product_by_no(f, 1);
    const struct fleet_definition *first = atomic_load(&p->definition);
    assert_int_equal(first->version, 1);
    assert_int_equal(datapoint_count(first->plan), 4);

    put_product(1, 2);
    fake_put_definition(reg, 1, 2, fake_definition_2);
    follow();
    assert_int_equal(atomic_load(&p->definition)->version, 2);
    assert_ptr_equal(fleet_definition(f, 1, 1), first);
    assert_int_equal(datapoint_count(fleet_definition(f, 1, 2)->plan), 5);
    assert_null(fleet_definition(f, 1, 3));
    assert_null(fleet_definition(f, 9, 1));

    put_product(1, 1); /* back to the first, which is not sent again */
    follow();
    assert_ptr_equal(atomic_load(&p->definition), first);
    put_product(1, 0);
    follow();
    assert_null(atomic_load(&p->definition));
}

static void a_definition_that_does_not_compile_is_left_out(void **state)
{
    (void)state;
    put_product(1, 1);
    fake_put_definition(reg, 1, 1, fake_definition);
    put_product(1, 2);
    fake_put_definition(reg, 1, 2, "{\"entities\":[]}");
    put_product(1, 3);
    fake_put_definition(reg, 1, 3, "no JSON");
    follow();
    assert_null(atomic_load(&fleet_product_by_no(f, 1)->definition));
    assert_non_null(fleet_definition(f, 1, 1));
    assert_null(fleet_definition(f, 1, 2));
}

static void ui_is_derived_only_where_none_is_stored(void **state)
{
    (void)state;
    char stored[2000];
    snprintf(stored, sizeof(stored), "%.*s,\"ui\":{\"own\":1}}", (int)strlen(fake_definition) - 1, fake_definition);
    put_product(1, 1);
    fake_put_definition(reg, 1, 1, fake_definition);
    fake_put_definition(reg, 1, 2, stored);
    follow();

    const struct fleet_definition *d = fleet_definition(f, 1, 1);
    size_t len = strlen(fake_definition) - 1;
    assert_memory_equal(d->json, fake_definition, len);
    assert_memory_equal(d->json + len, ",\"ui\":{", 7);
    assert_int_equal(strlen(d->json), d->json_len);
    json_t *root = json_loads(d->json, 0, NULL);
    json_t *sections = json_object_get(json_object_get(root, "ui"), "sections");
    assert_int_equal(json_array_size(json_object_get(json_array_get(sections, 0), "elements")), 2);
    json_decref(root);

    d = fleet_definition(f, 1, 2);
    assert_string_equal(d->json, stored);
    assert_int_equal(atomic_load(&fleet_product_by_no(f, 1)->definition)->version, 1);
    assert_int_equal(d->json_len, strlen(stored));
}

static void a_token_is_found_until_it_is_removed(void **state)
{
    (void)state;
    struct enterprise_row e = fake_enterprise(2);
    struct fleet_token found;
    struct fleet_counts counts;
    struct token_row t = { .enterprise = 2, .product = 1 };

    fake_put_enterprise(reg, &e);
    put_product(1, 0);
    for (int i = 0; i < 300; i++) {
        memcpy(t.hash, &i, sizeof(i));
        t.expires_at = 1000 + i;
        fake_put_token(reg, &t, false);
    }
    follow();
    for (int i = 0; i < 300; i++) {
        memcpy(t.hash, &i, sizeof(i));
        assert_true(fleet_token_find(f, t.hash, &found));
        assert_int_equal(found.expires_at, 1000 + i);
        assert_int_equal(found.enterprise->no, 2);
        assert_int_equal(found.product->no, 1);
        if (i % 2)
            fake_put_token(reg, &t, true);
    }
    fake_put_token(reg, &t, true); /* again */
    follow();
    fleet_count(f, &counts);
    assert_int_equal(counts.tokens, 150);
    for (int i = 0; i < 300; i++) {
        memcpy(t.hash, &i, sizeof(i));
        assert_int_equal(fleet_token_find(f, t.hash, &found), i % 2 == 0);
    }
    t.product = 77; /* of a product that is not there */
    memset(t.hash, 5, sizeof(t.hash));
    fake_put_token(reg, &t, false);
    follow();
    assert_false(fleet_token_find(f, t.hash, &found));
}

/* --- devices --------------------------------------------------------------------------------- */

static void a_device_is_copied_out_as_it_was_put_in(void **state)
{
    (void)state;
    struct device_row row = fake_device(70000, 1);
    struct fleet_device d;

    strcpy(row.device_sn, "sn-1");
    row.type = DEVICE_SUB_DEV;
    row.place = (struct place){ "中国", "广东", "广州" };
    row.place_source = PLACE_CONFIGURED;
    row.has_coordinates = true;
    row.longitude = 113.280637;
    row.latitude = -23.1251784;
    row.created_at = UINT32_MAX;
    put_product(1, 0);
    fake_put_device(reg, &row);
    follow();
    assert_true(fleet_device_by_did(f, str_of(row.did), &d));
    assert_int_equal(d.no, 70000);
    assert_int_equal(d.product->no, 1);
    assert_string_equal(d.did, row.did);
    assert_string_equal(d.mac, row.mac);
    assert_string_equal(d.passcode, "secret");
    assert_string_equal(d.device_sn, "sn-1");
    assert_int_equal(d.type, DEVICE_SUB_DEV);
    assert_true(d.is_placed && d.has_coordinates);
    assert_false(d.is_disabled || d.is_online || d.is_faulty || d.is_alert);
    assert_true(d.longitude == 113.280637 && d.latitude == -23.1251784); /* to the last digit */
    assert_int_equal(d.created_at, UINT32_MAX);
    assert_string_equal(d.place.country, "中国");
    assert_string_equal(d.place.city, "广州");

    struct fleet_login login;
    assert_true(fleet_login_find(f, str_of(row.did), &login));
    assert_int_equal(login.no, 70000);
    assert_string_equal(login.passcode, "secret");
    assert_true(login.is_placed && !login.is_disabled);

    assert_false(fleet_device_by_did(f, STR("nobody"), &d));
    assert_false(fleet_device_by_no(f, 69999, &d));
    assert_false(fleet_device_by_no(f, UINT32_MAX, &d));
    fake_delete(reg, KIND_DEVICE, 70000);
    fake_delete(reg, KIND_DEVICE, 5);
    follow();
    assert_false(fleet_device_by_did(f, str_of(row.did), &d));
    assert_false(fleet_device_by_no(f, 70000, &d));
    assert_false(fleet_login_find(f, str_of(row.did), &login));
}

static void a_mac_is_found_however_it_is_written(void **state)
{
    static const char *const macs[] = { "accf2350d446",
                                        "ACCF2350D446",
                                        "accf2350D446",
                                        "accf2350d44",
                                        "a",
                                        "ac:cf:23",
                                        "00124b000e8a4f5c",
                                        "00124b000e8a4f5c00124b000e8a4f5c00124b000e8a4f5c00124b000e8a4f5c" };
    struct fleet_device d;

    (void)state;
    put_product(1, 1);
    for (uint32_t no = 1; no <= sizeof(macs) / sizeof(*macs); no++) {
        struct device_row row = fake_device(no, 1);
        strcpy(row.mac, macs[no - 1]);
        fake_put_device(reg, &row);
    }
    follow();
    for (uint32_t no = 1; no <= sizeof(macs) / sizeof(*macs); no++) {
        assert_true(fleet_device_by_mac(f, fleet_product_by_key(f, hex(1)), str_of(macs[no - 1]), &d));
        assert_int_equal(d.no, no);
        assert_string_equal(d.mac, macs[no - 1]);
        assert_string_equal(d.passcode, "secret");
    }
}

static void the_enabled_registration_of_a_mac_comes_before_the_latest(void **state)
{
    (void)state;
    struct device_row row[3];
    struct fleet_device d;

    put_product(1, 0);
    put_product(2, 0);
    for (uint32_t i = 0; i < 3; i++) {
        row[i] = fake_device(10 + i, 1);
        strcpy(row[i].mac, "virtual:site");
        row[i].is_disabled = i != 1;
        fake_put_device(reg, &row[i]);
    }
    follow();
    const struct fleet_product *p = fleet_product_by_no(f, 1);
    assert_true(fleet_device_by_mac(f, p, STR("virtual:site"), &d));
    assert_int_equal(d.no, 11);
    row[1].is_disabled = true;
    fake_put_device(reg, &row[1]);
    follow();
    assert_true(fleet_device_by_mac(f, p, STR("virtual:site"), &d));
    assert_int_equal(d.no, 12);
    assert_true(d.is_disabled);
    fake_delete(reg, KIND_DEVICE, 12);
    strcpy(row[0].mac, "other");
    fake_put_device(reg, &row[0]);
    follow();
    assert_true(fleet_device_by_mac(f, p, STR("virtual:site"), &d));
    assert_int_equal(d.no, 11);
    assert_true(fleet_device_by_mac(f, p, STR("other"), &d));
    assert_int_equal(d.no, 10);
    assert_false(fleet_device_by_mac(f, p, STR("Other"), &d)); /* macs are case-sensitive */
    assert_false(fleet_device_by_mac(f, fleet_product_by_no(f, 2), STR("other"), &d));
}

static struct fleet_progress progress_of(uint32_t no)
{
    struct fleet_progress p;
    const struct fleet_product *product;
    assert_true(fleet_progress_get(f, no, &p, &product));
    return p;
}

static void apply(const struct fleet_change *change)
{
    fleet_apply_begin(f);
    fleet_apply(f, change);
    fleet_apply_end(f);
}

static void assert_same_progress(const struct fleet_progress *a, const struct fleet_progress *b)
{
    assert_true(a->last_ts_us == b->last_ts_us && a->last_session_us == b->last_session_us);
    assert_true(a->messages == b->messages && a->decoded == b->decoded && a->sessions == b->sessions);
    assert_true(a->activated_at == b->activated_at && a->online_latest == b->online_latest);
    assert_true(a->last_report == b->last_report && a->active_day == b->active_day);
    assert_true(a->session_boot == b->session_boot && a->session == b->session);
    assert_int_equal(a->definition, b->definition);
    assert_int_equal(a->numbers_reports, b->numbers_reports);
}

static void what_a_device_told_survives_a_change_of_its_row(void **state)
{
    (void)state;
    struct device_row row = fake_device(5, 1);
    struct fleet_device d;
    const uint8_t image[] = "state of unknown length";
    struct journal_versions versions = { { "a", "b", "c", "d" } };
    struct fleet_change change = {
        .no = 5,
        /* The largest values that fit. */
        .progress = { .last_ts_us = 4480000000000011,
                      .last_session_us = 4480000000000012,
                      .messages = 60000000013,
                      .decoded = 60000000012,
                      .sessions = 4000000015,
                      .activated_at = 16,
                      .online_latest = 4200000017,
                      .last_report = 4200000018,
                      .active_day = 49019,
                      .session_boot = 20,
                      .session = 4480000000000021,
                      .definition = 1,
                      .numbers_reports = true },
        .image = image,
        .image_len = sizeof(image),
        .faulty = true,
    };

    put_product(1, 1);
    fake_put_definition(reg, 1, 1, fake_definition);
    fake_put_device(reg, &row);
    follow();
    apply(&change);
    fleet_apply_begin(f);
    fleet_apply_versions(f, 5, &versions);
    fleet_apply_versions(f, 99, &versions);
    fleet_apply_end(f);
    strcpy(row.passcode, "a longer secret than before");
    row.created_at -= 100;
    row.is_disabled = true;
    fake_put_device(reg, &row);
    follow();
    struct fleet_progress p = progress_of(5);
    assert_same_progress(&p, &change.progress);
    assert_true(fleet_device_by_no(f, 5, &d));
    assert_true(d.is_online && d.is_faulty && d.is_disabled && !d.is_alert);
    assert_string_equal(d.passcode, "a longer secret than before");
    assert_string_equal(d.versions.text[3], "d");
    assert_int_equal(d.activated_at, 16);
    assert_int_equal(d.online_latest, 4200000017);
    assert_int_equal(d.last_report, 4200000018);

    struct buf out;
    const struct fleet_definition *definition;
    buf_init(&out, 1000);
    fleet_device_state(f, 5, &definition, &out);
    assert_int_equal(definition->version, 1);
    assert_int_equal(out.len, sizeof(image));
    assert_memory_equal(out.data, image, sizeof(image));
    buf_clear(&out);
    fleet_device_state(f, 6, &definition, &out);
    assert_null(definition);
    assert_int_equal(out.len, 0);
    buf_free(&out);

    change.progress.session = 0;
    change.image = NULL;
    apply(&change);
    assert_true(fleet_device_by_no(f, 5, &d));
    assert_true(!d.is_online && d.is_faulty);
    struct fleet_counts counts;
    fleet_count(f, &counts);
    assert_int_equal(counts.online, 0);
    assert_int_equal(counts.devices, 1);
}

static void a_device_imported_anew_is_not_confused_with_its_deleted_number(void **state)
{
    (void)state;
    struct device_row row = fake_device(5, 1);
    struct fleet_change online = { .no = 5, .progress.session = 9 };
    struct fleet_counts counts;
    struct fleet_device d;

    put_product(1, 0);
    fake_put_device(reg, &row);
    follow();
    apply(&online);
    row.no = 6; /* the same did, mac and time; the deletion comes last */
    fake_put_device(reg, &row);
    fake_delete(reg, KIND_DEVICE, 5);
    follow();
    assert_true(fleet_device_by_did(f, str_of(row.did), &d));
    assert_int_equal(d.no, 6);
    assert_false(d.is_online);
    fleet_count(f, &counts);
    assert_int_equal(counts.devices, 1);
    assert_int_equal(counts.online, 0);
    apply(&online); /* committed for a device that is gone */
    fleet_count(f, &counts);
    assert_int_equal(counts.online, 0);
}

static void note_disabled(void *ctx, uint32_t no)
{
    *(uint32_t *)ctx = *(uint32_t *)ctx * 10 + no;
}

static void whoever_watches_is_told_of_a_disabled_device_that_is_online(void **state)
{
    (void)state;
    uint32_t told = 0;
    struct device_row row[4];

    put_product(1, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        row[i] = fake_device(i, 1);
        row[i].is_disabled = i == 1;
        fake_put_device(reg, &row[i]);
    }
    follow();
    fleet_watch_disabled(f, note_disabled, &told);
    apply(&(struct fleet_change){ .no = 2, .progress.session = 7 });
    apply(&(struct fleet_change){ .no = 3, .progress.session = 8 });
    assert_int_equal(told, 0);
    /* A login crosses the disabling. */
    apply(&(struct fleet_change){ .no = 1, .progress.session = 9 });
    assert_int_equal(told, 1);
    row[2].is_disabled = true;
    fake_put_device(reg, &row[2]);
    follow();
    assert_int_equal(told, 12);
    fake_delete(reg, KIND_DEVICE, 3);
    follow();
    assert_int_equal(told, 123);
    apply(&(struct fleet_change){ .no = 2 });
    assert_int_equal(told, 123);
}

static void a_group_is_found_by_its_gid(void **state)
{
    (void)state;
    struct group_row row = { .no = 4, .product = 1 };
    uint32_t group, product;

    fake_hex(row.gid, 4);
    put_product(1, 0);
    fake_put_group(reg, &row);
    follow();
    assert_true(fleet_group_find(f, hex(4), &group, &product));
    assert_int_equal(group, 4);
    assert_int_equal(product, 1);
    assert_false(fleet_group_find(f, hex(5), &group, &product));
    fake_delete(reg, KIND_GROUP, 4);
    fake_delete(reg, KIND_GROUP, 400);
    follow();
    assert_false(fleet_group_find(f, hex(4), &group, &product));
}

static void what_is_not_there_in_a_second_visit_is_forgotten(void **state)
{
    (void)state;
    struct group_row group = { .no = 1, .product = 1 };
    struct enterprise_row enterprise = fake_enterprise(1);
    struct token_row token = { .enterprise = 1, .product = 1, .hash = { 1 } };
    struct fleet_token found;
    struct fleet_counts counts;
    uint32_t no, product;

    for (int round = 0; round < 2; round++) {
        fake_put_enterprise(reg, &enterprise);
        put_product(1, 0);
        if (round == 0) {
            put_product(2, 0);
            fake_associate(reg, 1, 1, false);
            fake_hex(group.gid, 1);
            fake_put_group(reg, &group);
            fake_put_token(reg, &token, false);
        }
        for (uint32_t i = 1; i < 10; i++) {
            struct device_row row = fake_device(i, 1);
            if (round == 0 || i % 3 == 0)
                fake_put_device(reg, &row);
        }
        if (round == 0) {
            follow();
            assert_true(fleet_token_find(f, token.hash, &found));
            fake_registry_clear(reg);
        }
    }
    assert_int_equal(fleet_revisit(f, reg, &seq), MU_OK);
    fleet_count(f, &counts);
    assert_int_equal(counts.devices, 3);
    assert_int_equal(counts.products, 1);
    assert_int_equal(counts.enterprises, 1);
    assert_int_equal(counts.tokens, 0);
    assert_false(fleet_token_find(f, token.hash, &found));
    assert_false(fleet_group_find(f, hex(1), &no, &product));
    assert_int_equal(atomic_load(&fleet_product_by_no(f, 1)->enterprise), 0);
    follow(); /* from there on as ever */
}

/* --- the journal's rows ---------------------------------------------------------------------- */

static void states_of_the_journal_are_taken_in_with_everybody_offline(void **state)
{
    (void)state;
    struct device_row row = fake_device(5, 1);
    struct fleet_device d;

    put_product(1, 1);
    fake_put_definition(reg, 1, 1, fake_definition);
    fake_put_device(reg, &row);
    row = fake_device(6, 1);
    fake_put_device(reg, &row);
    follow();
    const struct datapoint_plan *plan = fleet_definition(f, 1, 1)->plan;
    const uint8_t p0[] = { 4, 1, 7, 1, 0 };
    uint8_t image[64] = { 0 };
    assert_int_equal(datapoint_state_report(plan, p0, sizeof(p0), image), MU_OK);

    struct journal_visitor v = fleet_journal_visitor(f);
    struct journal_state s = { .last_ts_us = 100,
                               .messages = 3,
                               .decoded = 2,
                               .sessions = 4,
                               .activated_at = 50,
                               .online_latest = 60,
                               .last_report = 70,
                               .active_day = 8,
                               .session_boot = 2,
                               .definition = 1,
                               .image = image,
                               .image_len = datapoint_state_size(plan) };
    struct journal_versions versions = { { "", "1.0", "", "" } };
    assert_int_equal(v.state(v.ctx, 5, &s), MU_OK);
    assert_int_equal(v.versions(v.ctx, 5, &versions), MU_OK);
    assert_int_equal(v.state(v.ctx, 999, &s), MU_OK); /* unknown: ignored */
    assert_int_equal(v.versions(v.ctx, 999, &versions), MU_OK);
    s.definition = 7; /* of a version that is not there: the image says nothing */
    assert_int_equal(v.state(v.ctx, 6, &s), MU_OK);

    assert_true(fleet_device_by_no(f, 5, &d));
    assert_true(d.is_alert && !d.is_faulty && !d.is_online);
    assert_string_equal(d.versions.text[VERSION_MCU_SOFT], "1.0");
    struct fleet_progress p = progress_of(5);
    assert_int_equal(p.session_boot, 2);
    assert_int_equal(p.session, 0);
    assert_int_equal(p.definition, 1);
    assert_int_equal(p.messages, 3);
    assert_true(fleet_device_by_no(f, 6, &d));
    assert_false(d.is_alert);
    assert_int_equal(progress_of(6).definition, 0);
    assert_int_equal(progress_of(6).sessions, 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_product_row_changes_under_a_pointer_that_stays),
        TEST(an_association_is_seen_on_the_product),
        TEST(a_definition_comes_into_force_and_its_older_versions_stay),
        TEST(a_definition_that_does_not_compile_is_left_out),
        TEST(ui_is_derived_only_where_none_is_stored),
        TEST(a_token_is_found_until_it_is_removed),
        TEST(a_device_is_copied_out_as_it_was_put_in),
        TEST(a_mac_is_found_however_it_is_written),
        TEST(the_enabled_registration_of_a_mac_comes_before_the_latest),
        TEST(what_a_device_told_survives_a_change_of_its_row),
        TEST(a_device_imported_anew_is_not_confused_with_its_deleted_number),
        TEST(whoever_watches_is_told_of_a_disabled_device_that_is_online),
        TEST(a_group_is_found_by_its_gid),
        TEST(what_is_not_there_in_a_second_visit_is_forgotten),
        TEST(states_of_the_journal_are_taken_in_with_everybody_offline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

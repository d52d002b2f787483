/* Rows, associations, queries. */
#include "sql/registry_fixture.h"

#include "registry/secret.h"

/* --- rows -----------------------------------------------------------------------------------------*/

struct all_rows {
    struct enterprise_row enterprise;
    struct product_row product;
    struct app_row app;
    struct user_row user;
    struct device_row device;
    struct group_row group;
};

static enum mu_err get_all(struct registry_tx *tx, void *arg)
{
    struct all_rows *rows = arg;
    struct all_rows key = *rows;

    assert_int_equal(tx_enterprise_by_id(tx, key.enterprise.enterprise_id, &rows->enterprise), MU_OK);
    assert_int_equal(tx_product_by_key(tx, key.product.product_key, &rows->product), MU_OK);
    assert_int_equal(tx_app_by_id(tx, key.app.appid, &rows->app), MU_OK);
    assert_int_equal(tx_user_by_uid(tx, key.user.uid, &rows->user), MU_OK);
    assert_int_equal(tx_device_by_did(tx, key.device.did, &rows->device), MU_OK);
    assert_int_equal(tx_group_by_gid(tx, key.group.gid, &rows->group), MU_OK);
    return MU_OK;
}

static void every_field_of_a_row_outlives_the_process(void **state)
{
    struct registry_fixture *f = *state;
    static struct all_rows put, got;

    put.enterprise = (struct enterprise_row){
        .name = "One 公司", .hourly_quota = 4000000000u, .secret_required = true, .ip_allow_count = 2
    };
    id_new_hex(put.enterprise.enterprise_id);
    memset(put.enterprise.secret_salt, 0x80, 16);
    memset(put.enterprise.secret_hash, 0x00, 32);
    assert_int_equal(cidr_parse(STR("10.0.0.0/8"), &put.enterprise.ip_allow[0]), MU_OK);
    assert_int_equal(cidr_parse(STR("2001:db8::/32"), &put.enterprise.ip_allow[1]), MU_OK);
    put.product = (struct product_row){ .name = "泵",
                                        .remote_control = true,
                                        .registration = REGISTRATION_KNOWN,
                                        .pacing = PACING_OFF,
                                        .control = CONTROL_0090 };
    id_new_hex(put.product.product_key);
    id_new_hex(put.product.product_secret);
    assert_int_equal(fixture_put(f, .enterprise = &put.enterprise, .product = &put.product), MU_OK);
    put.app = (struct app_row){ .name = "app" };
    id_new_hex(put.app.appid);
    assert_int_equal(fixture_put(f, .app = &put.app), MU_OK);
    /* Static, so that the bytes between the fields are zero: rows are compared as they lie in memory. */
    static const struct user_row user = {
        .username = "u",
        .phone = "p",
        .email = "e",
        .name = "n",
        .gender = "g",
        .birthday = "b",
        .address = "a",
        .remark = "r",
        .auth_src = "{\"x\":1}",
        .is_anonymous = true,
        .created_at = 1513135417,
        .updated_at = 9999999999,
        .place = { "中国", "广东", "广州" },
    };
    put.user = user;
    put.user.app = put.app.no;
    id_new_hex(put.user.uid);
    put.group = (struct group_row){ .product = put.product.no };
    id_new_hex(put.group.gid);
    assert_int_equal(fixture_put(f, .user = &put.user, .group = &put.group), MU_OK);
    static const struct device_row device = {
        .mac = "virtual:site",
        .passcode = "123456",
        .device_sn = "sn",
        .type = DEVICE_BLUETOOTH,
        .is_disabled = true,
        .created_at = -1,
        .has_coordinates = true,
        .place = { "China", "Guangdong", "Guangzhou" },
        .place_source = PLACE_CONFIGURED,
        .longitude = -113.280637,
        .latitude = 23.125178,
    };
    put.device = device;
    put.device.product = put.product.no;
    put.device.group = put.group.no;
    did_new(put.device.did);
    assert_int_equal(fixture_put(f, .device = &put.device), MU_OK);

    fixture_reopen(f);
    memcpy(&got, &put, sizeof(got));
    assert_int_equal(registry_read(f->reg, get_all, &got), MU_OK);
    assert_memory_equal(&got, &put, sizeof(got));
}

static void a_number_is_never_given_twice(void **state)
{
    struct registry_fixture *f = *state;
    struct group_row group = { .product = fixture_product(f) };

    id_new_hex(group.gid);
    assert_int_equal(fixture_put(f, .group = &group), MU_OK);
    fixture_sql(f, "DELETE FROM device_group");
    fixture_reopen(f);
    uint32_t first = group.no;
    group.no = 0;
    assert_int_equal(fixture_put(f, .group = &group), MU_OK);
    assert_true(group.no > first);
}

static void a_key_that_is_taken_and_a_row_that_is_missing_are_told_apart(void **state)
{
    struct registry_fixture *f = *state;
    struct product_row product = { .name = "a" };
    struct device_row device = { .product = 999, .mac = "m", .passcode = "p" };

    id_new_hex(product.product_key);
    assert_int_equal(fixture_put(f, .product = &product), MU_OK);
    product.no = 0;
    assert_int_equal(fixture_put(f, .product = &product), MU_E_EXISTS);
    product.no = 999;
    product.product_key[0] = 'x';
    assert_int_equal(fixture_put(f, .product = &product), MU_E_NOT_FOUND);
    did_new(device.did);
    assert_int_equal(fixture_put(f, .device = &device), MU_E_NOT_FOUND);
}

static void groups_never_form_a_circle(void **state)
{
    struct registry_fixture *f = *state;
    struct group_row root = { .product = fixture_product(f) }, child = root, grandchild = root;

    id_new_hex(root.gid);
    id_new_hex(child.gid);
    id_new_hex(grandchild.gid);
    assert_int_equal(fixture_put(f, .group = &root), MU_OK);
    child.parent = root.no;
    assert_int_equal(fixture_put(f, .group = &child), MU_OK);
    grandchild.parent = child.no;
    assert_int_equal(fixture_put(f, .group = &grandchild), MU_OK);
    root.parent = grandchild.no;
    assert_int_equal(fixture_put(f, .group = &root), MU_E_VALUE);
    child.parent = child.no;
    assert_int_equal(fixture_put(f, .group = &child), MU_E_VALUE);
    grandchild.parent = root.no;
    assert_int_equal(fixture_put(f, .group = &grandchild), MU_OK);
}

/* --- definitions ----------------------------------------------------------------------------------*/

struct definition_call {
    uint32_t product;
    const char *json; /* NULL: clear */
    uint32_t version;
    struct product_row row;
};

static enum mu_err define(struct registry_tx *tx, void *arg)
{
    struct definition_call *call = arg;
    enum mu_err err = call->json ? tx_put_definition(tx, call->product, str_of(call->json), &call->version)
                                 : tx_clear_definition(tx, call->product);
    return err == MU_OK ? tx_product_by_no(tx, call->product, &call->row) : err;
}

static void the_same_definition_again_adds_no_version(void **state)
{
    struct registry_fixture *f = *state;
    struct definition_call call = { .product = fixture_product(f) };
    static const struct {
        const char *json;
        uint32_t version;
    } steps[] = {
        { "{\"a\":1}", 1 }, { "{\"a\":1}", 1 }, { "{\"a\":2}", 2 }, { "{\"a\":1}", 3 },
        { NULL, 0 },        { NULL, 0 },        { "{\"a\":1}", 4 },
    };

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        call.json = steps[i].json;
        assert_int_equal(registry_write(f->reg, define, &call), MU_OK);
        assert_int_equal(call.row.definition, steps[i].version);
    }
    /* Writing a row that was read long ago does not restore an old version. */
    struct product_row old = call.row;
    old.definition = 1;
    assert_int_equal(fixture_put(f, .product = &old), MU_OK);
    call.json = "{\"a\":1}";
    assert_int_equal(registry_write(f->reg, define, &call), MU_OK);
    assert_int_equal(call.version, 4);
    call.product = 999;
    assert_int_equal(registry_write(f->reg, define, &call), MU_E_NOT_FOUND);
}

/* --- associations ---------------------------------------------------------------------------------*/

struct association_call {
    enum { ASSOCIATE, DISSOCIATE, APP_PRODUCTS, GET_APP } what;
    uint32_t enterprise, product;
    struct app_row app;
    uint32_t products[2];
    size_t count;
};

static enum mu_err associate(struct registry_tx *tx, void *arg)
{
    struct association_call *call = arg;

    switch (call->what) {
    case ASSOCIATE: return tx_associate(tx, call->enterprise, call->product);
    case DISSOCIATE: return tx_dissociate(tx, call->enterprise, call->product);
    case APP_PRODUCTS: return tx_set_app_products(tx, call->app.no, call->products, call->count);
    case GET_APP: return tx_app_by_id(tx, call->app.appid, &call->app);
    }
    return MU_E_VALUE;
}

static uint32_t new_enterprise(struct registry_fixture *f)
{
    struct enterprise_row row = { .name = "e" };
    id_new_hex(row.enterprise_id);
    assert_int_equal(fixture_put(f, .enterprise = &row), MU_OK);
    return row.no;
}

static void an_app_belongs_to_the_enterprise_of_its_products(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t e1 = new_enterprise(f), e2 = new_enterprise(f);
    uint32_t p1 = fixture_product(f), p2 = fixture_product(f);
    struct app_row app = { .name = "app" };

    id_new_hex(app.appid);
    assert_int_equal(fixture_put(f, .app = &app), MU_OK);
#define CALL(...) registry_write(f->reg, associate, &(struct association_call){ __VA_ARGS__ })
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e1, .product = p1), MU_OK);
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e1, .product = p1), MU_OK);
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e2, .product = p1), MU_E_EXISTS);
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e1, .product = 999), MU_E_NOT_FOUND);
    assert_int_equal(CALL(.what = APP_PRODUCTS, .app = app, .products = { p1, p2 }, .count = 2), MU_OK);
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e2, .product = p2), MU_E_VALUE);

    struct association_call get = { .what = GET_APP, .app = app };
    assert_int_equal(registry_read(f->reg, associate, &get), MU_OK);
    assert_int_equal(get.app.enterprise, e1);

    assert_int_equal(CALL(.what = DISSOCIATE, .enterprise = e2, .product = p1), MU_E_NOT_FOUND);
    assert_int_equal(CALL(.what = DISSOCIATE, .enterprise = e1, .product = p1), MU_OK);
    assert_int_equal(registry_read(f->reg, associate, &get), MU_OK);
    assert_int_equal(get.app.enterprise, 0);
    assert_int_equal(CALL(.what = APP_PRODUCTS, .app = app, .products = { p1 }, .count = 1), MU_OK);
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e2, .product = p2), MU_OK);
    assert_int_equal(CALL(.what = ASSOCIATE, .enterprise = e1, .product = p1), MU_OK);
    assert_int_equal(CALL(.what = APP_PRODUCTS, .app = app, .products = { p1, p2 }, .count = 2), MU_E_VALUE);
    assert_int_equal(registry_read(f->reg, associate, &get), MU_OK);
    assert_int_equal(get.app.enterprise, e1);
#undef CALL
}

/* --- queries --------------------------------------------------------------------------------------*/

static void the_devices_of_a_user_are_those_bound_now(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f), other = fixture_product(f), *devices;
    struct app_row app = { .name = "app" };
    struct user_row user = { .username = "u" };
    size_t count;
    char sql[400];

    id_new_hex(app.appid);
    id_new_hex(user.uid);
    assert_int_equal(fixture_put(f, .app = &app), MU_OK);
    user.app = app.no;
    assert_int_equal(fixture_put(f, .user = &user), MU_OK);
    uint32_t made[3];
    for (int i = 0; i < 3; i++) {
        struct device_row d = { .product = i == 2 ? other : product, .passcode = "p" };
        snprintf(d.mac, sizeof(d.mac), "mac%d", i);
        did_new(d.did);
        assert_int_equal(fixture_put(f, .device = &d), MU_OK);
        made[i] = d.no;
    }
    assert_int_equal(registry_devices_of_user(f->reg, product, user.uid, &devices, &count), MU_E_NOT_FOUND);
    snprintf(sql, sizeof(sql),
             "INSERT INTO binding (device, \"user\", app, is_owner, since, until) VALUES "
             "(%u, %u, %u, 1, 5, NULL), (%u, %u, %u, 1, 5, 9), (%u, %u, %u, 0, 5, NULL)",
             made[0], user.no, app.no, made[1], user.no, app.no, made[2], user.no, app.no);
    fixture_sql(f, sql);
    assert_int_equal(registry_devices_of_user(f->reg, product, user.uid, &devices, &count), MU_OK);
    assert_int_equal(count, 1);
    assert_int_equal(devices[0], made[0]);
    free(devices);
    user.uid[0] = 'x';
    assert_int_equal(registry_devices_of_user(f->reg, product, user.uid, &devices, &count), MU_E_NOT_FOUND);
}

static void facts_are_kept(void **state)
{
    struct registry_fixture *f = *state;
    char text[16];

    assert_int_equal(registry_get_fact(f->reg, "time_zone", text, sizeof(text)), MU_E_NOT_FOUND);
    assert_int_equal(registry_set_fact(f->reg, "time_zone", "UTC"), MU_OK);
    assert_int_equal(registry_set_fact(f->reg, "time_zone", "Asia/Shanghai"), MU_OK);
    fixture_reopen(f);
    assert_int_equal(registry_get_fact(f->reg, "time_zone", text, sizeof(text)), MU_OK);
    assert_string_equal(text, "Asia/Shanghai");
    assert_int_equal(registry_get_fact(f->reg, "time_zone", text, 13), MU_E_LIMIT);
}

static void secrets_are_compared_by_their_hash(void **state)
{
    (void)state;
    uint8_t salt[16] = { 1 }, hash[32], other[32];

    secret_hash(salt, STR("secret"), hash);
    assert_true(secret_equal(salt, STR("secret"), hash));
    assert_false(secret_equal(salt, STR("secre"), hash));
    assert_false(secret_equal(salt, (struct str){ NULL, 0 }, hash));
    salt[0] = 2;
    assert_false(secret_equal(salt, STR("secret"), hash));
    secret_token_hash(STR("abc"), other);
    static const uint8_t abc[4] = { 0xba, 0x78, 0x16, 0xbf }; /* FIPS 180-2, B.1 */
    assert_memory_equal(other, abc, 4);
    assert_true(secret_text_equal(STR("a"), STR("a")));
    assert_false(secret_text_equal(STR("a"), STR("ab")));
    assert_false(secret_text_equal(STR("a"), STR("b")));
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(every_field_of_a_row_outlives_the_process),
        with_registry(a_number_is_never_given_twice),
        with_registry(a_key_that_is_taken_and_a_row_that_is_missing_are_told_apart),
        with_registry(groups_never_form_a_circle),
        with_registry(the_same_definition_again_adds_no_version),
        with_registry(an_app_belongs_to_the_enterprise_of_its_products),
        with_registry(the_devices_of_a_user_are_those_bound_now),
        with_registry(facts_are_kept),
        cmocka_unit_test(secrets_are_compared_by_their_hash),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}

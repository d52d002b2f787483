#include "transfer/apply_fixture.h"

#include <dirent.h>

#include "registry/secret.h"

/* The word after `field` in "…: generated field value". */
static void generated(const struct apply_outcome *outcome, const char *field, char *out, size_t size)
{
    char mark[60];

    snprintf(mark, sizeof(mark), ": generated %s ", field);
    const char *at = strstr(outcome->report, mark);
    assert_non_null(at);
    at += strlen(mark);
    assert_true(str_copy(out, size, (struct str){ at, strcspn(at, "\n") }));
    assert_null(strstr(at, mark));
}

struct definitions {
    unsigned count;
    char last[8000];
};

static enum mu_err see_definition(void *ctx, const struct definition_row *row)
{
    struct definitions *seen = ctx;
    seen->count++;
    if (!str_copy(seen->last, sizeof(seen->last), row->json))
        *seen->last = '\0';
    return MU_OK;
}

static struct definitions definitions(struct registry_fixture *f)
{
    struct definitions seen = { 0 };
    uint64_t seq;
    struct registry_visitor v = { .ctx = &seen, .definition = see_definition };
    assert_int_equal(registry_visit_all(f->reg, &v, &seq), MU_OK);
    return seen;
}

/* --- the whole of it ------------------------------------------------------------------------------*/

static void every_field_arrives_where_it_belongs(void **state)
{
    struct registry_fixture *f = *state;
    struct apply_outcome outcome = must_apply(f, EVERYTHING);

    assert_string_equal(outcome.report, "enterprises: 1 created, 0 updated, 0 unchanged\n"
                                        "products: 1 created, 0 updated, 0 unchanged\n"
                                        "associations: 1 added, 0 removed\n"
                                        "apps: 1 created, 0 updated, 0 unchanged\n"
                                        "users: 1 created, 0 updated, 0 unchanged\n"
                                        "devices: 1 created, 0 updated, 0 unchanged\n");
    struct enterprise_row e = GET(f, enterprise, enterprise_id, EID);
    assert_string_equal(e.name, "One");
    assert_true(secret_equal(e.secret_salt, STR(UNSEEN), e.secret_hash));
    assert_int_equal(e.hourly_quota, 7);
    assert_false(e.secret_required);
    assert_int_equal(e.ip_allow_count, 2);
    assert_int_equal(e.ip_allow[0].bits, 104);
    struct product_row p = GET(f, product, product_key, PK);
    assert_string_equal(p.product_secret, UNSEEN);
    assert_string_equal(p.name, "AC");
    assert_false(p.remote_control);
    assert_int_equal(p.registration, REGISTRATION_KNOWN);
    assert_int_equal(p.pacing, PACING_OFF);
    assert_int_equal(p.control, CONTROL_0093);
    assert_int_equal(p.definition, 1);
    struct app_row a = GET(f, app, appid, APP);
    assert_string_equal(a.name, "app");
    assert_int_equal(a.enterprise, e.no);
    struct user_row u = GET(f, user, uid, UNSEEN);
    assert_int_equal(u.app, a.no);
    assert_string_equal(u.phone, "123");
    assert_string_equal(u.username, "");
    assert_string_equal(u.auth_src, "{\"src\":\"x\",\"n\":1}");
    assert_true(u.is_anonymous);
    assert_int_equal(u.created_at, 1513135417);
    assert_int_equal(u.updated_at, 1513135417);
    assert_string_equal(u.place.city, "Guangzhou");
    struct device_row d = GET(f, device, did, DID);
    assert_int_equal(d.product, p.no);
    assert_string_equal(d.mac, "accf2350d446");
    assert_string_equal(d.passcode, "123456");
    assert_string_equal(d.device_sn, "sn");
    assert_int_equal(d.type, DEVICE_BLUETOOTH);
    assert_int_equal(d.created_at, 1505789918);
    assert_string_equal(d.place.region, "Guangdong");
    assert_int_equal(d.place_source, PLACE_CONFIGURED);
    assert_true(d.has_coordinates && d.longitude == 113.280637 && d.latitude == 23.125178);
}

static void a_definition_is_stored_as_the_api_answers_it(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING);
    assert_string_equal(definitions(f).last,
                        "{\"name\":\"AC\",\"entities\":[{\"id\":0,\"name\":\"entity0\",\"attrs\":[{\"id\":0,"
                        "\"name\":\"switch\",\"type\":\"status_writable\",\"data_type\":\"bool\",\"position\":"
                        "{\"byte_offset\":0,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"},\"display_name\":\"switch\","
                        "\"desc\":\"\"},{\"id\":1,\"name\":\"temp\","
                        "\"type\":\"status_readonly\",\"data_type\":\"uint8\",\"uint_spec\":{\"min\":0,\"max\":100,"
                        "\"ratio\":0.1,\"addition\":-10.5},\"position\":{\"byte_offset\":1,\"bit_offset\":0,\"len\":1,"
                        "\"unit\":\"byte\"},\"display_name\":\"temp\",\"desc\":\"\"}],\"display_name\":\"AC\"}],"
                        "\"protocolType\":\"standard\",\"product_key\":\"" PK "\","
                        "\"packetVersion\":\"0x00000004\"}");
}

static void applying_a_file_again_changes_nothing(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING);
    uint64_t before = last_change(f);
    struct apply_outcome again = apply_at(f, NOW + 1000, EVERYTHING);
    assert_int_equal(again.err, MU_OK);
    assert_true(last_change(f) == before);
    assert_int_equal(definitions(f).count, 1);
    assert_string_equal(again.report, "enterprises: 0 created, 0 updated, 1 unchanged\n"
                                      "products: 0 created, 0 updated, 1 unchanged\n"
                                      "associations: 0 added, 0 removed\n"
                                      "apps: 0 created, 0 updated, 1 unchanged\n"
                                      "users: 0 created, 0 updated, 1 unchanged\n"
                                      "devices: 0 created, 0 updated, 1 unchanged\n");
    assert_int_equal(GET(f, user, uid, UNSEEN).updated_at, 1513135417);
}

static void what_is_missing_is_generated_and_told_once(void **state)
{
    struct registry_fixture *f = *state;
    char secret[ID_HEX_LEN + 1], key[ID_HEX_LEN + 1], did[DID_LEN + 1], passcode[LIMIT_PASSCODE + 1];

    struct apply_outcome o = must_apply(f, "{'enterprises': [{'name': 'a'}], 'products': [{}]}");
    generated(&o, "enterprise_id", key, sizeof(key));
    generated(&o, "enterprise_secret", secret, sizeof(secret));
    struct enterprise_row e = GET(f, enterprise, enterprise_id, key);
    assert_true(secret_equal(e.secret_salt, str_of(secret), e.secret_hash));
    assert_int_equal(e.hourly_quota, 3600);
    assert_true(e.secret_required);
    generated(&o, "product_key", key, sizeof(key));
    generated(&o, "product_secret", secret, sizeof(secret));
    struct product_row p = GET(f, product, product_key, key);
    assert_string_equal(p.product_secret, secret);
    assert_true(p.remote_control);
    assert_int_equal(p.registration, REGISTRATION_OPEN);
    assert_int_equal(p.definition, 0);

    must_apply(f, "{'products': [{'product_key': '" PK "'}], "
                  "'enterprises': [{'enterprise_id': '" EID "', 'product_keys': ['" PK "']}]}");
    o = must_apply(f, "{'apps': [{'product_keys': ['" PK "']}], "
                      "'devices': [{'product_key': '" PK "', 'mac': 'm'}]}");
    generated(&o, "did", did, sizeof(did));
    generated(&o, "passcode", passcode, sizeof(passcode));
    struct device_row d = GET(f, device, did, did);
    assert_string_equal(d.passcode, passcode);
    assert_int_equal(strlen(passcode), 10);
    assert_int_equal(d.created_at, NOW);
    generated(&o, "appid", key, sizeof(key));
    char users[200];
    snprintf(users, sizeof(users), "{'users': [{'appid': '%s'}]}", key);
    o = must_apply(f, users);
    generated(&o, "uid", key, sizeof(key));
    assert_int_equal(GET(f, user, uid, key).created_at, NOW);

    o = must_apply(f, "{'enterprises': [{'enterprise_id': '" EID "'}], "
                      "'products': [{'product_key': '" PK "'}], "
                      "'devices': [{'product_key': '" PK "', 'mac': 'm'}]}");
    assert_null(strstr(o.report, "generated"));
    must_say(&o, "devices: 0 created, 0 updated, 1 unchanged");
}

static void an_absent_field_stays_and_null_clears(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING);
    must_apply(f, "{'enterprises': [{'enterprise_id': '" EID "', 'name': null, 'ip_allow': null, "
                  "'hourly_quota': null}], 'products': [{'product_key': '" PK "', 'pacing': null}], "
                  "'users': [{'uid': '" UNSEEN "', 'phone': null, 'auth_src': null, 'city': null}], "
                  "'devices': [{'did': '" DID "', 'device_sn': null, 'type': null, 'region': null}]}");
    struct enterprise_row e = GET(f, enterprise, enterprise_id, EID);
    assert_string_equal(e.name, "");
    assert_int_equal(e.ip_allow_count, 0);
    assert_int_equal(e.hourly_quota, 3600);
    assert_false(e.secret_required);
    assert_true(secret_equal(e.secret_salt, STR(UNSEEN), e.secret_hash));
    struct product_row p = GET(f, product, product_key, PK);
    assert_int_equal(p.pacing, PACING_AUTO);
    assert_string_equal(p.name, "AC");
    assert_int_equal(p.registration, REGISTRATION_KNOWN);
    assert_int_equal(p.definition, 1);
    assert_int_equal(GET(f, app, appid, APP).enterprise, e.no);
    struct user_row u = GET(f, user, uid, UNSEEN);
    assert_string_equal(u.phone, "");
    assert_string_equal(u.auth_src, "");
    assert_string_equal(u.place.city, "");
    assert_string_equal(u.name, "n");
    assert_int_equal(u.updated_at, NOW);
    struct device_row d = GET(f, device, did, DID);
    assert_string_equal(d.device_sn, "");
    assert_int_equal(d.type, DEVICE_NORMAL);
    assert_string_equal(d.place.region, "");
    assert_string_equal(d.place.city, "Guangzhou");
    assert_string_equal(d.passcode, "123456");

    must_apply(f, "{'products': [{'product_key': '" PK "', 'datapoint': null}]}");
    assert_int_equal(GET(f, product, product_key, PK).definition, 0);
}

static void a_new_secret_replaces_the_old(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, EVERYTHING);
    struct apply_outcome o = must_apply(f, "{'enterprises': [{'enterprise_id': '" EID "', "
                                           "'enterprise_secret': '" EID2 "'}]}");
    must_say(&o, "enterprises: 0 created, 1 updated");
    struct enterprise_row e = GET(f, enterprise, enterprise_id, EID);
    assert_true(secret_equal(e.secret_salt, STR(EID2), e.secret_hash));
    assert_false(secret_equal(e.secret_salt, STR(UNSEEN), e.secret_hash));
}

/* --- secrets on the disk --------------------------------------------------------------------------*/

static bool directory_has(struct registry_fixture *f, const char *text)
{
    DIR *dir = opendir(f->dir);
    bool found = false;

    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) && !found;) {
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", f->dir, entry->d_name);
        FILE *file = entry->d_type == DT_REG ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        static char content[4 << 20];
        size_t len = fread(content, 1, sizeof(content), file);
        found = memmem(content, len, text, strlen(text)) != NULL;
        fclose(file);
    }
    closedir(dir);
    return found;
}

static void an_enterprise_secret_is_nowhere_on_the_disk(void **state)
{
    struct registry_fixture *f = *state;
    char secret[ID_HEX_LEN + 1];

    fixture_needs_file(f);
    struct apply_outcome o = must_apply(f, "{'enterprises': [{'enterprise_id': '" EID "'}, "
                                           "{'enterprise_id': '" EID2 "', 'enterprise_secret': '" UNSEEN "'}]}");
    generated(&o, "enterprise_secret", secret, sizeof(secret));
    for (int round = 0; round < 2; round++) {
        assert_true(directory_has(f, EID)); /* so the search finds a text that is there */
        assert_false(directory_has(f, secret));
        assert_false(directory_has(f, UNSEEN));
        fixture_reopen(f);
    }
}

/* --- definitions of the field ---------------------------------------------------------------------*/

static unsigned import_folder(struct registry_fixture *f, const char *folder)
{
    DIR *dir = folder ? opendir(folder) : NULL;
    unsigned count = 0;

    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096], *text = NULL;
        size_t size = 0;
        struct buf json;

        if (!strstr(entry->d_name, ".json"))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_true(getdelim(&text, &size, '\0', file) > 0);
        fclose(file);
        buf_init(&json, 1 << 20);
        buf_printf(&json, "{\"products\": [{\"product_key\": \"%032x\", \"datapoint\": %s}]}", count + 1, text);
        buf_append_u8(&json, 0);
        free(text);
        for (int round = 0; round < 2; round++) {
            char key[ID_HEX_LEN + 1];
            must_apply(f, (const char *)json.data);
            snprintf(key, sizeof(key), "%032x", count + 1);
            struct product_row p = GET(f, product, product_key, key);
            assert_int_equal(p.definition, 1);
            assert_string_not_equal(p.name, "");
        }
        buf_free(&json);
        count++;
    }
    closedir(dir);
    return count;
}

static void the_definitions_of_the_project_import(void **state)
{
    assert_true(import_folder(*state, getenv("MUSTER_TEST_DATAPOINTS")) >= 5);
}

static void the_definitions_of_the_field_import(void **state)
{
    if (import_folder(*state, getenv("MUSTER_SHARED_DATAPOINTS")) == 0)
        skip();
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(every_field_arrives_where_it_belongs),
        with_registry(a_definition_is_stored_as_the_api_answers_it),
        with_registry(applying_a_file_again_changes_nothing),
        with_registry(what_is_missing_is_generated_and_told_once),
        with_registry(an_absent_field_stays_and_null_clears),
        with_registry(a_new_secret_replaces_the_old),
        with_registry(an_enterprise_secret_is_nowhere_on_the_disk),
        with_registry(the_definitions_of_the_project_import),
        with_registry(the_definitions_of_the_field_import),
    };
    return cmocka_run_group_tests_name("apply", tests, NULL, NULL);
}

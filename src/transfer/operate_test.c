/* What an operator changes by name, and its entries in the audit log. */
#include "sql/registry_fixture.h"

#include "transfer/apply.h"
#include "registry/operate.h"
#include "registry/secret.h"

#define EID    "e0000000000000000000000000000001"
#define PK     "b0000000000000000000000000000001"
#define APP    "a0000000000000000000000000000001"
#define UID    "c0000000000000000000000000000001"
#define UID2   "c0000000000000000000000000000002"
#define DID    "kYkSE2xspYjocBhaUHdM5k"
#define SECRET "5ec7e7000000000000000000000000ff"

static const struct audit_by by = { .uid = 0, .command = "test" };

static void apply(struct registry_fixture *f, const char *json, const struct audit_by *who)
{
    struct buf report;

    buf_init(&report, 65536);
    if (apply_json(f->reg, who, str_of(json), &(struct apply_options){ .now_s = 1000 }, &report) != MU_OK)
        fail_msg("%.*s", (int)report.len, report.data);
    buf_free(&report);
}

static const char everything[] =
    "{\"enterprises\": [{\"enterprise_id\": \"" EID "\", \"enterprise_secret\": \"" SECRET "\","
    "  \"product_keys\": [\"" PK "\"]}],"
    " \"products\": [{\"product_key\": \"" PK "\", \"product_secret\": \"" SECRET "\"}],"
    " \"apps\": [{\"appid\": \"" APP "\", \"product_keys\": [\"" PK "\"]}],"
    " \"users\": [{\"uid\": \"" UID "\", \"appid\": \"" APP "\", \"phone\": \"13800000000\"},"
    "            {\"uid\": \"" UID2 "\", \"appid\": \"" APP "\"}],"
    " \"devices\": [{\"product_key\": \"" PK "\", \"mac\": \"m1\", \"did\": \"" DID "\","
    "               \"passcode\": \"passcode1\"}]}";

static int setup(void **state)
{
    int result = fixture_setup(state);
    apply(*state, everything, &by);
    return result;
}

/* Runs a verb on ids; out gets the report. */
static enum mu_err run_in(struct registry_fixture *f, struct operate o, const char *ids, char out[1000])
{
    struct buf report;

    o.now_s = 2000;
    buf_init(&report, 1024 * 1024);
    enum mu_err err = operate(f->reg, &by, &o, str_of(ids), &report);
    snprintf(out, 1000, "%.*s", report.len < 999 ? (int)report.len : 999, report.len ? (const char *)report.data : "");
    buf_free(&report);
    return err;
}

#define run(f, ids, out, what, on, ...) run_in(f, (struct operate){ .verb = what, .kind = on, __VA_ARGS__ }, ids, out)

static void change_binding(struct registry_fixture *f, const char *uid, enum binding_action action)
{
    const char *did = DID;
    bool bound = false;
    enum binding_outcome outcome;
    uint32_t one = 1; /* the only enterprise, and the only product */

    assert_int_equal(registry_change_bindings(f->reg,
                                              &(struct binding_change){ .by = &by,
                                                                        .action = action,
                                                                        .enterprise = one,
                                                                        .product = one,
                                                                        .appid = APP,
                                                                        .uid = uid,
                                                                        .now_s = 1500,
                                                                        .dids = &did,
                                                                        .done = &bound,
                                                                        .count = 1 },
                                              &outcome),
                     MU_OK);
    assert_int_equal(outcome, BINDING_CHANGED);
    assert_true(bound);
}

/* --- the audit log --------------------------------------------------------------------------------*/

struct log {
    char text[20000];
    size_t rows, stop_after;
    struct audit_place last;
};

static enum mu_err on_row(void *ctx, const struct audit_row *row)
{
    struct log *log = ctx;
    size_t len = strlen(log->text);

    if (log->stop_after && log->rows == log->stop_after)
        return MU_E_LIMIT;
    snprintf(log->text + len, sizeof(log->text) - len, "%.*s %.*s %.*s %.*s\n", (int)row->action.len, row->action.at,
             (int)row->kind.len, row->kind.at, (int)row->id.len, row->id.at, (int)row->change.len, row->change.at);
    log->rows++;
    log->last = row->place;
    return MU_OK;
}

static struct log read_log(struct registry_fixture *f)
{
    struct log log = { 0 };
    assert_int_equal(registry_visit_audit(f->reg, log.last, INT64_MAX, on_row, &log), MU_OK);
    return log;
}

static void a_change_is_in_the_log_with_what_it_is_and_without_secrets_or_persons(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    assert_string_equal(read_log(f).text, "create enterprise " EID " \ncreate product " PK " \n"
                                          "associate product " PK " enterprise=" EID "\n"
                                          "create app " APP " product_keys\n"
                                          "create user " UID " \ncreate user " UID2 " \ncreate device " DID " \n");
    apply(f,
          "{\"devices\": [{\"did\": \"" DID "\", \"passcode\": \"passcode2\", \"is_disabled\": true}],"
          " \"users\": [{\"uid\": \"" UID "\", \"phone\": \"13900000000\"}],"
          " \"enterprises\": [{\"enterprise_id\": \"" EID "\", \"hourly_quota\": 7}]}",
          &by);
    assert_int_equal(run(f, UID, out, OPERATE_DISABLE, KIND_USER), MU_OK);
    assert_int_equal(run(f, PK, out, OPERATE_ROTATE, KIND_PRODUCT), MU_OK);
    change_binding(f, UID2, BINDING_BIND);
    struct log log = read_log(f);
    assert_non_null(strstr(log.text, "update device " DID " passcode is_disabled=true\n"));
    assert_non_null(strstr(log.text, "update user " UID " phone\n"));
    assert_non_null(strstr(log.text, "update enterprise " EID " hourly_quota=7\n"));
    assert_non_null(strstr(log.text, "disable user " UID " \n"));
    assert_non_null(strstr(log.text, "rotate product " PK " product_secret\n"));
    assert_non_null(strstr(log.text, "bind device " DID " user=" UID2 "\n"));
    assert_null(strstr(log.text, "passcode1"));
    assert_null(strstr(log.text, "passcode2"));
    assert_null(strstr(log.text, SECRET));
    assert_null(strstr(log.text, "139"));
}

static void what_changes_nothing_or_is_refused_is_not_in_the_log(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    size_t before = read_log(f).rows;
    apply(f, everything, &by);
    apply(f, "{\"devices\": [{\"did\": \"" DID "\", \"device_sn\": \"1\"}]}", NULL); /* in nobody's name */
    assert_int_equal(run(f, DID "\nnobody", out, OPERATE_DISABLE, KIND_DEVICE), MU_E_VALUE);
    assert_int_equal(run(f, DID, out, OPERATE_ENABLE, KIND_DEVICE), MU_OK);
    assert_int_equal(read_log(f).rows, before);
    assert_false(fixture_device(f, 1).is_disabled);
}

static void a_visit_goes_on_where_another_one_ended(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    assert_int_equal(run(f, DID, out, OPERATE_DISABLE, KIND_DEVICE), MU_OK);
    struct log whole = read_log(f);
    for (size_t step = 1; step < 4; step++) {
        struct log log = { .stop_after = 0 };
        enum mu_err err;
        do {
            log.stop_after = log.rows + step;
            err = registry_visit_audit(f->reg, log.last, INT64_MAX, on_row, &log);
        } while (err == MU_E_LIMIT);
        assert_int_equal(err, MU_OK);
        assert_string_equal(log.text, whole.text);
    }
}

static void the_log_forgets_what_is_old(void **state)
{
    struct registry_fixture *f = *state;
    bool more = true;
    char out[1000];

    fixture_sql(f, "UPDATE audit SET at = 1000");
    assert_int_equal(run(f, DID, out, OPERATE_DISABLE, KIND_DEVICE), MU_OK);
    assert_int_equal(registry_forget_audit(f->reg, 1001, &more), MU_OK);
    assert_false(more);
    assert_string_equal(read_log(f).text, "disable device " DID " \n");
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 1)); "
                   "INSERT INTO must_hold SELECT count(*) FROM audit;");
}

/* --- deleting -------------------------------------------------------------------------------------*/

static void what_is_in_the_way_is_told_and_nothing_is_deleted(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    change_binding(f, UID, BINDING_BIND);
    const struct {
        enum registry_kind kind;
        const char *id, *said;
    } cases[] = {
        { KIND_ENTERPRISE, EID, "1 product:" }, { KIND_PRODUCT, PK, "1 device:" }, { KIND_PRODUCT, PK, "1 app:" },
        { KIND_APP, APP, "2 users:" },          { KIND_USER, UID, "1 binding:" },  { KIND_DEVICE, DID, "1 binding:" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(run(f, cases[i].id, out, OPERATE_DELETE, cases[i].kind), MU_E_VALUE);
        assert_non_null(strstr(out, cases[i].said));
    }
    assert_int_equal(fixture_device(f, 1).no, 1);
}

static enum mu_err owner_is(struct registry_tx *tx, void *uid)
{
    struct binding_row owner;
    struct user_row user;

    assert_int_equal(tx_owner_binding(tx, 1, &owner), MU_OK);
    assert_int_equal(tx_user_by_no(tx, owner.user, &user), MU_OK);
    assert_string_equal(user.uid, uid);
    return MU_OK;
}

static void a_user_who_is_deleted_with_his_bindings_hands_his_devices_on(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000], other[] = UID2;

    change_binding(f, UID, BINDING_BIND);
    change_binding(f, UID2, BINDING_BIND);
    assert_int_equal(run(f, UID, out, OPERATE_DELETE, KIND_USER, .unbind = true), MU_OK);
    assert_int_equal(registry_read(f->reg, owner_is, other), MU_OK);
    assert_non_null(strstr(read_log(f).text, "unbind device " DID " user=" UID "\ndelete user " UID));
}

static enum mu_err user_one_is_known(struct registry_tx *tx, void *arg)
{
    int64_t since;

    (void)arg;
    return tx_first_bound(tx, 1, 1, &since);
}

static void when_a_device_goes_it_stays_known_that_its_user_was_bound_and_when_he_goes_it_does_not(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    change_binding(f, UID, BINDING_BIND);
    change_binding(f, UID, BINDING_UNBIND);
    assert_int_equal(run(f, DID, out, OPERATE_DELETE, KIND_DEVICE), MU_OK);
    assert_int_equal(registry_read(f->reg, user_one_is_known, NULL), MU_OK);
    assert_int_equal(run(f, UID, out, OPERATE_DELETE, KIND_USER), MU_OK);
    assert_int_equal(registry_read(f->reg, user_one_is_known, NULL), MU_E_NOT_FOUND);
}

static void everything_can_be_taken_away_again_and_numbers_are_not_given_twice(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    assert_int_equal(run(f, PK "/m1", out, OPERATE_DELETE, KIND_DEVICE), MU_OK);
    assert_non_null(strstr(out, DID));
    assert_int_equal(run(f, UID "\n" UID2 "\n", out, OPERATE_DELETE, KIND_USER), MU_OK);
    assert_int_equal(run(f, APP, out, OPERATE_DELETE, KIND_APP), MU_OK);
    assert_int_equal(run(f, PK, out, OPERATE_DELETE, KIND_PRODUCT), MU_OK);
    assert_int_equal(run(f, EID, out, OPERATE_DELETE, KIND_ENTERPRISE), MU_OK);
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 0)); INSERT INTO must_hold "
                   "SELECT (SELECT count(*) FROM device) + (SELECT count(*) FROM \"user\") + "
                   "(SELECT count(*) FROM app) + (SELECT count(*) FROM app_product) + "
                   "(SELECT count(*) FROM product) + (SELECT count(*) FROM association) + "
                   "(SELECT count(*) FROM enterprise) + (SELECT count(*) FROM token) + "
                   "(SELECT count(*) FROM binding) + (SELECT count(*) FROM product_user);");
    apply(f, everything, &by);
    assert_int_equal(fixture_device(f, 2).no, 2);
}

static void a_user_who_was_moved_does_not_hold_the_app_of_his_old_bindings(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    change_binding(f, UID, BINDING_BIND);
    apply(f,
          "{\"apps\": [{\"appid\": \"a0000000000000000000000000000002\", \"product_keys\": [\"" PK "\"]}],"
          " \"users\": [{\"uid\": \"" UID "\", \"appid\": \"a0000000000000000000000000000002\"},"
          "  {\"uid\": \"" UID2 "\", \"appid\": \"a0000000000000000000000000000002\"}]}",
          &by);
    assert_int_equal(run(f, APP, out, OPERATE_DELETE, KIND_APP), MU_OK);
}

static void a_device_cannot_be_enabled_beside_the_enabled_one_of_its_mac(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000];

    assert_int_equal(run(f, DID, out, OPERATE_DISABLE, KIND_DEVICE), MU_OK);
    apply(f,
          "{\"devices\": [{\"product_key\": \"" PK "\", \"mac\": \"m1\", \"did\": "
          "\"kYkSE2xspYjocBhaUHdM5m\"}]}",
          &by);
    assert_int_equal(run(f, DID, out, OPERATE_ENABLE, KIND_DEVICE), MU_E_VALUE);
    assert_non_null(strstr(out, "kYkSE2xspYjocBhaUHdM5m"));
    assert_true(fixture_device(f, 1).is_disabled);
}

/* More ids than one transaction takes. */
enum { MANY = 2500 };

static char *make_many(struct registry_fixture *f, const char *last)
{
    struct device_row row = { .product = 1, .passcode = "p" };
    char *ids = calloc(MANY + 2, DID_LEN + 40), *at = ids;

    for (int i = 0; i < MANY; i++) {
        row.no = 0;
        did_new(row.did);
        snprintf(row.mac, sizeof(row.mac), "mac%d", i);
        assert_int_equal(fixture_put(f, .device = &row), MU_OK);
        at += sprintf(at, "%s\n", row.did);
    }
    strcpy(at, last);
    return ids;
}

static void many_are_all_done_or_none_too(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000], *ids = make_many(f, "nobody");

    change_binding(f, UID, BINDING_BIND);
    assert_int_equal(run(f, ids, out, OPERATE_DELETE, KIND_DEVICE), MU_E_VALUE);
    assert_string_equal(out, "device nobody: there is none\n");
    strcpy(strstr(ids, "nobody"), DID);
    assert_int_equal(run(f, ids, out, OPERATE_DELETE, KIND_DEVICE), MU_E_VALUE);
    assert_non_null(strstr(out, "1 binding"));
    assert_int_equal(fixture_device(f, 2).no, 2);
    memcpy(strstr(ids, DID), ids, DID_LEN);
    assert_int_equal(run(f, ids, out, OPERATE_DELETE, KIND_DEVICE), MU_E_VALUE);
    assert_non_null(strstr(out, "it is named twice"));
    assert_int_equal(fixture_device(f, 2).no, 2);
    memcpy(strrchr(ids, '\n') + 1, DID, DID_LEN);
    assert_int_equal(run(f, ids, out, OPERATE_DELETE, KIND_DEVICE, .unbind = true), MU_OK);
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 0)); "
                   "INSERT INTO must_hold SELECT count(*) FROM device;");
    free(ids);
}

static void a_long_branch_of_groups_goes_from_its_end(void **state)
{
    struct registry_fixture *f = *state;
    char out[1000], *ids = calloc(MANY + 1, ID_HEX_LEN + 2), *at = ids;

    fixture_sql(f, "WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 3500) "
                   "INSERT INTO device_group (no, product, parent, gid) "
                   "SELECT i, 1, CASE i WHEN 1001 THEN NULL ELSE i - 1 END, '0000000000000000000000000000' || i "
                   "FROM n;"); /* 32 digits */
    for (int i = MANY; i > 0; i--)
        at += sprintf(at, "%032d\n", 1000 + i);
    assert_int_equal(run(f, ids, out, OPERATE_DELETE, KIND_GROUP), MU_OK);
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 0)); "
                   "INSERT INTO must_hold SELECT count(*) FROM device_group WHERE no > 1000;");
    free(ids);
}

static void an_id_longer_than_any_is_merely_unknown(void **state)
{
    char out[1000], id[400];

    memset(id, 'x', sizeof(id));
    id[sizeof(id) - 1] = '\0';
    assert_int_equal(run(*state, id, out, OPERATE_DELETE, KIND_DEVICE), MU_E_VALUE);
    assert_non_null(strstr(out, "there is none"));
}

#define with_everything(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_everything(a_change_is_in_the_log_with_what_it_is_and_without_secrets_or_persons),
        with_everything(what_changes_nothing_or_is_refused_is_not_in_the_log),
        with_everything(a_visit_goes_on_where_another_one_ended),
        with_everything(the_log_forgets_what_is_old),
        with_everything(what_is_in_the_way_is_told_and_nothing_is_deleted),
        with_everything(a_user_who_is_deleted_with_his_bindings_hands_his_devices_on),
        with_everything(when_a_device_goes_it_stays_known_that_its_user_was_bound_and_when_he_goes_it_does_not),
        with_everything(everything_can_be_taken_away_again_and_numbers_are_not_given_twice),
        with_everything(a_user_who_was_moved_does_not_hold_the_app_of_his_old_bindings),
        with_everything(a_device_cannot_be_enabled_beside_the_enabled_one_of_its_mac),
        with_everything(many_are_all_done_or_none_too),
        with_everything(a_long_branch_of_groups_goes_from_its_end),
        with_everything(an_id_longer_than_any_is_merely_unknown),
    };
    return cmocka_run_group_tests_name("operate", tests, NULL, NULL);
}

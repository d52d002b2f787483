/* Bindings: who is bound, since when, and who is the owner (contract, endpoints 13 and 20). */
#include "sql/registry_fixture.h"

#define TEST_APP "a0000000000000000000000000000001"

struct binding_world {
    struct enterprise_row enterprise;
    struct product_row product;
    struct app_row app;
    struct user_row users[3];
    struct device_row device;
};

static enum mu_err put_world(struct registry_tx *tx, void *arg)
{
    struct binding_world *w = arg;
    enum mu_err err;

    if ((err = tx_put_enterprise(tx, &w->enterprise)) != MU_OK || (err = tx_put_product(tx, &w->product)) != MU_OK ||
        (err = tx_associate(tx, w->enterprise.no, w->product.no)) != MU_OK ||
        (err = tx_put_app(tx, &w->app)) != MU_OK ||
        (err = tx_set_app_products(tx, w->app.no, &w->product.no, 1)) != MU_OK)
        return err;
    for (int i = 0; i < 3; i++) {
        w->users[i].app = w->app.no;
        id_new_hex(w->users[i].uid);
        if ((err = tx_put_user(tx, &w->users[i])) != MU_OK)
            return err;
    }
    w->device.product = w->product.no;
    return tx_put_device(tx, &w->device);
}

static struct binding_world world_of(struct registry_fixture *f)
{
    struct binding_world w = { .device = { .mac = "mac" } };

    id_new_hex(w.enterprise.enterprise_id);
    id_new_hex(w.product.product_key);
    id_new_hex(w.app.appid);
    did_new(w.device.did);
    assert_int_equal(registry_write(f->reg, put_world, &w), MU_OK);
    return w;
}

static enum binding_outcome change_as(struct registry_fixture *f, const struct binding_world *w, const char *appid,
                                      const char *uid, enum binding_action action, int64_t now_s, bool *done)
{
    const char *did = w->device.did;
    enum binding_outcome outcome;
    struct binding_change c = {
        .action = action,
        .enterprise = w->enterprise.no,
        .product = w->product.no,
        .appid = appid,
        .uid = uid,
        .now_s = now_s,
        .dids = &did,
        .done = done,
        .count = 1,
    };

    assert_int_equal(registry_change_bindings(f->reg, &c, &outcome), MU_OK);
    return outcome;
}

static bool change(struct registry_fixture *f, const struct binding_world *w, int user, enum binding_action action,
                   int64_t now_s)
{
    bool done;
    assert_int_equal(change_as(f, w, w->app.appid, w->users[user].uid, action, now_s, &done), BINDING_CHANGED);
    return done;
}

struct look {
    uint32_t user, device, product;
    struct binding_row row;
    int64_t first;
};

static enum mu_err get_binding(struct registry_tx *tx, void *arg)
{
    struct look *look = arg;
    return tx_binding_now(tx, look->user, look->device, &look->row);
}

static enum mu_err get_first(struct registry_tx *tx, void *arg)
{
    struct look *look = arg;
    return tx_first_bound(tx, look->product, look->user, &look->first);
}

/* The binding between a user and a device; its no is 0 if they are not bound. */
static struct binding_row binding_of(struct registry_fixture *f, const struct binding_world *w, int user)
{
    struct look look = { .user = w->users[user].no, .device = w->device.no };
    enum mu_err err = registry_read(f->reg, get_binding, &look);
    assert_true(err == MU_OK || err == MU_E_NOT_FOUND);
    return look.row;
}

static int64_t first_of(struct registry_fixture *f, const struct binding_world *w, int user)
{
    struct look look = { .user = w->users[user].no, .product = w->product.no };
    assert_int_equal(registry_read(f->reg, get_first, &look), MU_OK);
    return look.first;
}

static void binding_twice_changes_nothing(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f);

    assert_true(change(f, &w, 0, BINDING_BIND, 100));
    struct binding_row first = binding_of(f, &w, 0);
    assert_true(change(f, &w, 0, BINDING_BIND, 200));
    struct binding_row again = binding_of(f, &w, 0);
    assert_memory_equal(&again, &first, sizeof(first));
    assert_int_equal(first.since, 100);
}

static void the_first_binder_owns_and_the_longest_bound_inherits(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f);

    for (int user = 0; user < 3; user++)
        assert_true(change(f, &w, user, BINDING_BIND, 100 - user));
    assert_true(binding_of(f, &w, 0).is_owner);
    assert_false(binding_of(f, &w, 1).is_owner || binding_of(f, &w, 2).is_owner);
    /* This binding was made last but begins first: the clock had been set back. */
    assert_true(change(f, &w, 0, BINDING_UNBIND, 300));
    assert_true(binding_of(f, &w, 2).is_owner);
    assert_false(binding_of(f, &w, 1).is_owner);
    assert_true(change(f, &w, 1, BINDING_UNBIND, 300));
    assert_true(binding_of(f, &w, 2).is_owner);
    assert_true(change(f, &w, 2, BINDING_UNBIND, 300));
    assert_true(change(f, &w, 1, BINDING_BIND, 400));
    assert_true(binding_of(f, &w, 1).is_owner);
}

static void what_was_bound_stays_as_an_interval(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f);

    assert_true(change(f, &w, 0, BINDING_BIND, 100));
    uint32_t first = binding_of(f, &w, 0).no;
    assert_true(change(f, &w, 0, BINDING_UNBIND, 200));
    assert_int_equal(binding_of(f, &w, 0).no, 0);
    assert_false(change(f, &w, 0, BINDING_UNBIND, 250));
    assert_true(change(f, &w, 0, BINDING_BIND, 300));
    assert_true(binding_of(f, &w, 0).no > first);
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 1)); "
                   "INSERT INTO must_hold SELECT count(*) FROM binding WHERE since = 100 AND until = 200; "
                   "INSERT INTO must_hold SELECT count(*) FROM binding "
                   "WHERE since = 300 AND until IS NULL;");
}

static void a_binding_never_ends_before_it_began(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f);

    assert_true(change(f, &w, 0, BINDING_BIND, 100));
    assert_true(change(f, &w, 0, BINDING_UNBIND, 50));
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 1)); "
                   "INSERT INTO must_hold SELECT count(*) FROM binding WHERE since = 100 AND until = 100;");
}

static void the_first_time_is_kept_for_ever(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f);

    assert_true(change(f, &w, 0, BINDING_BIND, 100));
    assert_true(change(f, &w, 0, BINDING_UNBIND, 200));
    assert_int_equal(first_of(f, &w, 0), 100);
    assert_true(change(f, &w, 0, BINDING_BIND, 300));
    fixture_reopen(f);
    assert_int_equal(first_of(f, &w, 0), 100);
}

static void strangers_and_strange_apps_are_told_apart(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f), other = world_of(f);
    bool done;

    assert_int_equal(change_as(f, &w, TEST_APP, w.users[0].uid, BINDING_BIND, 1, &done), BINDING_APP_UNKNOWN);
    assert_int_equal(change_as(f, &w, other.app.appid, other.users[0].uid, BINDING_BIND, 1, &done),
                     BINDING_APP_UNKNOWN);
    assert_int_equal(change_as(f, &w, w.app.appid, "", BINDING_BIND, 1, &done), BINDING_USER_UNKNOWN);
    assert_int_equal(change_as(f, &w, w.app.appid, other.users[0].uid, BINDING_BIND, 1, &done), BINDING_USER_UNKNOWN);
}

static void devices_of_another_product_are_not_bound(void **state)
{
    struct registry_fixture *f = *state;
    struct binding_world w = world_of(f), other = world_of(f);

    memcpy(w.device.did, other.device.did, sizeof(w.device.did));
    assert_false(change(f, &w, 0, BINDING_BIND, 100));
    strcpy(w.device.did, "nobody");
    assert_false(change(f, &w, 0, BINDING_BIND, 100));
}

static void an_older_file_learns_who_was_bound_first_and_to_how_much(void **state)
{
    struct registry_fixture *f = *state;
    fixture_needs_file(f);
    struct binding_world w = world_of(f);
    char sql[1000];

    snprintf(sql, sizeof(sql),
             "INSERT INTO binding (device, \"user\", app, is_owner, since, until) VALUES "
             "(%u, %u, %u, 1, 500, NULL), (%u, %u, %u, 1, 70, 80), (%u, %u, %u, 1, 90, 95); "
             "DROP TABLE product_user; DROP INDEX user_username; DROP INDEX user_phone; "
             "DROP INDEX user_email; DROP INDEX device_sn; DROP TABLE audit_change; DROP TABLE audit; "
             "DROP INDEX user_disabled; ALTER TABLE user DROP COLUMN is_disabled; "
             "DROP INDEX enterprise_name; DROP INDEX product_name; DROP INDEX app_name; "
             "ALTER TABLE product DROP COLUMN control; ALTER TABLE device DROP COLUMN is_barred; "
             "PRAGMA user_version = 1;",
             w.device.no, w.users[0].no, w.app.no, w.device.no, w.users[0].no, w.app.no, w.device.no, w.users[1].no,
             w.app.no);
    fixture_sql(f, sql);
    fixture_reopen(f);
    assert_int_equal(first_of(f, &w, 0), 70);
    assert_int_equal(first_of(f, &w, 1), 90);
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 1)); "
                   "INSERT INTO must_hold SELECT devices FROM product_user WHERE first_bound = 70; "
                   "INSERT INTO must_hold SELECT devices + 1 FROM product_user WHERE first_bound = 90;");
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(binding_twice_changes_nothing),
        with_registry(the_first_binder_owns_and_the_longest_bound_inherits),
        with_registry(what_was_bound_stays_as_an_interval),
        with_registry(a_binding_never_ends_before_it_began),
        with_registry(the_first_time_is_kept_for_ever),
        with_registry(strangers_and_strange_apps_are_told_apart),
        with_registry(devices_of_another_product_are_not_bound),
        with_registry(an_older_file_learns_who_was_bound_first_and_to_how_much),
    };
    return cmocka_run_group_tests_name("binding", tests, NULL, NULL);
}

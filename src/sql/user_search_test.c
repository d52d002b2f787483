/* Searches for users find the same as reading all users would. */
#include "sql/registry_fixture.h"

enum { APPS = 3, USERS = 40, DEVICES = 30, GROUPS = 5, PRODUCTS = 2 };

static uint64_t random_state = 20240229;

static uint32_t roll(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

/* Apps 0 and 1 have product 0, apps 1 and 2 product 1. Of product 0's groups, 0 is the root; each other group is below
 * an earlier one. */
struct user_world {
    struct enterprise_row enterprise;
    struct product_row product[PRODUCTS];
    struct app_row app[APPS];
    struct user_row user[USERS];
    struct group_row group[GROUPS];
    struct device_row device[DEVICES];
    bool bound[USERS][DEVICES];
};

static enum mu_err put_products_and_apps(struct registry_tx *tx, struct user_world *w)
{
    enum mu_err err;
    uint32_t products[PRODUCTS];

    id_new_hex(w->enterprise.enterprise_id);
    if ((err = tx_put_enterprise(tx, &w->enterprise)) != MU_OK)
        return err;
    for (int i = 0; i < PRODUCTS; i++) {
        id_new_hex(w->product[i].product_key);
        if ((err = tx_put_product(tx, &w->product[i])) != MU_OK ||
            (err = tx_associate(tx, w->enterprise.no, w->product[i].no)) != MU_OK)
            return err;
        products[i] = w->product[i].no;
    }
    for (int i = 0; i < APPS; i++) {
        id_new_hex(w->app[i].appid);
        if ((err = tx_put_app(tx, &w->app[i])) != MU_OK ||
            (err = tx_set_app_products(tx, w->app[i].no, products + (i == 2), i == 1 ? 2 : 1)) != MU_OK)
            return err;
    }
    return MU_OK;
}

static enum mu_err put_groups_and_devices(struct registry_tx *tx, struct user_world *w)
{
    enum mu_err err;

    for (uint32_t i = 0; i < GROUPS; i++) {
        w->group[i].product = w->product[0].no;
        w->group[i].parent = i ? w->group[roll(i)].no : 0;
        id_new_hex(w->group[i].gid);
        if ((err = tx_put_group(tx, &w->group[i])) != MU_OK)
            return err;
    }
    for (int i = 0; i < DEVICES; i++) {
        struct device_row *d = &w->device[i];
        d->product = w->product[i % PRODUCTS].no;
        did_new(d->did);
        /* Each mac has two registrations, one of them disabled. */
        snprintf(d->mac, sizeof(d->mac), "mac%d", i / 4);
        snprintf(d->passcode, sizeof(d->passcode), "%d", i);
        snprintf(d->device_sn, sizeof(d->device_sn), "%.*s%u", roll(3) ? 2 : 0, "sn", roll(4));
        d->is_disabled = i % 4 > 1;
        d->group = i % PRODUCTS == 0 && roll(2) ? w->group[roll(GROUPS)].no : 0;
        if ((err = tx_put_device(tx, d)) != MU_OK)
            return err;
    }
    return MU_OK;
}

static enum mu_err put_users(struct registry_tx *tx, struct user_world *w)
{
    enum mu_err err;

    for (int i = 0; i < USERS; i++) {
        struct user_row *u = &w->user[i];
        u->app = w->app[roll(APPS)].no;
        id_new_hex(u->uid);
        if (roll(2))
            snprintf(u->username, sizeof(u->username), "name%u", roll(4));
        if (roll(2))
            snprintf(u->phone, sizeof(u->phone), "%u", roll(4));
        if (roll(2))
            snprintf(u->email, sizeof(u->email), "%u@x", roll(4));
        if ((err = tx_put_user(tx, u)) != MU_OK)
            return err;
    }
    return MU_OK;
}

static enum mu_err put_world(struct registry_tx *tx, void *arg)
{
    enum mu_err err;

    if ((err = put_products_and_apps(tx, arg)) != MU_OK || (err = put_groups_and_devices(tx, arg)) != MU_OK)
        return err;
    return put_users(tx, arg);
}

static void change_binding(struct registry_fixture *f, struct user_world *w, int user, int device,
                           enum binding_action action)
{
    const char *did = w->device[device].did, *appid = NULL;
    enum binding_outcome outcome;
    bool done;

    for (int i = 0; i < APPS; i++) {
        if (w->app[i].no == w->user[user].app)
            appid = w->app[i].appid;
    }
    struct binding_change c = {
        .action = action,
        .enterprise = w->enterprise.no,
        .product = w->device[device].product,
        .appid = appid,
        .uid = w->user[user].uid,
        .now_s = 100,
        .dids = &did,
        .done = &done,
        .count = 1,
    };
    assert_int_equal(registry_change_bindings(f->reg, &c, &outcome), MU_OK);
    assert_int_equal(outcome, BINDING_CHANGED);
    assert_int_equal(done, action == BINDING_BIND || w->bound[user][device]);
    w->bound[user][device] = action == BINDING_BIND;
}

static struct user_world *world_new(struct registry_fixture *f)
{
    struct user_world *w = calloc(1, sizeof(*w));

    assert_int_equal(registry_write(f->reg, put_world, w), MU_OK);
    for (int i = 0; i < 400; i++)
        change_binding(f, w, (int)roll(USERS), (int)roll(DEVICES), roll(2) ? BINDING_BIND : BINDING_UNBIND);
    return w;
}

/* --- the model ------------------------------------------------------------------------------------*/

static bool app_has(const struct user_world *w, uint32_t app, uint32_t product)
{
    return product == w->product[0].no ? app != w->app[2].no : app != w->app[0].no;
}

static bool agrees(struct str wanted, const char *text)
{
    return !wanted.len || str_eq(wanted, str_of(text));
}

static bool is_registered(const struct user_world *w, const struct registered_users *q, const struct user_row *u)
{
    return app_has(w, u->app, q->product) && (!q->app || u->app == q->app) && agrees(q->username, u->username) &&
           agrees(q->phone, u->phone) && agrees(q->email, u->email);
}

static bool in_subtree(const struct user_world *w, uint32_t group, uint32_t root)
{
    while (group && group != root)
        group = w->group[group - w->group[0].no].parent;
    return group != 0;
}

static bool fits(const struct bound_users *q, enum bound_by by, const char *text)
{
    return q->by == by && str_eq(q->val, str_of(text));
}

static bool is_bound(const struct user_world *w, const struct bound_users *q, int user)
{
    const struct user_row *u = &w->user[user];

    for (int i = 0; i < DEVICES; i++) {
        const struct device_row *d = &w->device[i];
        if (w->bound[user][i] && d->product == q->product && (!q->group || in_subtree(w, d->group, q->group)) &&
            (q->by == BOUND_ANY || fits(q, BOUND_BY_UID, u->uid) || fits(q, BOUND_BY_USERNAME, u->username) ||
             fits(q, BOUND_BY_PHONE, u->phone) || fits(q, BOUND_BY_EMAIL, u->email) || fits(q, BOUND_BY_DID, d->did) ||
             fits(q, BOUND_BY_MAC, d->mac) || fits(q, BOUND_BY_DEVICE_SN, d->device_sn)))
            return true;
    }
    return false;
}

/* --- the comparison -------------------------------------------------------------------------------*/

struct user_found {
    struct user_row row[USERS];
    unsigned count, owners;
};

static enum mu_err note_user(void *ctx, const struct user_row *user, bool is_owner)
{
    struct user_found *found = ctx;
    assert_true(found->count < USERS);
    found->row[found->count++] = *user;
    found->owners += is_owner;
    return MU_OK;
}

/* Compares one page of each search with all users, from the youngest to the oldest. */
static void compare(struct registry_fixture *f, struct user_world *w, const struct registered_users *registered,
                    const struct bound_users *bound)
{
    struct user_found *found = calloc(1, sizeof(*found));
    struct users_page page = {
        .skip = roll(3) ? 0 : roll(10), .limit = roll(3) ? 100 : roll(6), .fn = note_user, .ctx = found
    };
    uint64_t total = 0, at = 0;

    assert_int_equal(bound ? registry_bound_users(f->reg, bound, &page)
                           : registry_registered_users(f->reg, registered, &page),
                     MU_OK);
    for (int i = USERS - 1; i >= 0; i--) {
        if (!(bound ? is_bound(w, bound, i) : is_registered(w, registered, &w->user[i])))
            continue;
        if (total++ >= page.skip && at < page.limit) {
            assert_true(at < found->count);
            assert_memory_equal(&found->row[at++], &w->user[i], sizeof(w->user[i]));
        }
    }
    assert_int_equal(page.total, total);
    assert_int_equal(found->count, at);
    bool all = page.skip == 0 && total <= page.limit;
    if (bound && bound->by == BOUND_BY_DID && all)
        assert_int_equal(found->owners, total != 0);
    else if (!bound || bound->by != BOUND_BY_DID)
        assert_int_equal(found->owners, 0);
    free(found);
}

static void registered_users_are_found_as_by_a_look_at_all(void **state)
{
    struct registry_fixture *f = *state;
    struct user_world *w = world_new(f);
    char username[16], phone[16], email[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(username, sizeof(username), "name%u", roll(5));
        snprintf(phone, sizeof(phone), "%u", roll(5));
        snprintf(email, sizeof(email), "%u@x", roll(5));
        struct registered_users q = {
            .product = w->product[roll(PRODUCTS)].no,
            .app = roll(2) ? 0 : w->app[roll(APPS)].no,
            .username = str_of(roll(2) ? "" : username),
            .phone = str_of(roll(2) ? "" : phone),
            .email = str_of(roll(2) ? "" : email),
        };
        compare(f, w, &q, NULL);
    }
    free(w);
}

static void bound_users_are_found_as_by_a_look_at_all(void **state)
{
    struct registry_fixture *f = *state;
    struct user_world *w = world_new(f);
    char texts[2][16];

    for (int i = 0; i < 2000; i++) {
        const struct user_row *u = &w->user[roll(USERS)];
        const struct device_row *d = &w->device[roll(DEVICES)];
        snprintf(texts[0], sizeof(texts[0]), "name%u", roll(5));
        snprintf(texts[1], sizeof(texts[1]), "sn%u", roll(5));
        const char *const values[] = {
            [BOUND_BY_UID] = u->uid,         [BOUND_BY_USERNAME] = texts[0], [BOUND_BY_PHONE] = u->phone,
            [BOUND_BY_EMAIL] = u->email,     [BOUND_BY_DID] = d->did,        [BOUND_BY_MAC] = d->mac,
            [BOUND_BY_DEVICE_SN] = texts[1],
        };
        uint32_t by = roll(8);
        struct bound_users q = { .product = w->product[roll(PRODUCTS)].no,
                                 .by = by == 7 ? BOUND_ANY : (enum bound_by)by };
        if (q.by != BOUND_ANY)
            q.val = str_of(*values[by] ? values[by] : "nobody");
        if (q.product == w->product[0].no && roll(2))
            q.group = w->group[roll(GROUPS)].no;
        compare(f, w, NULL, &q);
    }
    free(w);
}

static enum mu_err refuse_user(void *ctx, const struct user_row *user, bool is_owner)
{
    (void)ctx, (void)user, (void)is_owner;
    return MU_E_LIMIT;
}

static void an_error_of_the_caller_ends_the_search(void **state)
{
    struct registry_fixture *f = *state;
    struct user_world *w = world_new(f);
    struct users_page page = { .limit = 10, .fn = refuse_user };

    assert_int_equal(
        registry_bound_users(f->reg, &(struct bound_users){ .product = w->product[0].no, .by = BOUND_ANY }, &page),
        MU_E_LIMIT);
    assert_true(page.total > 0);
    free(w);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(registered_users_are_found_as_by_a_look_at_all),
        with_registry(bound_users_are_found_as_by_a_look_at_all),
        with_registry(an_error_of_the_caller_ends_the_search),
    };
    return cmocka_run_group_tests_name("user_search", tests, NULL, NULL);
}

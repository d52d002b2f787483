/* A follower that visits changes knows the same as a visit of everything would tell it, whatever happens. */
#include "sql/registry_follower.h"

static uint64_t random_state = 20240229;

static uint32_t roll(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

/* The numbers that were given of each kind. Over PostgreSQL there are gaps. Some devices, groups and users have been
 * deleted. */
struct given_numbers {
    uint32_t at[FOLLOWED_ROWS], count, last;
};

struct feed_world {
    struct given_numbers enterprises, products, apps, groups, devices, users, bindings;
    uint32_t tokens;
};

static uint32_t one_of(const struct given_numbers *g)
{
    return g->at[roll(g->count)];
}

static void add_given(struct given_numbers *g, uint32_t no)
{
    if (no <= g->last)
        return;
    assert_true(no < FOLLOWED_ROWS);
    g->last = g->at[g->count++] = no;
}

/* Rolled numbers that were not given must stay below the room of a follower. */
static bool is_full(const struct given_numbers *g)
{
    return g->last >= FOLLOWED_ROWS - 1;
}

static enum mu_err random_device(struct registry_tx *tx, struct feed_world *w)
{
    enum mu_err err;
    struct device_row d = { .product = one_of(&w->products), .passcode = "p" };

    if (roll(2) && w->devices.count) {
        if ((err = tx_device_by_no(tx, one_of(&w->devices), &d)) != MU_OK)
            return err;
        d.is_disabled = roll(2);
    } else if (is_full(&w->devices)) {
        return MU_E_LIMIT;
    } else {
        did_new(d.did);
        snprintf(d.mac, sizeof(d.mac), "mac%u", w->devices.count);
    }
    snprintf(d.place.city, sizeof(d.place.city), "city%u", roll(5));
    if ((err = tx_put_device(tx, &d)) == MU_OK)
        add_given(&w->devices, d.no);
    return err;
}

static enum mu_err random_group(struct registry_tx *tx, struct feed_world *w)
{
    struct group_row g = { .product = 1, .parent = w->groups.count ? one_of(&w->groups) : 0 };

    if (w->groups.count && roll(3) == 0)
        g.no = one_of(&w->groups); /* moves the group: maybe below a younger one, maybe into a circle */
    else if (is_full(&w->groups))
        return MU_E_LIMIT;
    id_new_hex(g.gid);
    enum mu_err err = tx_put_group(tx, &g);
    if (err == MU_OK)
        add_given(&w->groups, g.no);
    return err;
}

static enum mu_err random_token(struct registry_tx *tx, struct feed_world *w)
{
    struct token_row t = { .enterprise = one_of(&w->enterprises),
                           .product = one_of(&w->products),
                           .expires_at = roll(1000) };

    if (w->tokens >= FOLLOWED_ROWS - 1)
        return MU_E_LIMIT;
    w->tokens++;
    t.hash[0] = (uint8_t)(w->tokens >> 8);
    t.hash[1] = (uint8_t)w->tokens;
    return tx_put_token(tx, &t);
}

static enum mu_err random_app(struct registry_tx *tx, struct feed_world *w)
{
    enum mu_err err;
    struct app_row app = { .name = "a" };
    uint32_t product = one_of(&w->products);

    if (roll(3) == 0 && !is_full(&w->apps)) {
        id_new_hex(app.appid);
        if ((err = tx_put_app(tx, &app)) != MU_OK)
            return err;
        add_given(&w->apps, app.no);
    }
    if (w->apps.count == 0)
        return MU_OK;
    return tx_set_app_products(tx, one_of(&w->apps), &product, roll(2));
}

static enum mu_err random_user(struct registry_tx *tx, struct feed_world *w)
{
    struct user_row user = { .app = w->apps.count ? one_of(&w->apps) : 0 };
    enum mu_err err;

    if (!w->apps.count)
        return MU_OK;
    if (w->users.count && roll(6) == 0)
        return tx_delete(tx, KIND_USER, one_of(&w->users));
    if (w->users.count && roll(2)) {
        if ((err = tx_user_by_no(tx, one_of(&w->users), &user)) != MU_OK)
            return err;
        user.is_disabled = roll(2);
    } else if (is_full(&w->users)) {
        return MU_E_LIMIT;
    } else {
        id_new_hex(user.uid);
    }
    snprintf(user.place.city, sizeof(user.place.city), "city%u", roll(5));
    if ((err = tx_put_user(tx, &user)) == MU_OK)
        add_given(&w->users, user.no);
    return err;
}

static enum mu_err random_binding(struct registry_tx *tx, struct feed_world *w)
{
    struct binding_row b = { .since = 1 + roll(1000) };
    struct device_row device;
    struct user_row user;
    enum mu_err err;

    if (!w->users.count || !w->devices.count)
        return MU_OK;
    if (w->bindings.count && roll(3) == 0)
        return tx_unbind(tx, one_of(&w->bindings), 1000 + roll(1000));
    if ((err = tx_user_by_no(tx, one_of(&w->users), &user)) != MU_OK ||
        (err = tx_device_by_no(tx, one_of(&w->devices), &device)) != MU_OK)
        return err;
    if (roll(5) == 0)
        return tx_note_first_bound(tx, device.product, user.no, 1 + roll(1000));
    if (roll(5) == 0)
        return tx_delete(tx, KIND_DEVICE, device.no);
    if (is_full(&w->bindings))
        return MU_E_LIMIT;
    b.device = device.no;
    b.user = user.no;
    b.app = user.app;
    b.until = roll(3) ? 0 : 1000 + roll(1000);
    if ((err = tx_bind(tx, &b)) == MU_OK)
        add_given(&w->bindings, b.no);
    return err;
}

static enum mu_err random_product(struct registry_tx *tx, struct feed_world *w)
{
    enum mu_err err;
    struct product_row p = { .name = "p", .pacing = (enum pacing)roll(3) };
    char json[40];
    uint32_t version;

    if (w->products.count == 0 || (roll(3) == 0 && w->products.last < 20)) {
        id_new_hex(p.product_key);
        if ((err = tx_put_product(tx, &p)) == MU_OK)
            add_given(&w->products, p.no);
        return err;
    }
    if (roll(4) == 0)
        return tx_clear_definition(tx, one_of(&w->products));
    memset(json, 'x', sizeof(json));
    err = tx_put_definition(tx, one_of(&w->products), (struct str){ json, 1 + roll(30) }, &version);
    return err == MU_OK && version >= FOLLOWED_VERSIONS ? MU_E_LIMIT : err;
}

static enum mu_err random_enterprise(struct registry_tx *tx, struct feed_world *w)
{
    enum mu_err err;
    struct enterprise_row e = { .name = "e", .hourly_quota = roll(100) };

    if (w->enterprises.count == 0 || (w->enterprises.count < 10 && roll(2))) {
        id_new_hex(e.enterprise_id);
        if ((err = tx_put_enterprise(tx, &e)) == MU_OK)
            add_given(&w->enterprises, e.no);
        return err;
    }
    return roll(2) ? tx_associate(tx, one_of(&w->enterprises), one_of(&w->products))
                   : tx_dissociate(tx, one_of(&w->enterprises), one_of(&w->products));
}

static enum mu_err random_change(struct registry_tx *tx, void *arg)
{
    struct feed_world *w = arg, before = *w;
    enum mu_err err = MU_OK;

    for (uint32_t n = 1 + roll(4); n > 0 && err == MU_OK; n--) {
        if (w->products.count == 0 || w->enterprises.count == 0) {
            err = w->products.count ? random_enterprise(tx, w) : random_product(tx, w);
            continue;
        }
        switch (roll(9)) {
        case 0: err = random_enterprise(tx, w); break;
        case 1: err = random_product(tx, w); break;
        case 2: err = random_token(tx, w); break;
        case 3: err = random_app(tx, w); break;
        case 4: err = random_group(tx, w); break;
        case 5: err = random_user(tx, w); break;
        case 6:
        case 7: err = random_binding(tx, w); break;
        default: err = random_device(tx, w); break;
        }
    }
    if (err == MU_OK && roll(10) == 0)
        err = MU_E_REFUSED;
    if (err != MU_OK)
        *w = before;
    return err;
}

static void a_follower_knows_what_a_visit_of_everything_tells(void **state)
{
    struct registry_fixture *f = *state;
    struct image *follower = calloc(1, sizeof(*follower)), *truth = calloc(1, sizeof(*truth));
    struct feed_world w = { 0 };
    uint64_t seq = 0, truth_seq;
    uint32_t deleted;

    assert_true(follower && truth);
    for (int round = 0; round < 250; round++) {
        for (uint32_t n = roll(10); n > 0; n--)
            (void)!registry_write(f->reg, random_change, &w);
        if (roll(5) == 0)
            assert_int_equal(registry_delete_expired_tokens(f->reg, roll(1000), &deleted), MU_OK);
        follow(f, follower, &seq);
        visit_all(f, truth, &truth_seq);
        assert_true(seq == truth_seq);
        follower->calls = truth->calls;
        assert_memory_equal(follower, truth, sizeof(*truth));
    }
    assert_true(w.devices.count > 5 && w.groups.count > 5 && w.apps.count > 2 && w.tokens > 5 && w.products.count > 3 &&
                w.users.count > 5 && w.bindings.count > 20);
    free(follower);
    free(truth);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_follower_knows_what_a_visit_of_everything_tells),
    };
    return cmocka_run_group_tests_name("registry_feed_model", tests, NULL, NULL);
}

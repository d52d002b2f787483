/* The feed: a follower that visits changes knows what a visit of everything would tell it. */
#include "registry/registry_fixture.h"

/* --- a follower -----------------------------------------------------------------------------------*/

enum { ROWS = 512, VERSIONS = 64, APP_PRODUCTS = 8 };

/* What a follower keeps, by number. Zeroed rows are those that are not there. */
struct image {
    struct enterprise_row enterprise[ROWS];
    struct product_row product[ROWS];
    uint32_t definition[ROWS][VERSIONS]; /* length of the text */
    uint32_t association[ROWS];
    struct app_row app[ROWS];
    uint32_t app_products[ROWS][APP_PRODUCTS];
    struct group_row group[ROWS];
    struct device_row device[ROWS];
    struct token_row token[ROWS];        /* the number is in the first two bytes of the hash */
    unsigned calls;
};

static enum mu_err see_enterprise(void *ctx, const struct enterprise_row *row)
{
    struct image *image = ctx;
    image->calls++;
    memcpy(&image->enterprise[row->no], row, sizeof(*row));
    return MU_OK;
}

static enum mu_err see_product(void *ctx, const struct product_row *row)
{
    struct image *image = ctx;
    image->calls++;
    memcpy(&image->product[row->no], row, sizeof(*row));
    return MU_OK;
}

static enum mu_err see_definition(void *ctx, const struct definition_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    image->definition[row->product][row->version] = (uint32_t)row->json.len;
    return MU_OK;
}

static enum mu_err see_association(void *ctx, const struct association_row *row, bool removed)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    assert_int_not_equal(image->enterprise[row->enterprise].no, 0);
    if (!removed)
        image->association[row->product] = row->enterprise;
    else if (image->association[row->product] == row->enterprise)
        image->association[row->product] = 0;
    return MU_OK;
}

static enum mu_err see_app(void *ctx, const struct app_row *row, const uint32_t *products, size_t count)
{
    struct image *image = ctx;
    image->calls++;
    assert_true(count <= APP_PRODUCTS);
    memcpy(&image->app[row->no], row, sizeof(*row));
    memset(image->app_products[row->no], 0, sizeof(image->app_products[row->no]));
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(image->product[products[i]].no, 0);
        image->app_products[row->no][i] = products[i];
    }
    return MU_OK;
}

static enum mu_err see_group(void *ctx, const struct group_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    if (row->parent)
        assert_int_not_equal(image->group[row->parent].no, 0);
    memcpy(&image->group[row->no], row, sizeof(*row));
    return MU_OK;
}

static enum mu_err see_device(void *ctx, const struct device_row *row)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_not_equal(image->product[row->product].no, 0);
    if (row->group)
        assert_int_not_equal(image->group[row->group].no, 0);
    memcpy(&image->device[row->no], row, sizeof(*row));
    return MU_OK;
}

static enum mu_err see_token(void *ctx, const struct token_row *row, bool removed)
{
    struct image *image = ctx;
    struct token_row *mine = &image->token[row->hash[0] * 256 + row->hash[1]];
    image->calls++;
    memset(mine, 0, sizeof(*mine));
    if (!removed)
        memcpy(mine, row, sizeof(*mine));
    return MU_OK;
}

static enum mu_err see_deleted(void *ctx, enum registry_kind kind, uint32_t no)
{
    struct image *image = ctx;
    image->calls++;
    assert_int_equal(kind, KIND_GROUP);
    for (int i = 0; i < ROWS; i++) /* children first */
        assert_int_not_equal(image->group[i].parent, no);
    memset(&image->group[no], 0, sizeof(image->group[no]));
    return MU_OK;
}

static struct registry_visitor visitor_of(struct image *image)
{
    return (struct registry_visitor){
        .ctx = image, .enterprise = see_enterprise, .product = see_product,
        .definition = see_definition, .association = see_association, .app = see_app,
        .group = see_group, .device = see_device, .token = see_token, .deleted = see_deleted,
    };
}

static void visit_all(struct fixture *f, struct image *image, uint64_t *seq)
{
    struct registry_visitor v = visitor_of(image);
    memset(image, 0, sizeof(*image));
    assert_int_equal(registry_visit_all(f->reg, &v, seq), MU_OK);
}

static void follow(struct fixture *f, struct image *image, uint64_t *seq)
{
    struct registry_visitor v = visitor_of(image);
    image->calls = 0;
    assert_int_equal(registry_visit_changes(f->reg, &v, seq), MU_OK);
}

/* --- random changes -------------------------------------------------------------------------------*/

static uint64_t random_state = 20240229;

static uint32_t roll(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

/* How many of each there are; their numbers count from 1, as none is deleted but groups. */
struct world {
    uint32_t enterprises, products, apps, groups, devices, tokens;
};

static uint32_t one_of(uint32_t count)
{
    return 1 + roll(count);
}

static enum mu_err random_device(struct registry_tx *tx, struct world *w)
{
    enum mu_err err;
    struct device_row d = { .product = one_of(w->products), .passcode = "p" };

    if (roll(2) && w->devices) {
        if ((err = tx_device_by_no(tx, one_of(w->devices), &d)) != MU_OK)
            return err;
        d.is_disabled = roll(2);
    } else if (w->devices == ROWS - 1) {
        return MU_E_LIMIT;
    } else {
        did_new(d.did);
        snprintf(d.mac, sizeof(d.mac), "mac%u", w->devices);
    }
    snprintf(d.place.city, sizeof(d.place.city), "city%u", roll(5));
    if ((err = tx_put_device(tx, &d)) == MU_OK && d.no > w->devices)
        w->devices = d.no;
    return err;
}

static enum mu_err random_group(struct registry_tx *tx, struct world *w)
{
    struct group_row g = { .product = 1, .parent = w->groups ? one_of(w->groups) : 0 };

    if (w->groups && roll(3) == 0)
        g.no = one_of(w->groups); /* moves it: maybe under a younger one, maybe into a circle */
    else if (w->groups == ROWS - 1)
        return MU_E_LIMIT;
    id_new_hex(g.gid);
    enum mu_err err = tx_put_group(tx, &g);
    if (err == MU_OK && g.no > w->groups)
        w->groups = g.no;
    return err;
}

static enum mu_err random_token(struct registry_tx *tx, struct world *w)
{
    struct token_row t = { .enterprise = one_of(w->enterprises), .product = one_of(w->products),
                           .expires_at = roll(1000) };

    if (w->tokens == ROWS - 1)
        return MU_E_LIMIT;
    w->tokens++;
    t.hash[0] = (uint8_t)(w->tokens >> 8);
    t.hash[1] = (uint8_t)w->tokens;
    return tx_put_token(tx, &t);
}

static enum mu_err random_app(struct registry_tx *tx, struct world *w)
{
    enum mu_err err;
    struct app_row app = { .name = "a" };
    uint32_t product = one_of(w->products);

    if (roll(3) == 0 && w->apps < ROWS - 1) {
        id_new_hex(app.appid);
        if ((err = tx_put_app(tx, &app)) != MU_OK)
            return err;
        w->apps = app.no;
    }
    if (w->apps == 0)
        return MU_OK;
    return tx_set_app_products(tx, one_of(w->apps), &product, roll(2));
}

static enum mu_err random_product(struct registry_tx *tx, struct world *w)
{
    enum mu_err err;
    struct product_row p = { .name = "p", .pacing = (enum pacing)roll(3) };
    char json[40];
    uint32_t version;

    if (w->products == 0 || (roll(3) == 0 && w->products < 20)) {
        id_new_hex(p.product_key);
        if ((err = tx_put_product(tx, &p)) == MU_OK)
            w->products = p.no;
        return err;
    }
    if (roll(4) == 0)
        return tx_clear_definition(tx, one_of(w->products));
    memset(json, 'x', sizeof(json));
    err = tx_put_definition(tx, one_of(w->products), (struct str){ json, 1 + roll(30) }, &version);
    return err == MU_OK && version >= VERSIONS ? MU_E_LIMIT : err;
}

static enum mu_err random_enterprise(struct registry_tx *tx, struct world *w)
{
    enum mu_err err;
    struct enterprise_row e = { .name = "e", .hourly_quota = roll(100) };

    if (w->enterprises == 0 || (w->enterprises < 10 && roll(2))) {
        id_new_hex(e.enterprise_id);
        if ((err = tx_put_enterprise(tx, &e)) == MU_OK)
            w->enterprises = e.no;
        return err;
    }
    return roll(2) ? tx_associate(tx, one_of(w->enterprises), one_of(w->products))
                   : tx_dissociate(tx, one_of(w->enterprises), one_of(w->products));
}

static enum mu_err random_change(struct registry_tx *tx, void *arg)
{
    struct world *w = arg, before = *w;
    enum mu_err err = MU_OK;

    for (uint32_t n = 1 + roll(4); n > 0 && err == MU_OK; n--) {
        if (w->products == 0 || w->enterprises == 0) {
            err = w->products ? random_enterprise(tx, w) : random_product(tx, w);
            continue;
        }
        switch (roll(6)) {
        case 0:  err = random_enterprise(tx, w); break;
        case 1:  err = random_product(tx, w); break;
        case 2:  err = random_token(tx, w); break;
        case 3:  err = random_app(tx, w); break;
        case 4:  err = random_group(tx, w); break;
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
    struct fixture *f = *state;
    struct image *follower = calloc(1, sizeof(*follower)), *truth = calloc(1, sizeof(*truth));
    struct world w = { 0 };
    uint64_t seq = 0, truth_seq;
    uint32_t deleted;

    assert_true(follower && truth);
    for (int round = 0; round < 150; round++) {
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
    assert_true(w.devices > 5 && w.groups > 5 && w.apps > 2 && w.tokens > 5 && w.products > 3);
    free(follower);
    free(truth);
}

/* --- single rules ---------------------------------------------------------------------------------*/

static void a_thing_that_changed_often_is_visited_once(void **state)
{
    struct fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct device_row d = { .product = fixture_product(f), .mac = "m", .passcode = "p" };
    uint64_t seq = 0;

    did_new(d.did);
    for (int i = 0; i < 5; i++) {
        snprintf(d.place.city, sizeof(d.place.city), "city%d", i);
        assert_int_equal(fixture_put(f, .device = &d), MU_OK);
    }
    follow(f, image, &seq);
    assert_int_equal(image->calls, 2);
    assert_string_equal(image->device[d.no].place.city, "city4");
    follow(f, image, &seq);
    assert_int_equal(image->calls, 0);
    free(image);
}

static void what_is_gone_is_told_children_first(void **state)
{
    struct fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct group_row root = { .product = fixture_product(f) }, child = root;
    uint64_t seq = 0;

    id_new_hex(root.gid);
    id_new_hex(child.gid);
    assert_int_equal(fixture_put(f, .group = &root), MU_OK);
    child.parent = root.no;
    assert_int_equal(fixture_put(f, .group = &child), MU_OK);
    follow(f, image, &seq);
    fixture_sql(f, "INSERT INTO change (kind, no, other) SELECT 6, no, 0 FROM device_group;"
                "DELETE FROM device_group;");
    follow(f, image, &seq);
    assert_int_equal(image->calls, 2);
    assert_int_equal(image->group[root.no].no + image->group[child.no].no, 0);
    free(image);
}

static enum mu_err associate_and_give_token(struct registry_tx *tx, void *arg)
{
    struct token_row *token = arg;
    enum mu_err err = tx_associate(tx, token->enterprise, token->product);
    return err == MU_OK ? tx_put_token(tx, token) : err;
}

static enum mu_err dissociate(struct registry_tx *tx, void *arg)
{
    const struct token_row *token = arg;
    return tx_dissociate(tx, token->enterprise, token->product);
}

static void the_end_of_an_association_ends_its_tokens(void **state)
{
    struct fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct enterprise_row e = { .name = "e" };
    struct token_row token = { .product = fixture_product(f), .expires_at = 1 };
    uint64_t seq = 0;
    uint32_t deleted;

    id_new_hex(e.enterprise_id);
    assert_int_equal(fixture_put(f, .enterprise = &e), MU_OK);
    token.enterprise = e.no;
    assert_int_equal(registry_write(f->reg, associate_and_give_token, &token), MU_OK);
    follow(f, image, &seq);
    assert_memory_equal(&image->token[0], &token, sizeof(token));
    assert_int_equal(image->association[token.product], e.no);

    assert_int_equal(registry_write(f->reg, dissociate, &token), MU_OK);
    follow(f, image, &seq);
    assert_int_equal(image->token[0].enterprise, 0);
    assert_int_equal(image->association[token.product], 0);

    assert_int_equal(registry_write(f->reg, associate_and_give_token, &token), MU_OK);
    assert_int_equal(registry_delete_expired_tokens(f->reg, 0, &deleted), MU_OK);
    assert_int_equal(deleted, 0);
    assert_int_equal(registry_delete_expired_tokens(f->reg, 1, &deleted), MU_OK);
    assert_int_equal(deleted, 1);
    follow(f, image, &seq);
    assert_int_equal(image->token[0].enterprise, 0);
    free(image);
}

static enum mu_err move_under_new_one(struct registry_tx *tx, void *arg)
{
    struct group_row *old = arg, fresh = { .product = old->product };
    id_new_hex(fresh.gid);
    enum mu_err err = tx_put_group(tx, &fresh);
    old->parent = fresh.no;
    return err == MU_OK ? tx_put_group(tx, old) : err;
}

static void a_group_comes_after_its_parent_even_if_that_is_younger(void **state)
{
    struct fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image)), *all = calloc(1, sizeof(*all));
    struct group_row group = { .product = fixture_product(f) };
    uint64_t seq = 0;

    id_new_hex(group.gid);
    assert_int_equal(fixture_put(f, .group = &group), MU_OK);
    assert_int_equal(registry_write(f->reg, move_under_new_one, &group), MU_OK);
    follow(f, image, &seq);
    assert_int_equal(image->group[group.no].parent, group.parent);
    visit_all(f, all, &seq);
    assert_memory_equal(image->group, all->group, sizeof(all->group));
    free(image);
    free(all);
}

static enum mu_err move_product(struct registry_tx *tx, void *arg)
{
    const struct token_row *token = arg;
    enum mu_err err = tx_dissociate(tx, token->enterprise, token->product);
    return err == MU_OK ? tx_associate(tx, token->enterprise + 1, token->product) : err;
}

static enum mu_err list_associations(void *ctx, const struct association_row *row, bool removed)
{
    char *list = ctx, line[40];
    snprintf(line, sizeof(line), "%s%u ", removed ? "not " : "", row->enterprise);
    strcat(list, line);
    return MU_OK;
}

static void a_product_that_moves_leaves_before_it_arrives(void **state)
{
    struct fixture *f = *state;
    struct token_row token = { .product = fixture_product(f) };
    struct enterprise_row e1 = { .name = "from" }, e2 = { .name = "to" };
    char list[100] = "", expected[100];
    struct registry_visitor v = { .ctx = list, .association = list_associations };
    uint64_t seq = 0;

    id_new_hex(e1.enterprise_id);
    id_new_hex(e2.enterprise_id);
    assert_int_equal(fixture_put(f, .enterprise = &e1), MU_OK);
    assert_int_equal(fixture_put(f, .enterprise = &e2), MU_OK);
    token.enterprise = e1.no;
    assert_int_equal(registry_write(f->reg, associate_and_give_token, &token), MU_OK);
    assert_int_equal(registry_write(f->reg, move_product, &token), MU_OK);
    assert_int_equal(registry_visit_changes(f->reg, &v, &seq), MU_OK);
    snprintf(expected, sizeof(expected), "not %u %u ", e1.no, e2.no);
    assert_string_equal(list, expected);
}

static enum mu_err refuse(void *ctx, const struct product_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return MU_E_REFUSED;
}

static void an_error_of_the_visitor_ends_the_visit_and_moves_nothing(void **state)
{
    struct fixture *f = *state;
    int calls = 0;
    struct registry_visitor v = { .ctx = &calls, .product = refuse };
    uint64_t seq = 0;

    fixture_product(f);
    fixture_product(f);
    assert_int_equal(registry_visit_changes(f->reg, &v, &seq), MU_E_REFUSED);
    assert_true(seq == 0);
    assert_int_equal(registry_visit_all(f->reg, &v, &seq), MU_E_REFUSED);
    assert_true(seq == 0);
    assert_int_equal(calls, 2);
    fixture_product(f); /* the ended visits hold nothing up */
}

static void a_follower_from_before_the_feed_is_told_to_start_anew(void **state)
{
    struct fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct registry_visitor v = visitor_of(image);
    uint64_t seq, old = 0;

    fixture_product(f);
    fixture_reopen(f);
    assert_int_equal(registry_visit_changes(f->reg, &v, &old), MU_E_NOT_FOUND);
    visit_all(f, image, &seq);
    assert_true(seq > 0);
    fixture_product(f);
    follow(f, image, &seq);
    assert_int_equal(image->calls, 1);
    old = seq + 1;
    assert_int_equal(registry_visit_changes(f->reg, &v, &old), MU_E_NOT_FOUND);
    free(image);
}

static int changes_in_file(struct fixture *f)
{
    sqlite3 *db;
    sqlite3_stmt *count;

    assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM change", -1, &count, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    int changes = sqlite3_column_int(count, 0);
    sqlite3_finalize(count);
    sqlite3_close(db);
    return changes;
}

static void a_feed_that_grew_for_long_loses_its_beginning(void **state)
{
    struct fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct registry_visitor v = visitor_of(image);
    uint64_t old = 0, seq;

    fixture_product(f);
    fixture_sql(f, "UPDATE sqlite_sequence SET seq = 9000000 WHERE name = 'change'");
    visit_all(f, image, &seq);
    fixture_product(f);
    fixture_product(f);
    assert_int_equal(changes_in_file(f), 2);
    assert_int_equal(registry_visit_changes(f->reg, &v, &old), MU_E_NOT_FOUND);
    follow(f, image, &seq);
    assert_int_equal(image->calls, 2);
    free(image);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_follower_knows_what_a_visit_of_everything_tells),
        with_registry(a_thing_that_changed_often_is_visited_once),
        with_registry(what_is_gone_is_told_children_first),
        with_registry(the_end_of_an_association_ends_its_tokens),
        with_registry(a_group_comes_after_its_parent_even_if_that_is_younger),
        with_registry(a_product_that_moves_leaves_before_it_arrives),
        with_registry(an_error_of_the_visitor_ends_the_visit_and_moves_nothing),
        with_registry(a_follower_from_before_the_feed_is_told_to_start_anew),
        with_registry(a_feed_that_grew_for_long_loses_its_beginning),
    };
    return cmocka_run_group_tests_name("registry_feed", tests, NULL, NULL);
}

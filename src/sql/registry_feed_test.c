/* The rules of the change feed, one by one. */
#include "sql/registry_follower.h"

static void a_thing_that_changed_often_is_visited_once(void **state)
{
    struct registry_fixture *f = *state;
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
    struct registry_fixture *f = *state;
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
    struct registry_fixture *f = *state;
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
    struct registry_fixture *f = *state;
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
    struct registry_fixture *f = *state;
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
    struct registry_fixture *f = *state;
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
    fixture_product(f); /* the visits have ended, so they block nothing */
}

static void a_follower_from_before_the_feed_is_told_to_start_anew(void **state)
{
    struct registry_fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct registry_visitor v = visitor_of(image);
    uint64_t seq, old = 0;

    fixture_product(f);
    fixture_reopen(f);
    /* Over PostgreSQL others may have followed meanwhile. */
    assert_int_equal(registry_visit_changes(f->reg, &v, &old), f->uri[0] ? MU_OK : MU_E_NOT_FOUND);
    visit_all(f, image, &seq);
    assert_true(seq > 0);
    fixture_product(f);
    follow(f, image, &seq);
    assert_int_equal(image->calls, 1);
    old = seq + 1;
    assert_int_equal(registry_visit_changes(f->reg, &v, &old), MU_E_NOT_FOUND);
    free(image);
}

static void a_feed_that_grew_for_long_loses_its_beginning(void **state)
{
    struct registry_fixture *f = *state;
    struct image *image = calloc(1, sizeof(*image));
    struct registry_visitor v = visitor_of(image);
    uint64_t old = 0, seq;

    fixture_product(f);
    fixture_sql(f, f->uri[0] ? "ALTER SEQUENCE change_seq_seq RESTART WITH 9000001"
                             : "UPDATE sqlite_sequence SET seq = 9000000 WHERE name = 'change'");
    if (f->uri[0])
        fixture_reopen(f); /* the first writer of a process looks whether there is something to prune */
    fixture_product(f);
    visit_all(f, image, &seq);
    fixture_product(f);
    fixture_sql(f, "CREATE TABLE must_hold (x INTEGER CHECK (x = 2)); "
                   "INSERT INTO must_hold SELECT count(*) FROM change");
    assert_int_equal(registry_visit_changes(f->reg, &v, &old), MU_E_NOT_FOUND);
    follow(f, image, &seq);
    assert_int_equal(image->calls, 1);
    free(image);
}

static void devices_are_counted_as_they_come_and_go(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f), count = 7;

    assert_int_equal(registry_count_devices(f->reg, &count), MU_OK);
    assert_int_equal(count, 0);
    for (int i = 0; i < 3; i++) {
        struct device_row d = { .product = product, .passcode = "p" };
        snprintf(d.mac, sizeof(d.mac), "%d", i);
        did_new(d.did);
        assert_int_equal(fixture_put(f, .device = &d), MU_OK);
    }
    fixture_sql(f, "DELETE FROM device WHERE mac = '1'");
    assert_int_equal(registry_count_devices(f->reg, &count), MU_OK);
    assert_int_equal(count, 2);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_thing_that_changed_often_is_visited_once),
        with_registry(what_is_gone_is_told_children_first),
        with_registry(the_end_of_an_association_ends_its_tokens),
        with_registry(a_group_comes_after_its_parent_even_if_that_is_younger),
        with_registry(a_product_that_moves_leaves_before_it_arrives),
        with_registry(an_error_of_the_visitor_ends_the_visit_and_moves_nothing),
        with_registry(devices_are_counted_as_they_come_and_go),
        with_registry(a_follower_from_before_the_feed_is_told_to_start_anew),
        with_registry(a_feed_that_grew_for_long_loses_its_beginning),
    };
    return cmocka_run_group_tests_name("registry_feed", tests, NULL, NULL);
}

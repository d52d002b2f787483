/* The tree of device groups and their macs (contract, endpoint 12). */
#include "sql/registry_fixture.h"

static enum mu_err get_group(struct registry_tx *tx, void *arg)
{
    struct group_row *group = arg;
    return tx_group_by_gid(tx, group->gid, group);
}

static struct group_row group_of(struct registry_fixture *f, const char *gid)
{
    struct group_row group = { 0 };
    strcpy(group.gid, gid);
    assert_int_equal(registry_read(f->reg, get_group, &group), MU_OK);
    return group;
}

static struct group_row add(struct registry_fixture *f, uint32_t product, const struct group_row *parent)
{
    char gid[ID_HEX_LEN + 1];
    assert_int_equal(registry_add_group(f->reg, NULL, product, parent ? parent->gid : NULL, gid), MU_OK);
    return group_of(f, gid);
}

static uint32_t enrol(struct registry_fixture *f, uint32_t product, const char *mac, const char *passcode)
{
    struct register_result result;
    assert_int_equal(
        registry_register_device(f->reg, &(struct register_request){ product, mac, passcode, false, 1000 }, &result),
        MU_OK);
    return result.device.no;
}

static bool change(struct registry_fixture *f, const struct group_row *group, enum group_action action, bool reassign,
                   const char *mac)
{
    bool done;
    struct group_assignment a = { NULL, group->product, group->no, action, reassign, &mac, &done, 1 };
    assert_int_equal(registry_assign_group(f->reg, &a), MU_OK);
    return done;
}

static void must_delete(struct registry_fixture *f, uint32_t group, enum group_delete_outcome expected)
{
    enum group_delete_outcome outcome;
    assert_int_equal(registry_delete_group(f->reg, NULL, group, &outcome), MU_OK);
    assert_int_equal(outcome, expected);
}

static enum mu_err note_mac(void *ctx, struct str mac)
{
    char *out = ctx;
    strcat(strncat(out, mac.at, mac.len), ";");
    return MU_OK;
}

static void must_hold(struct registry_fixture *f, const struct group_row *group, const char *macs)
{
    char found[256] = "";
    assert_int_equal(registry_visit_group_macs(f->reg, group->no, note_mac, found), MU_OK);
    assert_string_equal(found, macs);
}

static void a_product_has_one_root(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL);
    char gid[ID_HEX_LEN + 1];

    assert_int_equal(root.parent, 0);
    assert_int_equal(registry_add_group(f->reg, NULL, product, NULL, gid), MU_E_EXISTS);
    assert_int_equal(add(f, fixture_product(f), NULL).parent, 0);
    assert_int_equal(add(f, product, &root).parent, root.no);
}

static void a_group_is_not_put_below_an_unknown_or_a_foreign_one(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row foreign = add(f, fixture_product(f), NULL);
    char gid[ID_HEX_LEN + 1];

    assert_int_equal(registry_add_group(f->reg, NULL, product, "x", gid), MU_E_NOT_FOUND);
    assert_int_equal(registry_add_group(f->reg, NULL, product, foreign.gid, gid), MU_E_REFUSED);
}

static enum mu_err put_group(struct registry_tx *tx, void *arg)
{
    return tx_put_group(tx, arg);
}

static void no_group_comes_to_be_below_the_deepest_level(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL), last = root, branch = add(f, product, &root);
    char gid[ID_HEX_LEN + 1];

    for (int level = 2; level < LIMIT_GROUP_LEVELS; level++)
        last = add(f, product, &last);
    add(f, product, &branch);
    struct group_row moved = branch;
    moved.parent = last.no;
    assert_int_equal(registry_write(f->reg, put_group, &moved), MU_E_LIMIT);
    moved.parent = last.parent;
    assert_int_equal(registry_write(f->reg, put_group, &moved), MU_OK);
    last = add(f, product, &last);
    assert_int_equal(registry_add_group(f->reg, NULL, product, last.gid, gid), MU_E_LIMIT);
}

static void the_groups_of_a_product_are_those(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL), child = add(f, product, &root), *groups;
    size_t count;

    add(f, fixture_product(f), NULL);
    assert_int_equal(registry_product_groups(f->reg, product, &groups, &count), MU_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(&groups[0], &root, sizeof(root));
    assert_memory_equal(&groups[1], &child, sizeof(child));
    free(groups);
}

static void only_an_empty_group_is_deleted(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL), child = add(f, product, &root);

    enrol(f, product, "mac", "pass");
    assert_true(change(f, &child, GROUP_ASSIGN, false, "mac"));
    must_delete(f, child.no, GROUP_HAS_DEVICES);
    must_delete(f, root.no, GROUP_HAS_GROUPS);
    assert_true(change(f, &root, GROUP_ASSIGN, true, "mac"));
    must_delete(f, root.no, GROUP_HAS_GROUPS);
    must_delete(f, child.no, GROUP_DELETED);
    must_delete(f, child.no, GROUP_GONE);
    must_delete(f, root.no, GROUP_HAS_DEVICES);
    assert_true(change(f, &root, GROUP_UNASSIGN, false, "mac"));
    must_delete(f, root.no, GROUP_DELETED);
    assert_true(add(f, product, NULL).no > child.no);
}

static void a_mac_is_moved_only_if_that_is_asked_for(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL), child = add(f, product, &root);

    enrol(f, product, "mac", "pass");
    assert_true(change(f, &child, GROUP_ASSIGN, false, "mac"));
    assert_true(change(f, &child, GROUP_ASSIGN, false, "mac"));
    assert_false(change(f, &root, GROUP_ASSIGN, false, "mac"));
    must_hold(f, &child, "mac;");
    assert_true(change(f, &root, GROUP_ASSIGN, true, "mac"));
    must_hold(f, &child, "");
    must_hold(f, &root, "mac;");
}

static void what_is_not_there_is_neither_put_in_nor_taken_out(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL), child = add(f, product, &root);

    enrol(f, product, "mac", "pass");
    enrol(f, fixture_product(f), "foreign", "pass");
    assert_false(change(f, &root, GROUP_ASSIGN, true, "nobody"));
    assert_false(change(f, &root, GROUP_ASSIGN, true, "foreign"));
    assert_false(change(f, &root, GROUP_UNASSIGN, true, "mac"));
    assert_true(change(f, &child, GROUP_ASSIGN, false, "mac"));
    assert_false(change(f, &root, GROUP_UNASSIGN, true, "mac"));
    must_hold(f, &child, "mac;");
}

static void a_mac_stays_in_its_group_when_it_registers_anew(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL);

    uint32_t old = enrol(f, product, "mac", "one");
    assert_true(change(f, &root, GROUP_ASSIGN, false, "mac"));
    uint32_t young = enrol(f, product, "mac", "two");
    assert_int_equal(fixture_device(f, young).group, root.no);
    must_hold(f, &root, "mac;");
    assert_true(change(f, &root, GROUP_UNASSIGN, false, "mac"));
    assert_int_equal(fixture_device(f, old).group, 0);
    assert_int_equal(fixture_device(f, young).group, 0);
    must_delete(f, root.no, GROUP_DELETED);
}

static void a_group_that_is_gone_takes_no_macs(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f);
    struct group_row root = add(f, product, NULL);
    struct group_assignment a = { .product = product, .group = root.no };

    must_delete(f, root.no, GROUP_DELETED);
    assert_int_equal(registry_assign_group(f->reg, &a), MU_E_NOT_FOUND);
    assert_int_equal(registry_visit_group_macs(f->reg, root.no, note_mac, NULL), MU_E_NOT_FOUND);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_product_has_one_root),
        with_registry(a_group_is_not_put_below_an_unknown_or_a_foreign_one),
        with_registry(no_group_comes_to_be_below_the_deepest_level),
        with_registry(the_groups_of_a_product_are_those),
        with_registry(only_an_empty_group_is_deleted),
        with_registry(a_mac_is_moved_only_if_that_is_asked_for),
        with_registry(what_is_not_there_is_neither_put_in_nor_taken_out),
        with_registry(a_mac_stays_in_its_group_when_it_registers_anew),
        with_registry(a_group_that_is_gone_takes_no_macs),
    };
    return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}

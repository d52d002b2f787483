#include "base/unit_test.h"

#include <stdio.h>

#include "commit/committer_fixture.h"
#include "report/report.h"

/* Users are bound, unbound, disabled, moved and deleted at random, and their devices too, now and on days that are
 * over. Every user report says what a slow model says, again and again, and after a start. */

enum { THINGS = 40, USERS = 25, APPS = 3, PRODUCTS = 2, GROUPS = 3, DAYS = 200, BINDINGS = 2000 };
static const int64_t NEVER = INT64_MAX;
static const uint32_t group_parent[GROUPS + 1] = { 0, 0, 1, 2 };

static struct {
    bool active[DAYS];
    struct device_row row;
    bool deleted;
} things[THINGS + 1];
static struct {
    struct user_brief row;
    bool deleted;
} users[USERS + 1];
static bool app_has_product[APPS + 1][PRODUCTS + 1];
static struct bound_row bindings[BINDINGS];
static uint32_t binding_count;
static int64_t first_bound[PRODUCTS + 1][USERS + 1];
static int64_t now_s;
static int32_t first_day;
static uint64_t seed;
static size_t reports;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static int32_t today(void)
{
    return calendar_day(calendar, now_s);
}

/* --- things that happen ---------------------------------------------------------------------- */

static void follow(void)
{
    assert_int_equal(committer_follow_registry(c), MU_OK);
}

static void put_thing(uint32_t no)
{
    struct device_row *row = &things[no].row;

    row->group = row->product == 1 ? below(GROUPS + 1) : 0;
    row->is_disabled = below(6) == 0;
    fake_put_device(reg, row);
}

static void put_user(uint32_t no)
{
    static const struct place places[] = {
        { "China", "Guangdong", "Guangzhou" },
        { "China", "Guangdong", "" },
        { "China", "", "" },
        { "Chile", "", "Guangzhou" },
        { "", "", "" },
        { "", "Nowhere", "Atlantis" },
    };
    struct user_brief *row = &users[no].row;

    *row = (struct user_brief){ .no = no,
                                .app = 1 + below(APPS),
                                .is_disabled = below(5) == 0,
                                .place = places[below(sizeof(places) / sizeof(*places))] };
    fake_put_user(reg, row);
}

static void put_app(uint32_t no)
{
    uint32_t products[PRODUCTS];
    size_t count = 0;

    for (uint32_t p = 1; p <= PRODUCTS; p++) {
        if ((app_has_product[no][p] = below(3)))
            products[count++] = p;
    }
    fake_put_app(reg, no, products, count);
}

static void know(uint32_t product, uint32_t user, int64_t since)
{
    int64_t *first = &first_bound[product][user];

    *first = since < *first ? since : *first;
    fake_first_bound(reg, product, user, *first);
}

/* Binds now, or long ago; then the binding may be over. */
static void bind_user(uint32_t thing, uint32_t user)
{
    bool past = below(6) == 0;
    struct bound_row *b = &bindings[binding_count++];

    assert_in_range(binding_count, 1, BINDINGS - 1);
    *b = (struct bound_row){
        .no = binding_count, .device = thing, .user = user, .since = now_s - (past ? below(20 * 86400) : 0)
    };
    if (past && below(2))
        b->until = b->since + below((uint32_t)(now_s - b->since) + 1);
    fake_bind(reg, b);
    know(things[thing].row.product, user, b->since);
}

/* Unbinds now, or as if the binding had ended some time ago. The registry tells no binding of what has been deleted. */
static void unbind_one(void)
{
    for (uint32_t i = binding_count ? below(binding_count) : 0; i < binding_count; i++) {
        struct bound_row *b = &bindings[i];
        if (b->until || things[b->device].deleted || users[b->user].deleted)
            continue;
        b->until = below(4) ? now_s : b->since + below((uint32_t)(now_s - b->since) + 1);
        fake_bind(reg, b);
        return;
    }
}

static void be_active(uint32_t no)
{
    static const uint8_t frame[] = { 0, 0, 0, 3, 4, 0, 0, 0x91, 4 }; /* without a definition: kept as it is */

    report(no, now_s * 1000000, frame, sizeof(frame));
    reports++;
    things[no].active[today() - first_day] = true;
}

/* An operator tells activity of a day that is over. */
static void have_been_active(uint32_t no)
{
    int32_t day = first_day + (int32_t)below((uint32_t)(today() - first_day + 1));

    committer_history(c, &(struct commit_item){ .sink = &sink.sink, .owner = no, .tag = ++next_tag, .device = no },
                      &(struct commit_history){ 0 }, &day, 1);
    reports++;
    things[no].active[day - first_day] = true;
}

static void delete_something(uint32_t thing, uint32_t user)
{
    if (below(2)) {
        things[thing].deleted = true;
        fake_delete(reg, KIND_DEVICE, thing);
        return;
    }
    users[user].deleted = true;
    for (uint32_t p = 1; p <= PRODUCTS; p++)
        first_bound[p][user] = NEVER;
    fake_delete(reg, KIND_USER, user);
}

static void something_happens(void)
{
    uint32_t thing = 1 + below(THINGS), user = 1 + below(USERS), what = below(100);

    now_s += below(4 * 3600);
    if (things[thing].deleted || users[user].deleted)
        return;
    if (what < 50) {
        if (below(12))
            be_active(thing);
        else
            have_been_active(thing);
        return;
    }
    wait_told(&sink, reports);
    if (what < 75)
        bind_user(thing, user);
    else if (what < 88)
        unbind_one();
    else if (what < 92)
        put_user(user);
    else if (what < 96)
        put_thing(thing);
    else if (what < 98)
        know(1 + below(PRODUCTS), user, now_s - below(100 * 86400));
    else if (what < 99)
        put_app(1 + below(APPS));
    else
        delete_something(thing, user);
    follow();
}

/* --- the model ------------------------------------------------------------------------------- */

static bool is_user(uint32_t no)
{
    return !users[no].deleted && !users[no].row.is_disabled;
}

static bool is_in_group(uint32_t thing, uint32_t group)
{
    uint32_t at = things[thing].deleted ? 0 : things[thing].row.group;

    while (at && at != group)
        at = group_parent[at];
    return at != 0;
}

/* When the user was first bound to the product, or to a device of the group. */
static int64_t first_of(uint32_t product, uint32_t group, uint32_t user)
{
    int64_t first = group ? NEVER : first_bound[product][user];

    for (uint32_t i = 0; group && i < binding_count; i++) {
        const struct bound_row *b = &bindings[i];
        if (b->user == user && b->since < first && is_in_group(b->device, group))
            first = b->since;
    }
    return is_user(user) ? first : NEVER;
}

static bool was_active(uint32_t product, uint32_t user, int32_t day)
{
    for (uint32_t i = 0; i < binding_count; i++) {
        const struct bound_row *b = &bindings[i];
        if (b->user == user && things[b->device].row.product == product && !things[b->device].deleted &&
            !things[b->device].row.is_disabled && things[b->device].active[day - first_day] &&
            calendar_day(calendar, b->since) <= day && (!b->until || calendar_day(calendar, b->until) >= day))
            return true;
    }
    return false;
}

/* --- comparing ------------------------------------------------------------------------------- */

static void compare_firsts(uint32_t product, uint32_t group)
{
    enum { PERIODS = 5 };
    int64_t starts[PERIODS + 1] = { now_s - below(90 * 86400) };
    uint32_t counts[PERIODS];
    uint64_t total, expected = 0;

    for (int i = 0; i < PERIODS; i++)
        starts[i + 1] = starts[i] + below(20 * 86400);
    assert_int_equal(report_users_total(f, product, group, &total), MU_OK);
    for (uint32_t no = 1; no <= USERS; no++)
        expected += first_of(product, group, no) != NEVER;
    assert_int_equal(total, expected);
    assert_int_equal(report_users_new(f, product, group, starts, PERIODS, counts), MU_OK);
    for (int i = 0; i < PERIODS; i++) {
        expected = 0;
        for (uint32_t no = 1; no <= USERS; no++) {
            int64_t first = first_of(product, group, no);
            expected += first >= starts[i] && first < starts[i + 1];
        }
        assert_int_equal(counts[i], expected);
    }
}

static void compare_active(uint32_t product, uint32_t app)
{
    enum { ASKED = 30 };
    int32_t from = today() - (int32_t)below(ASKED + 10);
    uint32_t count;

    from = from < first_day ? first_day : from;
    for (int32_t i = 0; i < ASKED; i++) {
        uint32_t expected = 0;
        assert_int_equal(report_users_active(f, product, app, from + i, &count), MU_OK);
        for (uint32_t no = 1; no <= USERS; no++)
            expected += is_user(no) && (!app || users[no].row.app == app) && was_active(product, no, from + i);
        assert_int_equal(count, expected);
    }
}

static struct {
    uint64_t version;
    uint32_t count;
} told[PRODUCTS + 1][DAYS];
static size_t told_again;

/* Compares days that are over with the answers that were kept under the same version. */
static void the_past_is_as_it_was_told(void)
{
    enum { BACK = 12 };

    wait_told(&sink, reports);
    const struct fleet_past past = fleet_get_past(f);
    for (uint32_t product = 1; product <= PRODUCTS; product++) {
        for (int32_t day = past.last_day; day >= first_day && day > past.last_day - BACK; day--) {
            uint32_t count;
            assert_int_equal(report_users_active(f, product, 0, day, &count), MU_OK);
            if (told[product][day - first_day].version == past.version) {
                assert_int_equal(count, told[product][day - first_day].count);
                told_again++;
            }
            told[product][day - first_day].version = past.version;
            told[product][day - first_day].count = count;
        }
    }
}

static void forget_what_was_told(void)
{
    memset(told, 0xff, sizeof(told));
}

static uint64_t users_within(uint32_t product, const char *const names[3], unsigned depth)
{
    uint64_t count = 0;

    for (uint32_t no = 1; no <= USERS; no++) {
        const struct place *p = &users[no].row.place;
        const char *const own[] = { p->country, p->region, p->city };
        bool within = is_user(no) && app_has_product[users[no].row.app][product];
        for (unsigned i = 0; i < depth; i++)
            within = within && *own[i] && strcmp(own[i], names[i]) == 0;
        count += within;
    }
    return count;
}

static void compare_places(uint32_t product)
{
    static const char *const china[] = { "China", "Guangdong", "Guangzhou" };
    static const char *const chile[] = { "Chile" };
    const struct {
        const char *const *names;
        unsigned depth;
    } nodes[] = {
        { china, 0 }, { chile, 1 }, { china, 1 }, { china, 2 }, { china, 3 },
    };
    struct report r;
    size_t at = 0;

    assert_int_equal(report_users_places(f, product, &r), MU_OK);
    for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
        uint64_t expected = users_within(product, nodes[i].names, nodes[i].depth);
        if (nodes[i].depth && !expected)
            continue;
        assert_in_range(at, 0, r.count - 1);
        assert_int_equal(r.nodes[at].depth, nodes[i].depth);
        if (nodes[i].depth)
            assert_true(str_eq(r.nodes[at].name, str_of(nodes[i].names[nodes[i].depth - 1])));
        assert_int_equal(r.nodes[at++].n[REPORT_COUNT], expected);
    }
    assert_int_equal(r.count, at);
    report_free(&r);
}

static void compare_all(void)
{
    wait_told(&sink, reports);
    for (uint32_t product = 1; product <= PRODUCTS; product++) {
        compare_firsts(product, 0);
        compare_active(product, 0);
        compare_active(product, 1 + below(APPS));
        compare_places(product);
    }
    for (uint32_t group = 1; group <= GROUPS; group++)
        compare_firsts(1, group);
}

/* --- the tests ------------------------------------------------------------------------------- */

static int setup_users(void **state)
{
    (void)state;

    memset(things, 0, sizeof(things));
    memset(users, 0, sizeof(users));
    memset(bindings, 0, sizeof(bindings));
    binding_count = 0;
    reports = 0;
    reg = fake_registry_new();
    j = fake_journal_new(BOOT);
    sink_init(&sink);
    for (uint32_t no = 1; no <= PRODUCTS; no++) {
        struct product_row row = fake_product(no);
        fake_put_product(reg, &row);
        for (uint32_t user = 1; user <= USERS; user++)
            first_bound[no][user] = NEVER;
    }
    for (uint32_t no = 1; no <= APPS; no++)
        put_app(no);
    for (uint32_t no = 1; no <= GROUPS; no++) {
        struct group_row row = { .no = no, .product = 1, .parent = group_parent[no] };
        fake_hex(row.gid, no);
        fake_put_group(reg, &row);
    }
    for (uint32_t no = 1; no <= THINGS; no++) {
        things[no].row = fake_device(no, 1 + (no % 4 == 0));
        put_thing(no);
    }
    for (uint32_t no = 1; no <= USERS; no++)
        put_user(no);
    if (calendar_open(&calendar, "Asia/Shanghai") != MU_OK || fleet_create(&f) != MU_OK)
        return -1;
    start();
    now_s = T0 / 1000000;
    first_day = today();
    return 0;
}

static void every_user_report_is_the_models_also_after_a_start(void **state)
{
    (void)state;
    for (uint64_t own = 1; own <= 3; own++) {
        if (own > 1) {
            teardown(NULL);
            setup_users(NULL);
        }
        seed = own;
        forget_what_was_told();
        for (int round = 0; round < 60; round++) {
            for (uint32_t i = below(20); i > 0; i--) {
                something_happens();
                the_past_is_as_it_was_told();
            }
            compare_all();
            if (below(10) == 0) {
                wait_told(&sink, reports);
                restart();
                forget_what_was_told();
                compare_all();
            }
        }
    }
    assert_true(told_again > 1000);
}

/* A follower that is too far behind visits everything again: a user who is gone is not counted. */
static void what_is_gone_is_not_counted_by_one_who_was_too_far_behind(void **state)
{
    static const uint32_t product = 1;
    struct report r;
    uint64_t total;

    (void)state;
    seed = 1;
    bind_user(1, 1);
    bind_user(1, 2);
    users[1].row.is_disabled = users[2].row.is_disabled = false;
    fake_put_user(reg, &users[1].row);
    fake_put_user(reg, &users[2].row);
    follow();
    assert_int_equal(report_users_total(f, 1, 0, &total), MU_OK);
    assert_int_equal(total, 2);

    fake_registry_clear(reg);
    struct product_row row = fake_product(1);
    fake_put_product(reg, &row);
    fake_put_app(reg, 2, &product, 1);
    users[2].row.app = 2;
    fake_put_user(reg, &users[2].row);
    fake_first_bound(reg, 1, 2, now_s);
    follow();
    assert_int_equal(report_users_total(f, 1, 0, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(report_users_places(f, 1, &r), MU_OK);
    assert_int_equal(r.nodes[0].n[REPORT_COUNT], 1);
    report_free(&r);
}

static void nothing_is_known_of_a_product_that_is_not_there(void **state)
{
    uint32_t count = 7;
    uint64_t total = 7;
    struct report r;

    (void)state;
    assert_int_equal(report_users_total(f, 99, 0, &total), MU_OK);
    assert_int_equal(total, 0);
    assert_int_equal(report_users_active(f, 99, 0, first_day, &count), MU_OK);
    assert_int_equal(count, 0);
    assert_int_equal(report_users_places(f, 99, &r), MU_OK);
    assert_int_equal(r.nodes[0].n[REPORT_COUNT], 0);
    report_free(&r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_users, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_user_report_is_the_models_also_after_a_start),
        TEST(what_is_gone_is_not_counted_by_one_who_was_too_far_behind),
        TEST(nothing_is_known_of_a_product_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

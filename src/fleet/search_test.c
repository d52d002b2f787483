#include "base/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/fake_registry.h"
#include "fleet/fleet_apply.h"

/* Searches over random fleets, compared with the plainest model: look at every device, and sort. */

enum { DEVICES = 5000, PRODUCTS = 2, GROUPS = 12, ROWS = 1000 };

struct model_device {
    struct device_row row;
    bool there, online, faulty, alert;
    int64_t last_report;
};

static struct model_device model[DEVICES + 1];
static uint32_t parents[GROUPS + 1];
static struct fleet *f;
static uint32_t seed;

static const char *const countries[] = { "", "China", "Georgia", "USA" };
static const char *const regions[] = { "", "Guangdong", "Georgia" };
static const char *const cities[] = { "", "Athens", "Guangzhou", "Shenzhen" };

static uint32_t below(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

/* --- filling both ---------------------------------------------------------------------------- */

static void visit_device(const struct device_row *row)
{
    struct registry_visitor v = fleet_registry_visitor(f);
    assert_int_equal(v.device(v.ctx, row), MU_OK);
}

static void put_random(uint32_t no)
{
    struct model_device *d = &model[no];
    uint32_t product = d->there ? d->row.product : 1 + below(10) / 9;

    d->row = fake_device(no, product);
    d->row.created_at = below(3) ? 1000 + no / 4 : 1000 + below(DEVICES / 4);
    d->row.is_disabled = below(10) == 0;
    d->row.group = below(2) ? below(GROUPS + 1) : 0;
    if (below(20) == 0)
        strcpy(d->row.mac, "same mac");
    strcpy(d->row.place.country, countries[below(4)]);
    strcpy(d->row.place.region, regions[below(3)]);
    strcpy(d->row.place.city, cities[below(4)]);
    if (!d->there)
        d->online = d->faulty = d->alert = false, d->last_report = 0;
    d->there = true;
    visit_device(&d->row);
}

static void change_random(uint32_t no)
{
    static const uint8_t image[] = { 1, 2, 3 };
    struct model_device *d = &model[no];

    d->online = below(2);
    d->faulty = below(100) == 0;
    d->alert = below(3) == 0;
    d->last_report = below(4) ? below(10000) : 0;
    fleet_apply_begin(f);
    fleet_apply(f, &(struct fleet_change){ .no = no,
                                           .progress = { .session = d->online, .last_report = d->last_report },
                                           .image = image,
                                           .image_len = sizeof(image),
                                           .faulty = d->faulty,
                                           .alert = d->alert });
    fleet_apply_end(f);
}

/* Puts the group below any group with a smaller number, or below none. */
static void put_group(uint32_t g)
{
    struct registry_visitor v = fleet_registry_visitor(f);
    struct group_row row = { .no = g, .product = 1, .parent = parents[g] = below(g) };

    fake_hex(row.gid, g);
    assert_int_equal(v.group(v.ctx, &row), MU_OK);
}

static void shuffle_some(uint32_t steps)
{
    struct registry_visitor v = fleet_registry_visitor(f);

    for (uint32_t i = 0; i < steps; i++) {
        uint32_t no = 1 + below(DEVICES);
        if (!model[no].there || below(8) == 0) {
            put_random(no);
        } else if (below(20) == 0) {
            assert_int_equal(v.deleted(v.ctx, KIND_DEVICE, no), MU_OK);
            model[no].there = false;
        } else {
            change_random(no);
        }
    }
}

static void fill(uint32_t with_seed)
{
    struct registry_visitor v;

    seed = with_seed;
    memset(model, 0, sizeof(model));
    assert_int_equal(fleet_create(&f), MU_OK);
    v = fleet_registry_visitor(f);
    for (uint32_t p = 1; p <= PRODUCTS; p++) {
        struct product_row row = fake_product(p);
        assert_int_equal(v.product(v.ctx, &row), MU_OK);
    }
    for (uint32_t g = 1; g <= GROUPS; g++)
        put_group(g);
    for (uint32_t no = 1; no <= DEVICES; no++) {
        if (below(10))
            put_random(no);
    }
    shuffle_some(DEVICES * 2);
}

/* --- the model's answer ---------------------------------------------------------------------- */

static bool in_subtree(uint32_t group, uint32_t root)
{
    while (group && group != root)
        group = parents[group];
    return group != 0;
}

static bool tri_ok(enum fleet_tri tri, bool is)
{
    return tri == FLEET_ANY || (tri == FLEET_YES) == is;
}

static bool text_ok(struct str wanted, const char *text)
{
    return !wanted.at || str_eq(wanted, str_of(text));
}

static bool matches(const struct model_device *d, const struct fleet_filter *w)
{
    bool listed = !w->only;

    for (size_t i = 0; i < w->only_count; i++)
        listed |= w->only[i] == d->row.no;
    return d->there && listed && d->row.product == w->product->no && (w->show_disabled || !d->row.is_disabled) &&
           (!w->group || in_subtree(d->row.group, w->group)) && text_ok(w->country, d->row.place.country) &&
           text_ok(w->region, d->row.place.region) && text_ok(w->city, d->row.place.city) &&
           tri_ok(w->online, d->online) && tri_ok(w->faulty, d->faulty) && tri_ok(w->alert, d->alert) &&
           (!w->active_since || d->last_report >= w->active_since) && text_ok(w->did, d->row.did) &&
           text_ok(w->mac, d->row.mac);
}

static int newest_first(const void *a, const void *b)
{
    const struct device_row *x = &model[*(const uint32_t *)a].row, *y = &model[*(const uint32_t *)b].row;

    if (x->created_at != y->created_at)
        return x->created_at > y->created_at ? -1 : 1;
    return strcmp(x->did, y->did);
}

static uint64_t search(const struct fleet_filter *filter, uint64_t skip, uint64_t limit)
{
    static struct fleet_device rows[ROWS];
    static uint32_t wanted[DEVICES];
    uint64_t total = 12345, n = 0;

    for (uint32_t no = 1; no <= DEVICES; no++) {
        if (matches(&model[no], filter))
            wanted[n++] = no;
    }
    qsort(wanted, n, sizeof(*wanted), newest_first);
    size_t got = fleet_search(f, filter, skip, limit, rows, &total);
    assert_int_equal(total, n);
    uint64_t page = skip >= n ? 0 : n - skip < limit ? n - skip : limit;
    assert_int_equal(got, page);
    for (size_t i = 0; i < got; i++) {
        const struct model_device *d = &model[wanted[skip + i]];
        assert_int_equal(rows[i].no, d->row.no);
        assert_string_equal(rows[i].did, d->row.did);
        assert_true(rows[i].is_online == d->online && rows[i].is_alert == d->alert);
        assert_int_equal(rows[i].last_report, d->last_report);
        assert_string_equal(rows[i].place.city, d->row.place.city);
    }
    return n;
}

/* --- tests ----------------------------------------------------------------------------------- */

static struct str one_of(const char *const *texts, uint32_t n, uint32_t odds)
{
    const char *text = texts[1 + below(n - 1)];
    return below(odds) ? (struct str){ 0 } : str_of(text);
}

static enum fleet_tri some_tri(void)
{
    return below(3) ? FLEET_ANY : below(2) ? FLEET_YES : FLEET_NO;
}

static struct fleet_filter random_filter(uint32_t *only)
{
    struct fleet_filter w = {
        .product = fleet_product_by_no(f, 1 + below(8) / 7),
        .group = below(4) ? 0 : 1 + below(GROUPS + 2), /* unknown ones too */
        .country = one_of(countries, 4, 4),
        .region = one_of(regions, 3, 5),
        .city = one_of(cities, 4, 5),
        .online = some_tri(),
        .faulty = some_tri(),
        .alert = some_tri(),
        .show_disabled = below(2),
        .active_since = below(2) ? 0 : below(11000),
    };
    if (below(10) == 0)
        w.did = str_of(model[1 + below(DEVICES)].row.did);
    if (below(10) == 0)
        w.mac = below(2) ? STR("same mac") : str_of(model[1 + below(DEVICES)].row.mac);
    if (below(6) == 0) {
        w.only = only;
        w.only_count = below(2) ? below(300) : 0;
        for (size_t i = 0; i < w.only_count; i++)
            only[i] = below(DEVICES * 2); /* some are nobody's, some come twice */
    }
    return w;
}

static void any_search_answers_what_looking_at_every_device_would(void **state)
{
    (void)state;
    static uint32_t only[300];
    unsigned found_many = 0, found_some = 0;

    for (uint32_t fleet = 1; fleet <= 3; fleet++) {
        fill(fleet);
        for (int i = 0; i < 400; i++) {
            if (i % 40 == 0) {
                shuffle_some(200);
                put_group(1 + below(GROUPS));
            }
            struct fleet_filter filter = random_filter(only);
            uint64_t skip = below(3) ? below(30) : below(DEVICES);
            uint64_t n = search(&filter, skip, below(4) ? 20 : below(ROWS + 1));
            found_many += n > 600;
            found_some += n > 0 && n <= 600;
        }
        fleet_destroy(f);
    }
    assert_in_range(found_many, 50, 1200); /* both ways of finding a page were taken */
    assert_in_range(found_some, 200, 1200);
}

static void the_whole_of_a_product_can_be_paged_through(void **state)
{
    (void)state;
    fill(9);
    struct fleet_filter filter = {
        .product = fleet_product_by_no(f, 1), .online = FLEET_ANY, .faulty = FLEET_ANY, .alert = FLEET_ANY
    };
    uint64_t total = search(&filter, 0, 0);
    for (uint64_t skip = 0; skip <= total; skip += 700)
        search(&filter, skip, 700);
    search(&filter, UINT64_MAX, UINT64_MAX);
    fleet_destroy(f);
}

static void a_product_without_devices_finds_none(void **state)
{
    (void)state;
    uint64_t total = 1;
    struct fleet_device row;
    struct product_row product = fake_product(1);

    assert_int_equal(fleet_create(&f), MU_OK);
    struct registry_visitor v = fleet_registry_visitor(f);
    assert_int_equal(v.product(v.ctx, &product), MU_OK);
    struct fleet_filter filter = { .product = fleet_product_by_no(f, 1),
                                   .online = FLEET_ANY,
                                   .faulty = FLEET_ANY,
                                   .alert = FLEET_ANY,
                                   .country = STR("China"),
                                   .active_since = 5 };
    assert_int_equal(fleet_search(f, &filter, 0, 1, &row, &total), 0);
    assert_int_equal(total, 0);
    fleet_destroy(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_search_answers_what_looking_at_every_device_would),
        cmocka_unit_test(the_whole_of_a_product_can_be_paged_through),
        cmocka_unit_test(a_product_without_devices_finds_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

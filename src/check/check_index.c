#include "check/check_internal.h"

#include <roaring/roaring.h>
#include <stdlib.h>

/* Compares what the fleet answers from its bitmaps and indexes with counts that go through all devices. */

struct totals {
    uint64_t all, enabled, faulty, alert;
};

static struct fleet_filter all_of(const struct fleet_product *p)
{
    return (struct fleet_filter){
        .product = p, .online = FLEET_ANY, .faulty = FLEET_ANY, .alert = FLEET_ANY, .show_disabled = true
    };
}

static void compare(struct check *c, const char *what, uint32_t no, const struct fleet_filter *filter, uint64_t counted)
{
    uint64_t found;

    fleet_search(c->fleet, filter, 0, 0, NULL, &found);
    if (found != counted)
        findings_mistake(c->findings, "fleet: of %s %u it finds %llu devices, there are %llu", what, no,
                         (unsigned long long)found, (unsigned long long)counted);
}

static void compare_product(struct check *c, const struct fleet_product *p, const struct totals *t)
{
    struct fleet_filter all = all_of(p), enabled = all, faulty = all, alert = all, online = all;

    enabled.show_disabled = false;
    faulty.faulty = alert.alert = online.online = FLEET_YES;
    compare(c, "product", p->no, &all, t->all);
    compare(c, "product (enabled)", p->no, &enabled, t->enabled);
    compare(c, "product (faulty)", p->no, &faulty, t->faulty);
    compare(c, "product (alert)", p->no, &alert, t->alert);
    compare(c, "product (online)", p->no, &online, 0);
}

static enum mu_err compare_products(struct check *c)
{
    uint32_t count = fleet_product_end(c->fleet);
    struct totals *totals = calloc(count + 1, sizeof(*totals));

    if (!totals)
        return MU_E_NOMEM;
    for (uint32_t device = 1; device <= c->last_device; device++) {
        const struct check_seen *seen = &c->seen[device];
        struct totals *t = &totals[seen->product];
        t->all++;
        t->enabled += !seen->disabled;
        t->faulty += seen->faulty;
        t->alert += seen->alert;
    }
    for (uint32_t no = 1; no < count; no++) {
        const struct fleet_product *p = fleet_product_by_no(c->fleet, no);
        if (p)
            compare_product(c, p, &totals[no]);
    }
    free(totals);
    return MU_OK;
}

/* Compares a group's parent and its direct members; at the root of a tree also the number of devices in the whole
 * tree. */
static void compare_group(struct check *c, uint32_t no)
{
    const struct check_group *g = &c->groups.at[no];
    const struct group *found = fleet_group_at(c->fleet, no);
    uint64_t members = roaring_bitmap_get_cardinality(found->members);
    struct fleet_filter filter = all_of(fleet_product_by_no(c->fleet, g->product));

    if (found->product != g->product || found->parent != g->parent)
        findings_mistake(c->findings, "fleet: group %u is not where the registry has it", no);
    if (members != g->devices)
        findings_mistake(c->findings, "fleet: in group %u itself it finds %llu devices, there are %u", no,
                         (unsigned long long)members, g->devices);
    filter.group = no;
    if (g->root == no)
        compare(c, "group", no, &filter, g->below);
}

static void compare_groups(struct check *c)
{
    for (uint32_t device = 1; device <= c->last_device; device++) {
        const struct check_seen *seen = &c->seen[device];
        uint32_t no = seen->product ? seen->group : 0;
        if (no && no < c->groups.count && c->groups.at[no].product) {
            c->groups.at[no].devices++;
            c->groups.at[c->groups.at[no].root].below++;
        }
    }
    for (uint32_t no = 1; no < c->groups.count; no++)
        if (c->groups.at[no].product)
            compare_group(c, no);
}

static enum mu_err compare_place(void *ctx, uint32_t product, const struct place *place, uint64_t devices)
{
    struct check *c = ctx;
    const struct fleet_product *p = fleet_product_by_no(c->fleet, product);

    struct fleet_filter filter = all_of(p);

    filter.show_disabled = false;
    filter.country = str_of(place->country);
    filter.region = str_of(place->region);
    filter.city = str_of(place->city);
    /* An empty name in a filter stands for any name. */
    if (p && place->country[0] && place->region[0] && place->city[0])
        compare(c, place->city, product, &filter, devices);
    return MU_OK;
}

static int by_day(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static enum mu_err compare_activations(struct check *c)
{
    int32_t *days = malloc(((size_t)c->last_device + 1) * sizeof(*days));
    size_t count = 0, sets = 0;

    if (!days)
        return MU_E_NOMEM;
    for (uint32_t device = 1; device <= c->last_device; device++)
        if (c->seen[device].product && c->seen[device].activated_at)
            days[count++] = calendar_day(c->calendar, c->seen[device].activated_at);
    qsort(days, count, sizeof(*days), by_day);
    for (size_t i = 0, next; i < count; i = next, sets++) {
        for (next = i; next < count && days[next] == days[i]; next++)
            ;
        const struct day_set *set = day_sets_find(&fleet_history(c->fleet)->activated, days[i]);
        uint64_t found = set ? day_set_count(set) : 0;
        if (found != next - i)
            findings_mistake(c->findings, "fleet: on day %d it finds %llu activations, there are %zu", days[i],
                             (unsigned long long)found, next - i);
    }
    free(days);
    c->findings->looked_at(c->findings->ctx, "days of activation", sets);
    return MU_OK;
}

static enum mu_err find_device(void *ctx, const struct device_row *row)
{
    struct check *c = ctx;
    struct fleet_device found;

    if (row->no > c->last_device || !c->seen[row->no].product)
        return MU_OK;
    if (!fleet_device_by_did(c->fleet, str_of(row->did), &found) || found.no != row->no)
        findings_mistake(c->findings, "fleet: device %u is not found by its did %s", row->no, row->did);
    if (!fleet_device_by_mac(c->fleet, fleet_product_by_no(c->fleet, row->product), str_of(row->mac), &found) ||
        (!row->is_disabled && found.no != row->no))
        findings_mistake(c->findings, "fleet: device %u is not found by its mac %s", row->no, row->mac);
    return MU_OK;
}

enum mu_err check_index(struct check *c)
{
    struct registry_visitor v = { .ctx = c, .device = find_device };
    uint64_t seq;
    enum mu_err err;

    if ((err = compare_products(c)) != MU_OK || (err = compare_activations(c)) != MU_OK)
        return err;
    compare_groups(c);
    if ((err = registry_visit_device_places(c->registry, compare_place, c)) != MU_OK)
        return err;
    return registry_visit_all(c->registry, &v, &seq);
}

#include <assert.h>
#include <stdlib.h>

#include "report/report_tree.h"

/* The reports that answer row by row. The days' sets tell how many rows each day has, so that a page finds its first
 * day. In a day, either its few devices are sorted by mac, or the product's order is walked. */

/* Up to this number, or this share of the product, sorting a day's devices is cheaper. */
enum { FEW = 512, FEW_SHARE = 64 };

struct rows {
    struct fleet *f;
    const struct mac_order *order;
    uint64_t skip, limit;
    struct report_row *rows;
    size_t count;
    int32_t day;
};

static bool take(struct rows *p, uint32_t no)
{
    assert(p->count < p->limit);
    if (p->skip) {
        p->skip--;
    } else {
        p->rows[p->count].day = p->day;
        fleet_device_read(p->f, no, columns_row(fleet_columns(p->f), no), &p->rows[p->count++].device);
    }
    return p->count < p->limit;
}

static void take_few(struct rows *p, const struct plain_bits *set, uint64_t count)
{
    uint32_t *list = malloc(count * sizeof(*list));

    if (!list)
        fleet_out_of_memory();
    plain_bits_list(set, list);
    mac_order_sort(p->f, list, count);
    for (uint64_t i = 0; i < count && take(p, list[i]); i++)
        ;
    free(list);
}

static void take_many(struct rows *p, const struct plain_bits *set)
{
    for (uint32_t i = 0; i < p->order->count; i++) {
        if (plain_bits_has(set, p->order->sorted[i]) && !take(p, p->order->sorted[i]))
            break;
    }
}

static void take_day(struct rows *p, const struct plain_bits *set, uint64_t count, struct product *product)
{
    if (count <= FEW || count <= order_count(&product->order) / FEW_SHARE) {
        take_few(p, set, count);
        return;
    }
    if (!p->order)
        mac_order_update(p->f, product->all, &product->by_mac);
    p->order = &product->by_mac;
    take_many(p, set);
}

static size_t rows_of(struct fleet *f, const struct report_filter *filter, bool active, const struct report_page *page,
                      struct report_row *rows, uint64_t *total)
{
    struct rows p = { .f = f, .skip = page->skip, .limit = page->limit, .rows = rows };

    *total = 0;
    fleet_read_lock(f);
    const struct day_sets *days = active ? &fleet_history(f)->active : &fleet_history(f)->activated;
    struct plain_bits base = report_base(f, filter);
    for (uint32_t i = days->count; i-- > 0 && days->at[i].day >= page->first_day;) {
        if (days->at[i].day > page->last_day)
            continue;
        uint64_t count = day_set_count_in(&days->at[i], &base);
        *total += count;
        if (p.count >= p.limit)
            continue;
        if (p.skip >= count) {
            p.skip -= count;
            continue;
        }
        p.day = days->at[i].day;
        struct plain_bits set = { 0 };
        day_set_add(&days->at[i], &set);
        plain_bits_keep(&set, &base);
        take_day(&p, &set, count, catalog_product(f, filter->product->no));
        plain_bits_free(&set);
    }
    fleet_unlock(f);
    plain_bits_free(&base);
    assert(p.count <= p.limit);
    return p.count;
}

size_t report_incr_rows(struct fleet *f, const struct report_filter *filter, const struct report_page *page,
                        struct report_row *rows, uint64_t *total)
{
    return rows_of(f, filter, false, page, rows, total);
}

size_t report_active_rows(struct fleet *f, const struct report_filter *filter, const struct report_page *page,
                          struct report_row *rows, uint64_t *total)
{
    return rows_of(f, filter, true, page, rows, total);
}

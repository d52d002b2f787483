#include "report/report.h"

#include "report/report_tree.h"

/* The reports that count devices: by place, and at a glance. */

static struct fleet_filter search_filter(const struct report_filter *filter)
{
    return (struct fleet_filter){
        .product = filter->product,
        .group = filter->group,
        .country = filter->country,
        .region = filter->region,
        .city = filter->city,
        .online = FLEET_ANY,
        .faulty = FLEET_ANY,
        .alert = FLEET_ANY,
    };
}

struct plain_bits report_base(struct fleet *f, const struct report_filter *filter)
{
    struct fleet_filter wide = search_filter(filter);
    return fleet_search_match(f, &wide);
}

static const struct product *product_of(const struct report_filter *filter)
{
    return (const struct product *)filter->product;
}

/* Counts the devices that are in both sets. */
static enum mu_err count_both(const struct fleet *f, const struct plain_bits *base, const roaring_bitmap_t *set,
                              unsigned counter, struct report_counts *c)
{
    struct plain_bits both = plain_bits_of(set);

    plain_bits_keep(&both, base);
    enum mu_err err = report_count(f, &both, counter, c);
    plain_bits_free(&both);
    return err;
}

static enum mu_err count_matching(struct fleet *f, const struct fleet_filter *filter, struct report_counts *counts)
{
    struct plain_bits set = fleet_search_match(f, filter);
    enum mu_err err = report_count(f, &set, REPORT_COUNT, counts);

    plain_bits_free(&set);
    return err;
}

enum mu_err report_places(struct fleet *f, const struct report_filter *filter, enum fleet_tri online,
                          enum fleet_tri faulty, enum fleet_tri alert, struct report *out)
{
    struct fleet_filter wide = search_filter(filter);
    struct report_counts counts;
    enum mu_err err;

    wide.online = online;
    wide.faulty = faulty;
    wide.alert = alert;
    fleet_read_lock(f);
    if ((err = report_counts_init(f, &counts)) == MU_OK && (err = count_matching(f, &wide, &counts)) == MU_OK)
        err = report_tree(f, &counts, NULL, out);
    fleet_unlock(f);
    report_counts_free(&counts);
    return err;
}

/* --- by day ---------------------------------------------------------------------------------- */

static struct plain_bits of_days(const struct day_sets *sets, int32_t first, int32_t last)
{
    struct plain_bits days = { 0 };

    day_sets_add(sets, first, last, &days);
    return days;
}

static enum mu_err report_days(struct fleet *f, const struct report_filter *filter, const struct day_sets *sets,
                               int32_t first, int32_t last, struct report *out)
{
    struct report_counts counts;
    enum mu_err err;

    fleet_read_lock(f);
    if ((err = report_counts_init(f, &counts)) == MU_OK) {
        struct plain_bits base = report_base(f, filter), days = of_days(sets, first, last);
        plain_bits_keep(&days, &base);
        err = report_count(f, &days, REPORT_COUNT, &counts);
        plain_bits_free(&base);
        plain_bits_free(&days);
    }
    if (err == MU_OK)
        err = report_tree(f, &counts, NULL, out);
    fleet_unlock(f);
    report_counts_free(&counts);
    return err;
}

enum mu_err report_active(struct fleet *f, const struct report_filter *filter, int32_t first_day, int32_t last_day,
                          struct report *out)
{
    return report_days(f, filter, &fleet_history(f)->active, first_day, last_day, out);
}

enum mu_err report_activated(struct fleet *f, const struct report_filter *filter, int32_t first_day, int32_t last_day,
                             struct report *out)
{
    return report_days(f, filter, &fleet_history(f)->activated, first_day, last_day, out);
}

/* --- now ------------------------------------------------------------------------------------- */

static enum mu_err count_realtime(struct fleet *f, const struct report_filter *filter, struct report_counts *c)
{
    const struct product *p = product_of(filter);
    struct plain_bits base = report_base(f, filter);
    enum mu_err err;

    if ((err = count_both(f, &base, fleet_history(f)->ever_activated, REPORT_ACTIVATED, c)) == MU_OK &&
        (err = count_both(f, &base, p->faulty, REPORT_FAULTY, c)) == MU_OK)
        err = count_both(f, &base, p->alert, REPORT_ALERT, c);
    plain_bits_free(&base);
    return err;
}

enum mu_err report_realtime(struct fleet *f, const struct report_filter *filter, struct report *out)
{
    struct report_counts counts;
    enum mu_err err;

    fleet_read_lock(f);
    if ((err = report_counts_init(f, &counts)) == MU_OK && (err = count_realtime(f, filter, &counts)) == MU_OK)
        err = report_tree(f, &counts, NULL, out);
    fleet_unlock(f);
    report_counts_free(&counts);
    return err;
}

/* Adds days to a set; returns how many of its devices are also in base. */
static uint64_t count_with(struct plain_bits *days, const struct day_sets *sets, int32_t first, int32_t last,
                           const struct plain_bits *base)
{
    day_sets_add(sets, first, last, days);
    return plain_bits_count_both(days, base);
}

void report_liveness(struct fleet *f, const struct report_filter *filter, int32_t today, struct report_liveness *out)
{
    struct plain_bits days = { 0 };

    fleet_read_lock(f);
    const struct day_sets *active = &fleet_history(f)->active;
    struct plain_bits base = report_base(f, filter);
    out->yesterday = count_with(&days, active, today - 1, today - 1, &base);
    out->days_7 = count_with(&days, active, today - 6, today, &base);
    out->days_30 = count_with(&days, active, today - 29, today - 7, &base);
    fleet_unlock(f);
    plain_bits_free(&base);
    plain_bits_free(&days);
}

void report_summary(struct fleet *f, const struct fleet_product *product, int32_t today, struct report_summary *out)
{
    const struct product *p = (const struct product *)product;
    struct plain_bits active = { 0 }, newest = { 0 }, new = { 0 };

    fleet_read_lock(f);
    const struct history *h = fleet_history(f);
    struct plain_bits enabled = plain_bits_of(p->enabled);
    out->online = plain_bits_count_in(&enabled, p->online);
    out->activated = plain_bits_count_in(&enabled, h->ever_activated);
    out->active_yesterday = count_with(&active, &h->active, today - 1, today - 1, &enabled);
    out->active_7 = count_with(&active, &h->active, today - 6, today, &enabled);
    out->new_today = count_with(&newest, &h->activated, today, today, &enabled);
    out->new_yesterday = count_with(&new, &h->activated, today - 1, today - 1, &enabled);
    out->new_7 = count_with(&new, &h->activated, today - 6, today, &enabled);
    out->new_30 = count_with(&new, &h->activated, today - 29, today - 7, &enabled);
    fleet_unlock(f);
    plain_bits_free(&enabled);
    plain_bits_free(&active);
    plain_bits_free(&newest);
    plain_bits_free(&new);
}

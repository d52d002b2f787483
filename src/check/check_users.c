#include "check/check_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "report/report.h"

/* Compares the fleet's users with the registry's rows, one by one. Compares the user reports with slow counts: sorted
 * lists of the users of each product and of each tree of groups. */

enum { DAYS = 7 };

/* A user who counts for a product, a group, or a day. */
struct mention {
    uint32_t no, user;
};

struct mentions {
    struct mention *at;
    size_t count;
    uint32_t cap;
};

struct user_check {
    struct check *check;
    struct mentions products, groups, days[DAYS]; /* in days, `no` is a product */
    int32_t first_day;
};

static enum mu_err mention(struct mentions *m, uint32_t no, uint32_t user)
{
    if (!ARRAY_RESERVE(m->at, m->cap, m->count + 1))
        return MU_E_NOMEM;
    m->at[m->count++] = (struct mention){ no, user };
    return MU_OK;
}

/* --- row by row ------------------------------------------------------------------------------------- */

static enum mu_err compare_user(void *ctx, const struct user_brief *row)
{
    struct user_check *u = ctx;
    const struct fleet *f = u->check->fleet;
    const struct user_chunk *c = fleet_users(f)->chunks[row->no >> CHUNK_BITS];
    uint32_t i = row->no & (CHUNK_ROWS - 1);
    struct place place;

    places_read(fleet_places(f), c->place[i], &place);
    if (users_is_counted(fleet_users(f), row->no) == row->is_disabled || c->app[i] != row->app ||
        strcmp(place.country, row->place.country) || strcmp(place.region, row->place.region) ||
        strcmp(place.city, row->place.city))
        findings_mistake(u->check->findings, "fleet: user %u is not as the registry has him", row->no);
    return MU_OK;
}

static enum mu_err mention_days(struct user_check *u, const struct bound_row *row)
{
    const struct check *c = u->check;
    enum mu_err err = MU_OK;

    for (int i = 0; i < DAYS && err == MU_OK; i++) {
        int32_t day = u->first_day + i;
        const struct day_set *set = day_sets_find(&fleet_history(c->fleet)->active, day);
        if (set && day_set_has(set, row->device) && !c->seen[row->device].disabled &&
            calendar_day(c->calendar, row->since) <= day &&
            (!row->until || calendar_day(c->calendar, row->until) >= day))
            err = mention(&u->days[i], c->seen[row->device].product, row->user);
    }
    return err;
}

static enum mu_err compare_binding(void *ctx, const struct bound_row *row)
{
    struct user_check *u = ctx;
    const struct check *c = u->check;
    const struct bound *b = &fleet_users(c->fleet)->bindings[row->no >> CHUNK_BITS]->at[row->no & (CHUNK_ROWS - 1)];
    enum mu_err err = MU_OK;

    if (b->device != row->device || b->user != row->user || b->since != row->since ||
        b->until != (row->until ? row->until : UINT32_MAX))
        findings_mistake(c->findings, "fleet: binding %u is not as the registry has it", row->no);
    if (row->device > c->last_device || !c->seen[row->device].product ||
        !users_is_counted(fleet_users(c->fleet), row->user))
        return MU_OK;
    uint32_t group = c->seen[row->device].group;
    if (group && group < c->groups.count && c->groups.at[group].product)
        err = mention(&u->groups, c->groups.at[group].root, row->user);
    return err == MU_OK ? mention_days(u, row) : err;
}

static enum mu_err note_first(void *ctx, const struct first_bound_row *row)
{
    struct user_check *u = ctx;
    bool counted = users_is_counted(fleet_users(u->check->fleet), row->user);
    return counted ? mention(&u->products, row->product, row->user) : MU_OK;
}

/* --- the counts ------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;
    if (x->no != y->no)
        return x->no < y->no ? -1 : 1;
    return x->user < y->user ? -1 : x->user > y->user;
}

/* How many different users `no` has. *at moves on behind their mentions. */
static uint64_t count_of(const struct mentions *m, size_t *at, uint32_t no)
{
    uint64_t count = 0;

    for (; *at < m->count && m->at[*at].no <= no; (*at)++)
        count += m->at[*at].no == no && (!*at || by_number(&m->at[*at], &m->at[*at - 1]));
    return count;
}

static void sort(struct mentions *m)
{
    if (m->count)
        qsort(m->at, m->count, sizeof(*m->at), by_number);
}

static void compare(struct check *c, const char *what, uint32_t no, uint64_t found, uint64_t counted)
{
    if (found != counted)
        findings_mistake(c->findings, "fleet: of %s %u it finds %llu users, there are %llu", what, no,
                         (unsigned long long)found, (unsigned long long)counted);
}

static enum mu_err compare_totals(struct user_check *u)
{
    struct check *c = u->check;
    enum mu_err err = MU_OK;
    uint64_t found;
    size_t at = 0;

    sort(&u->products);
    for (uint32_t no = 1; no < fleet_product_end(c->fleet) && err == MU_OK; no++) {
        if ((err = report_users_total(c->fleet, no, 0, &found)) == MU_OK)
            compare(c, "product", no, found, count_of(&u->products, &at, no));
    }
    at = 0;
    sort(&u->groups);
    for (uint32_t no = 1; no < c->groups.count && err == MU_OK; no++) {
        if (c->groups.at[no].product && c->groups.at[no].root == no &&
            (err = report_users_total(c->fleet, c->groups.at[no].product, no, &found)) == MU_OK)
            compare(c, "group", no, found, count_of(&u->groups, &at, no));
    }
    return err;
}

static enum mu_err compare_days(struct user_check *u)
{
    struct check *c = u->check;
    size_t at[DAYS] = { 0 };
    uint32_t found;
    enum mu_err err = MU_OK;

    for (int i = 0; i < DAYS; i++)
        sort(&u->days[i]);
    for (uint32_t no = 1; no < fleet_product_end(c->fleet) && err == MU_OK; no++) {
        for (int i = 0; i < DAYS && err == MU_OK; i++) {
            if ((err = report_users_active(c->fleet, no, 0, u->first_day + i, &found)) == MU_OK)
                compare(c, "product (active)", no, found, count_of(&u->days[i], &at[i], no));
        }
    }
    return err;
}

enum mu_err check_users(struct check *c)
{
    const struct day_sets *active = &fleet_history(c->fleet)->active;
    struct user_check u = { .check = c };
    struct registry_visitor v = {
        .ctx = &u, .user = compare_user, .binding = compare_binding, .first_bound = note_first
    };
    uint64_t seq;
    enum mu_err err;

    u.first_day = active->count ? active->at[active->count - 1].day - DAYS + 1 : 0;
    if ((err = registry_visit_all(c->registry, &v, &seq)) == MU_OK && (err = compare_totals(&u)) == MU_OK)
        err = compare_days(&u);
    free(u.products.at);
    free(u.groups.at);
    for (int i = 0; i < DAYS; i++)
        free(u.days[i].at);
    return err;
}

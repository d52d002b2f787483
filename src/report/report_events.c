#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_tree.h"

/* The reports of faults and alerts. A first pass over the tallies of a product's events (events.h) finds those whose
 * device passes the filter; a second pass counts them. */

struct tally_job {
    struct fleet *f;
    const struct event_tally *tallies;
    uint32_t *found; /* numbers of the tallies that the report counts */
    uint32_t found_count;
    struct report_counts counts;
};

/* No branch depends on a tally: no processor can predict it, and it would take three times as long. */
static void find(struct tally_job *j, const struct events *events, const bool *is_kind, const struct plain_bits *base)
{
    for (uint32_t i = 1; i < events->count; i++) {
        j->found[j->found_count] = i;
        j->found_count += is_kind[events->at[i].point] & plain_bits_has(base, events->at[i].device);
    }
}

static enum mu_err job_begin(struct tally_job *j, const struct report_filter *filter, enum fleet_event_kind kind)
{
    const struct points *points = fleet_points(j->f);
    const struct events *events = &catalog_product(j->f, filter->product->no)->events;
    bool *is_kind = calloc(points->count, sizeof(*is_kind));

    j->tallies = events->at;
    j->found = malloc((events->count + 1) * sizeof(*j->found));
    if (!is_kind || !j->found) {
        free(is_kind);
        return MU_E_NOMEM;
    }
    for (uint32_t no = 1; no < points->count; no++)
        is_kind[no] = points->at[no].kind == kind;
    struct plain_bits base = report_base(j->f, filter);
    find(j, events, is_kind, &base);
    plain_bits_free(&base);
    free(is_kind);
    return report_counts_init(j->f, &j->counts);
}

static void job_end(struct tally_job *j)
{
    free(j->found);
    report_counts_free(&j->counts);
}

static uint32_t place_of(const struct tally_job *j, const struct event_tally *t)
{
    return fleet_columns(j->f)->chunks[t->device >> CHUNK_BITS]->place[t->device & (CHUNK_ROWS - 1)];
}

static void complete(uint64_t n[REPORT_COUNTERS])
{
    assert(n[REPORT_UNRESOLVED] <= n[REPORT_TOTAL]);
    n[REPORT_RESOLVED] = n[REPORT_TOTAL] - n[REPORT_UNRESOLVED];
}

/* --- devices --------------------------------------------------------------------------------- */

/* Finds the devices that have events, and those that have an open one. */
static void find_devices(const struct tally_job *j, struct plain_bits *any, struct plain_bits *open)
{
    plain_bits_reserve(any, fleet_columns(j->f)->count);
    plain_bits_reserve(open, fleet_columns(j->f)->count);
    for (uint32_t i = 0; i < j->found_count; i++) {
        const struct event_tally *t = &j->tallies[j->found[i]];
        plain_bits_set(any, t->device, true);
        plain_bits_set(open, t->device, t->open != 0);
    }
}

static enum mu_err count_devices(struct tally_job *j)
{
    struct plain_bits any = { 0 }, open = { 0 };
    enum mu_err err;

    find_devices(j, &any, &open);
    if ((err = report_count(j->f, &any, REPORT_TOTAL, &j->counts)) == MU_OK &&
        (err = report_count(j->f, &open, REPORT_UNRESOLVED, &j->counts)) == MU_OK) {
        for (uint32_t place = 0; place < fleet_places(j->f)->count; place++)
            complete(j->counts.n[place]);
    }
    plain_bits_free(&any);
    plain_bits_free(&open);
    return err;
}

enum mu_err report_event_devices(struct fleet *f, const struct report_filter *filter, enum fleet_event_kind kind,
                                 struct report *out)
{
    struct tally_job j = { .f = f };
    enum mu_err err;

    fleet_read_lock(f);
    if ((err = job_begin(&j, filter, kind)) == MU_OK && (err = count_devices(&j)) == MU_OK)
        err = report_tree(f, &j.counts, NULL, out);
    fleet_unlock(f);
    job_end(&j);
    return err;
}

/* --- events ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b, void *fleet)
{
    const struct points *points = fleet_points(fleet);
    struct str x = points_name(points, *(const uint32_t *)a);
    struct str y = points_name(points, *(const uint32_t *)b);
    int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

    return order ? order : x.len < y.len ? -1 : x.len > y.len;
}

/* The product's points of this kind that have events become the columns. column_of gets the column of each point. */
static void find_columns(const struct tally_job *j, uint32_t *columns, size_t *width, uint32_t *column_of)
{
    for (uint32_t i = 0; i < j->found_count; i++) {
        uint32_t point = j->tallies[j->found[i]].point;
        if (!column_of[point]) {
            column_of[point] = 1;
            columns[(*width)++] = point;
        }
    }
    qsort_r(columns, *width, sizeof(*columns), by_name, j->f);
    for (size_t i = 0; i < *width; i++)
        column_of[columns[i]] = (uint32_t)i;
}

static void count_tally(struct tally_job *j, const struct report_points *points, const uint32_t *column_of,
                        const struct event_tally *t, uint32_t place)
{
    uint64_t *cell = points->cells[place * points->width + column_of[t->point]];

    /* Few counters, since there are many tallies. complete_counts derives the others, place by place. */
    j->counts.n[place][REPORT_TOTAL] += t->total;
    cell[REPORT_TOTAL] += t->total;
    cell[REPORT_UNRESOLVED] += t->open != 0;
}

/* Looks up the places of some tallies before it counts them. A counter whose place is still on its way from memory
 * would keep the processor from looking further ahead. */
static void count_tallies(struct tally_job *j, const struct report_points *points, const uint32_t *column_of)
{
    enum { AHEAD = 64 };
    uint32_t place[AHEAD];

    for (uint32_t from = 0; from < j->found_count; from += AHEAD) {
        const uint32_t *found = j->found + from;
        uint32_t count = j->found_count - from < AHEAD ? j->found_count - from : AHEAD;
        for (uint32_t i = 0; i < count; i++)
            place[i] = place_of(j, &j->tallies[found[i]]);
        for (uint32_t i = 0; i < count; i++)
            count_tally(j, points, column_of, &j->tallies[found[i]], place[i]);
    }
}

static void complete_counts(struct tally_job *j, const struct report_points *points)
{
    for (uint32_t place = 0; place < fleet_places(j->f)->count; place++) {
        uint64_t *n = j->counts.n[place];
        for (size_t i = 0; n[REPORT_TOTAL] && i < points->width; i++) {
            uint64_t *cell = points->cells[place * points->width + i];
            complete(cell);
            n[REPORT_UNRESOLVED] += cell[REPORT_UNRESOLVED];
        }
        complete(n);
    }
}

static enum mu_err count_events(struct tally_job *j, struct report *out)
{
    uint32_t *columns = calloc(fleet_points(j->f)->count, sizeof(*columns));
    uint32_t *column_of = calloc(fleet_points(j->f)->count, sizeof(*column_of));
    struct report_points points = { .points = columns };
    enum mu_err err = MU_E_NOMEM;

    if (!columns || !column_of)
        goto out;
    find_columns(j, columns, &points.width, column_of);
    /* calloc, since then a place in which nothing is counted touches no page. */
    points.cells = calloc(fleet_places(j->f)->count * points.width + 1, sizeof(*points.cells));
    if (!points.cells)
        goto out;
    count_tallies(j, &points, column_of);
    complete_counts(j, &points);
    err = report_tree(j->f, &j->counts, &points, out);
out:
    free(points.cells);
    free(columns);
    free(column_of);
    return err;
}

enum mu_err report_events(struct fleet *f, const struct report_filter *filter, enum fleet_event_kind kind,
                          struct report *out)
{
    struct tally_job j = { .f = f };
    enum mu_err err;

    fleet_read_lock(f);
    if ((err = job_begin(&j, filter, kind)) == MU_OK)
        err = count_events(&j, out);
    fleet_unlock(f);
    job_end(&j);
    return err;
}

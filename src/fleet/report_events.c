#include <stdlib.h>
#include <string.h>

#include "fleet/report_tree.h"

/* The reports of faults and alerts. Of all of a product they are kept counted (place_counts.h); of fewer
 * devices, these are gone through and counted in the same way. */

static void count_each(const struct fleet *f, const struct bitset *devices, struct place_counts *c)
{
    for (uint32_t w = 0; w < devices->chunks * BITSET_CHUNK_WORDS; w++) {
        for (uint64_t word = devices->words[w]; word; word &= word - 1) {
            struct row r = columns_row(&f->columns, w * 64 + (uint32_t)__builtin_ctzll(word));
            if (r.c->events[r.i])
                place_counts_add_events(c, f, r, 1);
        }
    }
}

/* What both of them begin and end with. */
struct job {
    struct fleet *f;
    enum fleet_event_kind kind;
    const struct place_counts *cells;
    struct place_counts own;
    struct report_counts counts;
};

static enum mu_err job_begin(struct job *j, const struct fleet_report_filter *filter)
{
    j->cells = &product_by_no(j->f, filter->product->no)->counts;
    if (!report_is_whole(filter)) {
        struct bitset base = report_base(j->f, filter);
        j->cells = &j->own;
        count_each(j->f, &base, &j->own);
        bitset_free(&base);
    }
    return report_counts_init(j->f, &j->counts);
}

static void job_end(struct job *j)
{
    place_counts_free(&j->own);
    report_counts_free(&j->counts);
}

static void add_cell(uint64_t n[REPORT_COUNTERS], const struct place_cell *cell)
{
    n[REPORT_TOTAL] += cell->n;
    n[REPORT_UNRESOLVED] += cell->special;
    n[REPORT_RESOLVED] += cell->n - cell->special;
}

/* --- devices --------------------------------------------------------------------------------- */

enum mu_err fleet_report_event_devices(struct fleet *f, const struct fleet_report_filter *filter,
                                       enum fleet_event_kind kind, struct fleet_report *out)
{
    struct job j = { .f = f, .kind = kind };
    enum mu_err err;

    place_counts_init(&j.own, &f->key);
    fleet_read_lock(f);
    if ((err = job_begin(&j, filter)) == MU_OK) {
        for (uint32_t i = 1; i < j.cells->count; i++) {
            const struct place_cell *cell = &j.cells->at[i];
            if (cell->what == COUNT_WITH_FAULTS + (uint32_t)kind)
                add_cell(j.counts.n[cell->place], cell);
        }
        err = report_tree(f, &j.counts, NULL, out);
    }
    fleet_unlock(f);
    job_end(&j);
    return err;
}

/* --- events ---------------------------------------------------------------------------------- */

/* The point whose events a cell counts, if they are of this kind and there are some; else 0. */
static uint32_t point_of(const struct job *j, const struct place_cell *cell)
{
    uint32_t point = cell->n && cell->what >= COUNT_POINTS ? cell->what - COUNT_POINTS : 0;

    return point && j->f->points.at[point].kind == j->kind ? point : 0;
}

static int by_name(const void *a, const void *b, void *points)
{
    struct str x = points_name(points, *(const uint32_t *)a);
    struct str y = points_name(points, *(const uint32_t *)b);
    int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

    return order ? order : x.len < y.len ? -1 : x.len > y.len;
}

/* The points that have events here become the columns; column_of gives each its own. */
static void find_columns(const struct job *j, uint32_t *columns, size_t *width, uint32_t *column_of)
{
    for (uint32_t i = 1; i < j->cells->count; i++) {
        uint32_t point = point_of(j, &j->cells->at[i]);
        if (point && !column_of[point]) {
            column_of[point] = 1;
            columns[(*width)++] = point;
        }
    }
    qsort_r(columns, *width, sizeof(*columns), by_name, &j->f->points);
    for (size_t i = 0; i < *width; i++)
        column_of[columns[i]] = (uint32_t)i;
}

static enum mu_err count_events(struct job *j, struct fleet_report *out)
{
    uint32_t *columns = calloc(j->f->points.count, sizeof(*columns));
    uint32_t *column_of = calloc(j->f->points.count, sizeof(*column_of));
    struct report_points points = { .points = columns };
    enum mu_err err = MU_E_NOMEM;

    if (!columns || !column_of)
        goto out;
    find_columns(j, columns, &points.width, column_of);
    /* Of a place where nothing is counted no page is touched. */
    points.cells = calloc(j->f->places.count * points.width + 1, sizeof(*points.cells));
    if (!points.cells)
        goto out;
    for (uint32_t i = 1; i < j->cells->count; i++) {
        const struct place_cell *cell = &j->cells->at[i];
        uint32_t point = point_of(j, cell);
        if (!point)
            continue;
        add_cell(j->counts.n[cell->place], cell);
        add_cell(points.cells[cell->place * points.width + column_of[point]], cell);
    }
    err = report_tree(j->f, &j->counts, &points, out);
out:
    free(points.cells);
    free(columns);
    free(column_of);
    return err;
}

enum mu_err fleet_report_events(struct fleet *f, const struct fleet_report_filter *filter,
                                enum fleet_event_kind kind, struct fleet_report *out)
{
    struct job j = { .f = f, .kind = kind };
    enum mu_err err;

    place_counts_init(&j.own, &f->key);
    fleet_read_lock(f);
    if ((err = job_begin(&j, filter)) == MU_OK)
        err = count_events(&j, out);
    fleet_unlock(f);
    job_end(&j);
    return err;
}

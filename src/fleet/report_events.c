#include <stdlib.h>
#include <string.h>

#include "fleet/report_tree.h"

/* The reports of faults and alerts: one pass over the product's tallies (events.h). */

static bool is_counted(const struct fleet *f, const struct event_tally *t, enum fleet_event_kind kind,
                       const struct bitset *base)
{
    return t->device && f->points.at[t->point].kind == kind && bitset_has(base, t->device);
}

static uint32_t place_of(const struct fleet *f, uint32_t device)
{
    return f->columns.chunks[device >> CHUNK_BITS]->place[device & (CHUNK_ROWS - 1)];
}

/* Tallies stand in the order in which they came to be, so each asks for another corner of the fleet's
 * columns. What one some steps ahead will want is fetched meanwhile: a third of the time is saved. */
static void fetch_ahead(const struct fleet *f, const struct events *events, uint32_t i)
{
    enum { AHEAD = 16 };

    uint32_t device = i + AHEAD < events->count ? events->at[i + AHEAD].device : 0;

    if (device)
        __builtin_prefetch(&f->columns.chunks[device >> CHUNK_BITS]->place[device & (CHUNK_ROWS - 1)]);
}

static void count_one(uint64_t n[REPORT_COUNTERS], const struct event_tally *t)
{
    n[REPORT_TOTAL] += t->total;
    n[REPORT_UNRESOLVED] += t->open != 0;
    n[REPORT_RESOLVED] += t->total - (t->open != 0);
}

/* What both of them begin and end with. */
struct job {
    struct fleet *f;
    const struct events *events;
    enum fleet_event_kind kind;
    struct bitset base;
    struct report_counts counts;
};

static enum mu_err job_begin(struct job *j, const struct fleet_report_filter *filter)
{
    roaring_bitmap_t *base = report_base(j->f, filter);
    bool done = bitset_of(base, &j->base);

    roaring_bitmap_free(base);
    if (!done)
        return MU_E_NOMEM;
    j->events = &product_by_no(j->f, filter->product->no)->events;
    return report_counts_init(j->f, &j->counts);
}

static void job_end(struct job *j)
{
    bitset_free(&j->base);
    report_counts_free(&j->counts);
}

/* --- devices --------------------------------------------------------------------------------- */

static enum mu_err count_devices(struct job *j)
{
    size_t words = (size_t)j->base.chunks * BITSET_CHUNK_WORDS;
    struct bitset any = { calloc(words + 1, sizeof(uint64_t)), j->base.chunks };
    struct bitset open = { calloc(words + 1, sizeof(uint64_t)), j->base.chunks };
    enum mu_err err = MU_E_NOMEM;

    if (!any.words || !open.words)
        goto out;
    for (uint32_t i = 1; i < j->events->count; i++) {
        const struct event_tally *t = &j->events->at[i];
        if (!is_counted(j->f, t, j->kind, &j->base))
            continue;
        uint64_t bit = UINT64_C(1) << (t->device & 63);
        any.words[t->device >> 6] |= bit;
        if (t->open)
            open.words[t->device >> 6] |= bit;
    }
    report_count_bits(j->f, &any, REPORT_TOTAL, &j->counts);
    report_count_bits(j->f, &open, REPORT_UNRESOLVED, &j->counts);
    for (uint32_t no = 0; no < j->f->places.count; no++) {
        uint64_t *n = j->counts.n[no];
        n[REPORT_RESOLVED] = n[REPORT_TOTAL] - n[REPORT_UNRESOLVED];
    }
    err = MU_OK;
out:
    bitset_free(&any);
    bitset_free(&open);
    return err;
}

enum mu_err fleet_report_event_devices(struct fleet *f, const struct fleet_report_filter *filter,
                                       enum fleet_event_kind kind, struct fleet_report *out)
{
    struct job j = { .f = f, .kind = kind };
    enum mu_err err;

    fleet_read_lock(f);
    if ((err = job_begin(&j, filter)) == MU_OK && (err = count_devices(&j)) == MU_OK)
        err = report_tree(f, &j.counts, NULL, out);
    fleet_unlock(f);
    job_end(&j);
    return err;
}

/* --- events ---------------------------------------------------------------------------------- */

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
    for (uint32_t i = 1; i < j->events->count; i++) {
        const struct event_tally *t = &j->events->at[i];
        if (t->device && !column_of[t->point] && is_counted(j->f, t, j->kind, &j->base)) {
            column_of[t->point] = 1;
            columns[(*width)++] = t->point;
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
    for (uint32_t i = 1; i < j->events->count; i++) {
        const struct event_tally *t = &j->events->at[i];
        fetch_ahead(j->f, j->events, i);
        if (!is_counted(j->f, t, j->kind, &j->base))
            continue;
        uint32_t place = place_of(j->f, t->device);
        count_one(j->counts.n[place], t);
        count_one(points.cells[place * points.width + column_of[t->point]], t);
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

    fleet_read_lock(f);
    if ((err = job_begin(&j, filter)) == MU_OK)
        err = count_events(&j, out);
    fleet_unlock(f);
    job_end(&j);
    return err;
}

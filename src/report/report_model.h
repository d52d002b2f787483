#ifndef MUSTER_REPORT_REPORT_MODEL_H
#define MUSTER_REPORT_REPORT_MODEL_H

/* A slow and obvious model of what the reports say, for report_test.c: arrays of what happened, and a pass over all of
 * them for every question. Reports are compared as text, a line for each node. */

#include <stdarg.h>
#include <stdio.h>

#include "report/report.h"

enum { M_DEVICES = 90, M_DAYS = 500, M_EVENTS = 4000 };

struct m_device {
    struct device_row row;
    bool deleted, online;
    int32_t activated_day; /* INT32_MIN = never */
    bool active[M_DAYS];   /* from m_first_day on */
    uint32_t version;      /* of the definition under which it reported last */
    char raised[8][20];    /* such as "alert Hot": the points that are 1 */
};

struct m_event {
    uint32_t device;
    char point[20]; /* with its kind */
    bool open;
};

static struct m_device m_devices[M_DEVICES + 1];
static struct m_event m_events[M_EVENTS];
static size_t m_event_count;
static int32_t m_first_day;
static uint32_t m_group_parent[4] = { 0, 0, 1, 2 };

/* --- events ---------------------------------------------------------------------------------- */

static inline bool m_is_raised(const struct m_device *d, const char *point)
{
    for (int i = 0; i < 8; i++) {
        if (strcmp(d->raised[i], point) == 0)
            return true;
    }
    return false;
}

/* A report came: sets the points that are 1 now. */
static inline void m_told(uint32_t no, char raised[8][20])
{
    struct m_device *d = &m_devices[no];

    memcpy(d->raised, raised, sizeof(d->raised));
    for (size_t i = 0; i < m_event_count; i++) {
        if (m_events[i].device == no && m_events[i].open && !m_is_raised(d, m_events[i].point))
            m_events[i].open = false;
    }
    for (int p = 0; p < 8 && raised[p][0]; p++) {
        bool open = false;
        for (size_t i = 0; i < m_event_count; i++)
            open |= m_events[i].device == no && m_events[i].open && strcmp(m_events[i].point, raised[p]) == 0;
        if (open)
            continue;
        struct m_event *e = &m_events[m_event_count++];
        *e = (struct m_event){ .device = no, .open = true };
        memcpy(e->point, raised[p], sizeof(e->point));
    }
}

/* --- filters --------------------------------------------------------------------------------- */

static inline bool m_matches(uint32_t no, const struct report_filter *filter)
{
    const struct m_device *d = &m_devices[no];
    const struct place *p = &d->row.place;
    uint32_t group = d->row.group;

    if (d->deleted || d->row.is_disabled || d->row.product != filter->product->no)
        return false;
    while (filter->group && group && group != filter->group)
        group = m_group_parent[group];
    return (!filter->group || group == filter->group) &&
           (!filter->country.at || str_eq(filter->country, str_of(p->country))) &&
           (!filter->region.at || str_eq(filter->region, str_of(p->region))) &&
           (!filter->city.at || str_eq(filter->city, str_of(p->city)));
}

/* --- text ------------------------------------------------------------------------------------ */

struct m_text {
    char at[200000];
    size_t len;
};

static inline void m_print(struct m_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void m_print(struct m_text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    t->len += (size_t)vsnprintf(t->at + t->len, sizeof(t->at) - t->len, format, args);
    va_end(args);
    assert_in_range(t->len, 0, sizeof(t->at) - 1);
}

/* Prints the fleet's tree and frees it. */
static inline void m_print_report(struct m_text *t, struct report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct report_node *n = &r->nodes[i];
        m_print(t, "%u %.*s: %u %u %u", n->depth, (int)n->name.len, n->name.at, (unsigned)n->n[0], (unsigned)n->n[1],
                (unsigned)n->n[2]);
        for (size_t k = 0; k < n->point_count; k++)
            m_print(t, " | %.*s %u %u %u", (int)n->points[k].name.len, n->points[k].name.at,
                    (unsigned)n->points[k].n[0], (unsigned)n->points[k].n[1], (unsigned)n->points[k].n[2]);
        m_print(t, "\n");
    }
    report_free(r);
}

/* Adds what a device counts to the counters, or to those of a point if `point` is set. */
typedef void (*m_count_fn)(const void *ctx, uint32_t no, const char *point, uint64_t n[3]);

static inline int m_by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = strcmp(x->country, y->country);
    if (!order)
        order = strcmp(x->region, y->region);
    return order ? order : strcmp(x->city, y->city);
}

static inline bool m_within(const struct place *p, const struct place *node)
{
    return (!node->country[0] || !strcmp(p->country, node->country)) &&
           (!node->region[0] || !strcmp(p->region, node->region)) && (!node->city[0] || !strcmp(p->city, node->city));
}

static inline void m_sum(const struct report_filter *filter, const struct place *node, m_count_fn count,
                         const void *ctx, const char *point, uint64_t n[3])
{
    memset(n, 0, 3 * sizeof(*n));
    for (uint32_t no = 1; no <= M_DEVICES; no++) {
        if (m_matches(no, filter) && m_within(&m_devices[no].row.place, node))
            count(ctx, no, point, n);
    }
}

/* Prints the tree that the model expects. points: the names of the points to print, sorted by name, "" at the end. */
static inline void m_print_tree(struct m_text *t, const struct report_filter *filter, m_count_fn count, const void *ctx,
                                const char *const *points)
{
    static struct place nodes[3 * M_DEVICES + 1];
    size_t node_count = 1;
    uint64_t n[3];

    memset(nodes, 0, sizeof(nodes));
    for (uint32_t no = 1; no <= M_DEVICES; no++) {
        const struct place *p = &m_devices[no].row.place;
        struct place node = { 0 };
        const char *names[] = { p->country, p->region, p->city };
        char *to[] = { node.country, node.region, node.city };
        for (int level = 0; level < 3 && names[level][0]; level++) {
            strcpy(to[level], names[level]);
            nodes[node_count++] = node;
        }
    }
    qsort(nodes, node_count, sizeof(*nodes), m_by_place);
    for (size_t i = 0; i < node_count; i++) {
        const struct place *p = &nodes[i];
        unsigned depth = p->city[0] ? 3 : p->region[0] ? 2 : p->country[0] ? 1 : 0;
        m_sum(filter, p, count, ctx, NULL, n);
        if ((depth && !n[0] && !n[1] && !n[2]) || (i && m_by_place(p, p - 1) == 0))
            continue;
        m_print(t, "%u %s: %u %u %u", depth,
                depth == 3   ? p->city
                : depth == 2 ? p->region
                             : p->country,
                (unsigned)n[0], (unsigned)n[1], (unsigned)n[2]);
        for (const char *const *point = points; point && **point; point++) {
            m_sum(filter, p, count, ctx, *point, n);
            if (n[0])
                m_print(t, " | %s %u %u %u", strchr(*point, ' ') + 1, (unsigned)n[0], (unsigned)n[1], (unsigned)n[2]);
        }
        m_print(t, "\n");
    }
}

#endif

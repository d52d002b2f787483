#include "report/report_tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Counting by place, and the tree of places that a report answers. */

void report_free(struct report *r)
{
    free(r->nodes);
    free(r->points);
    *r = (struct report){ 0 };
}

/* --- counting -------------------------------------------------------------------------------- */

enum mu_err report_counts_init(const struct fleet *f, struct report_counts *c)
{
    c->n = calloc(fleet_places(f)->count, sizeof(*c->n));
    return c->n ? MU_OK : MU_E_NOMEM;
}

void report_counts_free(struct report_counts *c)
{
    free(c->n);
    c->n = NULL;
}

/* The counters take four bytes and stand side by side, so that those of hundreds of places stay in the nearest cache.
 * There are two sets of them, so that a device need not wait until the one before it, in the same place, has been
 * counted. */

/* For many devices: every device of the chunk adds its bit. */
PLAIN_BITS_LOOP static void count_dense(const uint32_t *place, const uint64_t *words, uint32_t *even, uint32_t *odd)
{
    for (uint32_t w = 0; w < PLAIN_BITS_WORDS; w++) {
        uint64_t word = words[w];
        for (int i = 0; i < 64; i += 2, word >>= 2) {
            even[*place++] += word & 1;
            odd[*place++] += word >> 1 & 1;
        }
    }
}

/* For few devices: each of them adds one. */
PLAIN_BITS_LOOP static void count_sparse(const uint32_t *place, const uint64_t *words, uint32_t *even, uint32_t *odd)
{
    for (uint32_t w = 0; w < PLAIN_BITS_WORDS; w++, place += 64) {
        for (uint64_t word = words[w]; word; word &= word - 1) {
            even[place[__builtin_ctzll(word)]]++;
            if (!(word &= word - 1))
                break;
            odd[place[__builtin_ctzll(word)]]++;
        }
    }
}

static void count_chunk(const uint32_t *place, uint64_t *words, uint32_t *even, uint32_t *odd)
{
    const struct plain_bits chunk = { .words = words, .chunks = 1 };

    if (plain_bits_count(&chunk) > CHUNK_ROWS / 2) /* at this share both take the same time */
        count_dense(place, words, even, odd);
    else
        count_sparse(place, words, even, odd);
}

enum mu_err report_count(const struct fleet *f, const struct plain_bits *set, unsigned counter, struct report_counts *c)
{
    assert(counter < REPORT_COUNTERS);
    uint32_t places = fleet_places(f)->count;
    uint32_t *n = calloc(places * (size_t)2, sizeof(*n));

    if (!n)
        return MU_E_NOMEM;
    for (uint32_t chunk = 0; chunk < set->chunks; chunk++) {
        uint64_t *words = set->words + (size_t)chunk * PLAIN_BITS_WORDS;
        if (fleet_columns(f)->chunks[chunk])
            count_chunk(fleet_columns(f)->chunks[chunk]->place, words, n, n + places);
    }
    for (uint32_t no = 0; no < places; no++)
        c->n[no][counter] += (uint64_t)n[no] + n[places + no];
    free(n);
    return MU_OK;
}

/* --- summing up ------------------------------------------------------------------------------ */

static bool is_empty(const uint64_t n[REPORT_COUNTERS])
{
    return !n[0] && !n[1] && !n[2];
}

static void add(uint64_t to[REPORT_COUNTERS], const uint64_t n[REPORT_COUNTERS])
{
    for (int i = 0; i < REPORT_COUNTERS; i++)
        to[i] += n[i];
}

/* Adds each place to its parent. A parent's number is less than its children's, so going backwards is enough. */
static void sum_up(const struct fleet *f, struct report_counts *c, struct report_points *points)
{
    for (uint32_t no = fleet_places(f)->count; no-- > 1;) {
        uint32_t parent = fleet_places(f)->nodes[no].parent;
        assert(parent < no);
        if (is_empty(c->n[no]))
            continue;
        add(c->n[parent], c->n[no]);
        for (size_t i = 0; points && i < points->width; i++)
            add(points->cells[parent * points->width + i], points->cells[no * points->width + i]);
    }
}

/* --- the tree -------------------------------------------------------------------------------- */

static struct str name_of(const struct fleet *f, uint32_t no)
{
    const struct place_node *node = &fleet_places(f)->nodes[no];
    return (struct str){ node->name_len ? pool_at(fleet_pool(f), node->name) : "", node->name_len };
}

struct tree {
    const struct fleet *f;
    const struct report_counts *counts;
    const struct report_points *points;
    uint32_t *shown; /* the places that have a node, in the order of the tree */
    uint32_t shown_count;
    struct report *out;
    size_t point_count;
};

/* Chooses the places that have a name and something to say, and whose parents have too. */
static enum mu_err choose(struct tree *t, const uint32_t *order)
{
    const struct places *p = fleet_places(t->f);
    bool *shown = calloc(p->count, sizeof(*shown));

    t->shown = calloc(p->count, sizeof(*t->shown));
    if (!order || !shown || !t->shown) {
        free(shown);
        return MU_E_NOMEM;
    }
    for (uint32_t i = 0; i + 1 < p->count; i++) {
        const struct place_node *node = &p->nodes[order[i]];
        shown[order[i]] = node->name_len && (!node->parent || shown[node->parent]) && !is_empty(t->counts->n[order[i]]);
        if (shown[order[i]])
            t->shown[t->shown_count++] = order[i];
    }
    free(shown);
    return MU_OK;
}

static size_t count_points(const struct tree *t, uint32_t no)
{
    size_t n = 0;

    for (size_t i = 0; t->points && i < t->points->width; i++)
        n += !is_empty(t->points->cells[no * t->points->width + i]);
    return n;
}

static void emit_points(struct tree *t, uint32_t no, struct report_node *node)
{
    struct report_point *at = t->out->points + t->point_count;

    node->points = at;
    for (size_t i = 0; i < t->points->width; i++) {
        const uint64_t *n = t->points->cells[no * t->points->width + i];
        if (is_empty(n))
            continue;
        at->name = points_name(fleet_points(t->f), t->points->points[i]);
        memcpy(at->n, n, sizeof(at->n));
        at++;
    }
    node->point_count = (size_t)(at - node->points);
    t->point_count += node->point_count;
}

static void emit(struct tree *t, uint32_t no)
{
    struct report_node *node = &t->out->nodes[t->out->count++];

    *node = (struct report_node){
        .name = no ? name_of(t->f, no) : STR(""),
        .depth = no ? 1u + fleet_places(t->f)->nodes[no].level : 0,
    };
    memcpy(node->n, t->counts->n[no], sizeof(node->n));
    if (t->points)
        emit_points(t, no, node);
}

enum mu_err report_tree(struct fleet *f, struct report_counts *c, struct report_points *points, struct report *out)
{
    struct tree t = { .f = f, .counts = c, .points = points, .out = out };
    enum mu_err err;

    *out = (struct report){ 0 };
    sum_up(f, c, points);
    if ((err = choose(&t, place_order_get(f))) != MU_OK)
        goto out;
    size_t point_count = count_points(&t, 0);
    for (uint32_t i = 0; i < t.shown_count; i++)
        point_count += count_points(&t, t.shown[i]);
    out->nodes = calloc(t.shown_count + 1, sizeof(*out->nodes));
    out->points = calloc(point_count + 1, sizeof(*out->points));
    if (!out->nodes || !out->points) {
        report_free(out);
        err = MU_E_NOMEM;
        goto out;
    }
    emit(&t, 0);
    for (uint32_t i = 0; i < t.shown_count; i++)
        emit(&t, t.shown[i]);
    assert(t.point_count == point_count && out->count == t.shown_count + 1u);
out:
    free(t.shown);
    return err;
}

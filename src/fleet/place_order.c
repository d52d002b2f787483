#include "fleet/place_order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"

void place_order_free(struct place_order *o)
{
    free(o->sorted);
    *o = (struct place_order){ 0 };
}

static struct str name_of(const struct fleet *f, uint32_t no)
{
    const struct place_node *node = &f->places.nodes[no];
    return (struct str){ node->name_len ? pool_at(&f->pool, node->name) : "", node->name_len };
}

static int by_parent_and_name(const void *a, const void *b, void *fleet)
{
    const struct fleet *f = fleet;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint32_t px = f->places.nodes[x].parent, py = f->places.nodes[y].parent;

    if (px != py)
        return px < py ? -1 : 1;
    struct str nx = name_of(f, x), ny = name_of(f, y);
    int order = memcmp(nx.at, ny.at, nx.len < ny.len ? nx.len : ny.len);
    return order ? order : nx.len < ny.len ? -1 : nx.len > ny.len;
}

/* Writes a place's children, each followed by the places below it. by_parent: all places sorted by parent and name.
 * first: for each place number, where its children begin in by_parent; 0 = it has none. */
static uint32_t *descend(const struct fleet *f, const uint32_t *by_parent, const uint32_t *first, uint32_t parent,
                         uint32_t *out)
{
    uint32_t count = f->places.count;

    for (uint32_t i = first[parent]; i && i < count && f->places.nodes[by_parent[i]].parent == parent; i++) {
        *out++ = by_parent[i];
        out = descend(f, by_parent, first, by_parent[i], out); /* three levels deep at most */
    }
    return out;
}

static uint32_t *sort(struct fleet *f)
{
    uint32_t count = f->places.count;
    uint32_t *by_parent = calloc(count, sizeof(*by_parent)), *first = calloc(count, sizeof(*first));
    uint32_t *sorted = calloc(count, sizeof(*sorted));

    if (!by_parent || !first || !sorted) {
        free(sorted);
        sorted = NULL;
        goto out;
    }
    for (uint32_t no = 1; no < count; no++)
        by_parent[no] = no;
    qsort_r(by_parent + 1, count - 1, sizeof(*by_parent), by_parent_and_name, f);
    for (uint32_t i = count; i-- > 1;)
        first[f->places.nodes[by_parent[i]].parent] = i;
    const uint32_t *end = descend(f, by_parent, first, 0, sorted);
    assert(end == sorted + count - 1); /* every place hangs in the tree */
out:
    free(by_parent);
    free(first);
    return sorted;
}

const uint32_t *place_order_get(struct fleet *f)
{
    struct place_order *o = &f->place_order;

    pthread_mutex_lock(&f->order_lock);
    if (o->count != f->places.count) {
        uint32_t *sorted = sort(f);
        if (sorted) {
            free(o->sorted);
            o->sorted = sorted;
            o->count = f->places.count;
        }
    }
    const uint32_t *found = o->count == f->places.count ? o->sorted : NULL;
    pthread_mutex_unlock(&f->order_lock);
    return found;
}

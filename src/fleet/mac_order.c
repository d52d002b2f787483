#include "fleet/mac_order.h"

#include <assert.h>
#include <roaring/roaring.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "fleet/fleet_internal.h"

/* Comparing two macs through the pool takes two cache misses each. So each number stands beside 8 bytes of its mac: the
 * first ones behind the prefix that all macs share (mostly a vendor's). Hardly any comparison looks further. */
struct mac_order_entry {
    uint64_t key;
    uint32_t no;
};

static struct str mac_of(const struct fleet *f, uint32_t no, char room[LIMIT_MAC + 1])
{
    return fleet_device_mac(f, columns_row(&f->columns, no), room);
}

static uint64_t key_of(struct str mac, size_t skip)
{
    uint8_t bytes[8] = { 0 };
    uint64_t key = 0;

    if (mac.len > skip)
        memcpy(bytes, mac.at + skip, mac.len - skip < 8 ? mac.len - skip : 8);
    for (int i = 0; i < 8; i++)
        key = key << 8 | bytes[i];
    return key;
}

static int compare_macs(const struct fleet *f, uint32_t a, uint32_t b)
{
    char rooms[2][LIMIT_MAC + 1];
    struct str x = mac_of(f, a, rooms[0]), y = mac_of(f, b, rooms[1]);
    int order = memcmp(x.at, y.at, x.len < y.len ? x.len : y.len);

    if (order)
        return order;
    if (x.len != y.len)
        return x.len < y.len ? -1 : 1;
    return a < b ? -1 : a > b;
}

static int compare(const void *a, const void *b, void *fleet)
{
    const struct mac_order_entry *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return compare_macs(fleet, x->no, y->no);
}

static size_t common_prefix(const struct fleet *f, const uint32_t *list, uint64_t count)
{
    char room[LIMIT_MAC + 1], first_room[LIMIT_MAC + 1];
    struct str first = mac_of(f, list[0], first_room);
    size_t common = first.len;

    for (uint64_t i = 1; i < count && common; i++) {
        struct str mac = mac_of(f, list[i], room);
        size_t n = 0;
        while (n < common && n < mac.len && mac.at[n] == first.at[n])
            n++;
        common = n;
    }
    return common;
}

void mac_order_sort(struct fleet *f, uint32_t *list, uint64_t count)
{
    if (!count)
        return;
    struct mac_order_entry *entries = malloc(count * sizeof(*entries));
    if (!entries)
        fleet_out_of_memory();
    char room[LIMIT_MAC + 1];
    size_t skip = common_prefix(f, list, count);
    for (uint64_t i = 0; i < count; i++)
        entries[i] = (struct mac_order_entry){ key_of(mac_of(f, list[i], room), skip), list[i] };
    qsort_r(entries, count, sizeof(*entries), compare, f);
    for (uint64_t i = 0; i < count; i++)
        list[i] = entries[i].no;
    free(entries);
}

void mac_order_free(struct mac_order *o)
{
    free(o->sorted);
    free(o->added);
    *o = (struct mac_order){ 0 };
}

void mac_order_forget(struct mac_order *o)
{
    mac_order_free(o);
}

void mac_order_add(struct mac_order *o, uint32_t no)
{
    assert(no);
    if (!o->built)
        return;
    if (!ARRAY_RESERVE(o->added, o->added_cap, o->added_count + 1)) {
        mac_order_forget(o);
        return;
    }
    o->added[o->added_count++] = no;
}

/* --- bringing it up to date ------------------------------------------------------------------ */

static void build(struct fleet *f, const roaring_bitmap_t *all, struct mac_order *o)
{
    uint64_t count = roaring_bitmap_get_cardinality(all);

    assert(!o->sorted && !o->added_count);
    if (!(o->sorted = malloc((count + 1) * sizeof(*o->sorted))))
        fleet_out_of_memory();
    roaring_bitmap_to_uint32_array(all, o->sorted);
    mac_order_sort(f, o->sorted, count);
    o->count = (uint32_t)count;
    o->built = true;
}

/* Removes the numbers that are no longer devices of the product; returns how many are left. */
static uint32_t keep_present(const roaring_bitmap_t *all, uint32_t *list, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (roaring_bitmap_contains(all, list[i]))
            list[kept++] = list[i];
    }
    return kept;
}

static void merge(struct fleet *f, const roaring_bitmap_t *all, struct mac_order *o)
{
    uint32_t old = keep_present(all, o->sorted, o->count);
    uint32_t new = keep_present(all, o->added, o->added_count);

    assert(o->built);
    mac_order_sort(f, o->added, new);
    uint32_t *grown = realloc(o->sorted, ((size_t)old + new + 1) * sizeof(*grown));
    if (!grown)
        fleet_out_of_memory();
    o->sorted = grown;
    o->count = old + new;
    o->added_count = 0;
    /* From the end on, puts each new device into its place. The place is found by halving; what lies behind it moves
     * once. */
    for (uint32_t left = old; new; new --) {
        uint32_t no = o->added[new - 1], low = 0, high = left;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (compare_macs(f, o->sorted[middle], no) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        memmove(&o->sorted[low + new], &o->sorted[low], (left - low) * sizeof(*o->sorted));
        o->sorted[low + new - 1] = no;
        left = low;
    }
}

void mac_order_update(struct fleet *f, const roaring_bitmap_t *all, struct mac_order *o)
{
    /* A reader that comes while another one sorts waits for it. So every reader walks an order that is up to date, and
     * it does not change again until the fleet does. */
    pthread_mutex_lock(&f->order_lock);
    if (!o->built)
        build(f, all, o);
    else if (o->added_count)
        merge(f, all, o);
    pthread_mutex_unlock(&f->order_lock);
}

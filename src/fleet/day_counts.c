#include "fleet/day_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "fleet/fleet_internal.h"

/* A table of entries by the hash of their key. An entry is in one of the few slots from there on; if
 * these are taken, the first of them gives way. */
enum { SLOTS = 8192, WAYS = 8 };

struct day_counts_entry {
    struct day_counts_key key;
    uint32_t count;
    uint32_t n[];       /* by place; one that came later had nobody then */
};

static uint64_t size_of(const struct day_counts_entry *e)
{
    return sizeof(*e) + e->count * sizeof(e->n[0]);
}

void day_counts_init(struct day_counts *c)
{
    pthread_mutex_init(&c->lock, NULL);
    if (!(c->slots = calloc(SLOTS + WAYS, sizeof(struct day_counts_entry *))))
        fleet_out_of_memory();
}

static void clear(struct day_counts *c)
{
    if (!c->bytes)
        return;
    for (uint32_t i = 0; i < SLOTS + WAYS; i++) {
        free(c->slots[i]);
        c->slots[i] = NULL;
    }
    c->bytes = 0;
}

void day_counts_free(struct day_counts *c)
{
    clear(c);
    free(c->slots);
    pthread_mutex_destroy(&c->lock);
}

static struct day_counts *table_of(struct fleet *f, const struct day_counts_key *key)
{
    return key->counted == DAYS_USERS ? &f->user_counts : &f->day_counts;
}

static struct day_counts_entry **slot_of(struct fleet *f, const struct day_counts_key *key)
{
    return &table_of(f, key)->slots[hash_bytes(&f->key, 0, (const char *)key, sizeof(*key)) % SLOTS];
}

static struct day_counts_entry **find(struct fleet *f, const struct day_counts_key *key)
{
    struct day_counts_entry **slot = slot_of(f, key);

    for (int i = 0; i < WAYS; i++) {
        if (slot[i] && memcmp(&slot[i]->key, key, sizeof(*key)) == 0)
            return &slot[i];
    }
    return NULL;
}

bool day_counts_find(struct fleet *f, const struct day_counts_key *key, uint64_t (*n)[3])
{
    struct day_counts *c = table_of(f, key);

    pthread_mutex_lock(&c->lock);
    struct day_counts_entry **slot = find(f, key);
    if (slot) {
        for (uint32_t place = 0; place < (*slot)->count; place++)
            n[place][0] = (*slot)->n[place];
    }
    pthread_mutex_unlock(&c->lock);
    return slot != NULL;
}

/* The newest day that anything has happened on: what is before it is over. */
static int32_t newest(const struct fleet *f)
{
    const struct day_sets *active = &f->history.active, *activated = &f->history.activated;
    int32_t a = active->count ? active->at[active->count - 1].day : INT32_MIN;
    int32_t b = activated->count ? activated->at[activated->count - 1].day : INT32_MIN;

    return a > b ? a : b;
}

int32_t day_counts_last_over(const struct fleet *f)
{
    return newest(f) == INT32_MIN ? INT32_MIN : newest(f) - 1;
}

static void put(struct fleet *f, struct day_counts_entry *e)
{
    struct day_counts *c = table_of(f, &e->key);

    if (c->bytes + size_of(e) > LIMIT_DAY_COUNTS)
        clear(c);
    struct day_counts_entry **slot = find(f, &e->key), **first = slot_of(f, &e->key);
    for (int i = 0; !slot && i < WAYS; i++) {
        if (!first[i])
            slot = &first[i];
    }
    if (!slot)
        slot = first;
    if (*slot) {
        c->bytes -= size_of(*slot);
        free(*slot);
    }
    *slot = e;
    c->bytes += size_of(e);
}

void day_counts_keep(struct fleet *f, const struct day_counts_key *key, uint64_t (*n)[3], uint32_t count)
{
    struct day_counts *c = table_of(f, key);
    struct day_counts_entry *e;

    if (key->last >= newest(f) || !(e = malloc(sizeof(*e) + count * sizeof(e->n[0]))))
        return;
    e->key = *key;
    e->count = count;
    for (uint32_t place = 0; place < count; place++)
        e->n[place] = (uint32_t)n[place][0];
    pthread_mutex_lock(&c->lock);
    put(f, e);
    pthread_mutex_unlock(&c->lock);
}

/* --- what makes it untrue -------------------------------------------------------------------- */

void day_counts_clear(struct fleet *f)
{
    clear(&f->day_counts);
}

void day_counts_day_changes(struct fleet *f, int32_t day)
{
    if (day >= newest(f))
        return;
    clear(&f->day_counts);
    clear(&f->user_counts);
}

static bool is_in(const struct day_sets *s, int32_t before, uint32_t no)
{
    for (uint32_t i = day_sets_lower_bound(s, before); i-- > 0;) {
        if (roaring_bitmap_contains(s->at[i].devices, no))
            return true;
    }
    return false;
}

void day_counts_device_changes(struct fleet *f, uint32_t no)
{
    if (!f->day_counts.bytes)
        return;
    if (is_in(&f->history.active, newest(f), no) || is_in(&f->history.activated, newest(f), no))
        clear(&f->day_counts);
}

void user_counts_clear(struct fleet *f)
{
    clear(&f->user_counts);
}

void user_counts_change(struct fleet *f, uint32_t from)
{
    if (f->user_counts.bytes && fleet_day(f, from) < newest(f))
        clear(&f->user_counts);
}

void user_counts_device_changes(struct fleet *f, uint32_t no)
{
    if (f->user_counts.bytes && roaring_bitmap_contains(f->users.devices, no) &&
        is_in(&f->history.active, newest(f), no))
        clear(&f->user_counts);
}

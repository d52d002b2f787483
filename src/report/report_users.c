#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_tree.h"

/* The user reports. Each is one pass over the users that a product knows, over all bindings, or over all users. */

/* --- bound for the first time ---------------------------------------------------------------- */

/* A moment (Unix seconds) for each user; the caller frees them. */
struct moments {
    uint32_t *at;
    size_t count;
};

static enum mu_err first_of_product(const struct fleet *f, uint32_t product, struct moments *out)
{
    const struct product *p = catalog_product(f, product);

    if (!p)
        return MU_OK;
    const struct known_users *k = &p->users;
    if (!(out->at = malloc((k->count + 1) * sizeof(*out->at))))
        return MU_E_NOMEM;
    for (uint32_t i = 1; i < k->count; i++) {
        if (users_is_counted(fleet_users(f), k->at[i].user))
            out->at[out->count++] = k->at[i].since;
    }
    return MU_OK;
}

static void find_first(const struct users *u, uint32_t chunk, const struct plain_bits *devices, uint32_t *first)
{
    uint32_t rows = users_bound_rows(u, chunk);

    for (uint32_t i = 0; i < rows; i++) {
        const struct bound *b = &u->bindings[chunk]->at[i];
        /* UINT32_MAX if the device is not in the set */
        uint32_t since = b->since | ((uint32_t)plain_bits_has(devices, b->device) - 1);
        first[b->user] = since < first[b->user] ? since : first[b->user];
    }
}

/* Moves the moments of counted users that were ever bound to the front; returns how many there are. */
static size_t gather(const struct users *u, uint32_t *first)
{
    size_t count = 0;

    for (uint32_t chunk = 0; chunk < u->chunk_count; chunk++) {
        const struct user_chunk *c = u->chunks[chunk];
        for (uint32_t w = 0; c && w < PLAIN_BITS_WORDS; w++) {
            for (uint64_t word = c->counted[w]; word; word &= word - 1) {
                uint32_t found = first[(size_t)chunk * CHUNK_ROWS + w * 64 + (uint32_t)__builtin_ctzll(word)];
                first[count] = found;
                count += found != UINT32_MAX;
            }
        }
    }
    return count;
}

static enum mu_err first_of_group(struct fleet *f, uint32_t group, struct moments *out)
{
    const struct users *u = fleet_users(f);
    size_t numbers = (size_t)u->chunk_count << CHUNK_BITS;
    struct plain_bits devices = { 0 };
    const roaring_bitmap_t *members = fleet_group_subtree(f, group);

    if (!(out->at = malloc((numbers + 1) * sizeof(*out->at))))
        return MU_E_NOMEM;
    if (members)
        plain_bits_add(&devices, members);
    memset(out->at, 0xff, numbers * sizeof(*out->at));
    for (uint32_t chunk = 0; chunk < u->binding_chunks; chunk++)
        find_first(u, chunk, &devices, out->at);
    plain_bits_free(&devices);
    out->count = gather(u, out->at);
    return MU_OK;
}

static enum mu_err first_bound(struct fleet *f, uint32_t product, uint32_t group, struct moments *out)
{
    *out = (struct moments){ 0 };
    fleet_read_lock(f);
    enum mu_err err = group ? first_of_group(f, group, out) : first_of_product(f, product, out);
    fleet_unlock(f);
    return err;
}

enum mu_err report_users_total(struct fleet *f, uint32_t product, uint32_t group, uint64_t *total)
{
    struct moments first;
    enum mu_err err = first_bound(f, product, group, &first);

    *total = first.count;
    free(first.at);
    return err;
}

/* How many numbers of an ascending list are not above value. */
static size_t count_up_to(const int64_t *list, size_t count, int64_t value)
{
    size_t low = 0;

    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (list[middle] <= value)
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

enum mu_err report_users_new(struct fleet *f, uint32_t product, uint32_t group, const int64_t *starts, size_t periods,
                             uint32_t *counts)
{
    struct moments first;
    enum mu_err err = first_bound(f, product, group, &first);

    assert(!periods || starts[0] <= starts[periods]);
    memset(counts, 0, periods * sizeof(*counts));
    for (size_t i = 0; i < first.count; i++) {
        if (first.at[i] >= starts[0] && first.at[i] < starts[periods])
            counts[count_up_to(starts, periods, first.at[i]) - 1]++;
    }
    free(first.at);
    return err;
}

/* --- active by day --------------------------------------------------------------------------- */

/* Sets a bit for each user who was bound to one of the devices at some time from from_s on and before until_s. */
static void find_bound(const struct users *u, uint32_t chunk, const struct plain_bits *devices, int64_t from_s,
                       int64_t until_s, uint64_t *users)
{
    uint32_t rows = users_bound_rows(u, chunk);

    for (uint32_t i = 0; i < rows; i++) {
        const struct bound *b = &u->bindings[chunk]->at[i];
        uint64_t is = plain_bits_has(devices, b->device) & (b->since < until_s) & (b->until >= from_s);
        users[b->user / 64] |= is << b->user % 64;
    }
}

static uint64_t count_app(uint64_t word, const uint32_t *app, uint32_t wanted)
{
    uint64_t count = 0;

    for (; word; word &= word - 1)
        count += app[__builtin_ctzll(word)] == wanted;
    return count;
}

/* How many users of the bits are counted; app 0: users of any app. */
static uint64_t count_users(const struct users *u, const uint64_t *bits, uint32_t app)
{
    uint64_t count = 0;

    for (uint32_t chunk = 0; chunk < u->chunk_count; chunk++) {
        const struct user_chunk *c = u->chunks[chunk];
        for (uint32_t w = 0; c && w < PLAIN_BITS_WORDS; w++) {
            uint64_t word = bits[(size_t)chunk * PLAIN_BITS_WORDS + w] & c->counted[w];
            count += app ? count_app(word, &c->app[w * 64], app) : (uint64_t)__builtin_popcountll(word);
        }
    }
    return count;
}

static enum mu_err count_day(const struct fleet *f, uint32_t product, uint32_t app, int32_t day, uint32_t *count)
{
    const struct day_set *set = day_sets_find(&fleet_history(f)->active, day);
    const struct product *p = catalog_product(f, product);
    const struct users *u = fleet_users(f);
    int64_t from_s = fleet_day_start(f, day), until_s = fleet_day_start(f, day + 1);

    *count = 0;
    if (!set || !p)
        return MU_OK;
    uint64_t *users = calloc((size_t)u->chunk_count * PLAIN_BITS_WORDS + 1, sizeof(*users));
    if (!users)
        return MU_E_NOMEM;
    struct plain_bits devices = { 0 };
    day_set_add(set, &devices);
    plain_bits_keep_in(&devices, p->enabled);
    for (uint32_t chunk = 0; chunk < u->binding_chunks; chunk++)
        find_bound(u, chunk, &devices, from_s, until_s, users);
    *count = (uint32_t)count_users(u, users, app);
    plain_bits_free(&devices);
    free(users);
    return MU_OK;
}

enum mu_err report_users_active(struct fleet *f, uint32_t product, uint32_t app, int32_t day, uint32_t *count)
{
    fleet_read_lock(f);
    enum mu_err err = count_day(f, product, app, day, count);
    fleet_unlock(f);
    return err;
}

/* --- places ---------------------------------------------------------------------------------- */

/* Which apps belong to a product, by number; the caller frees the array. */
static bool *apps_of(const struct fleet *f, uint32_t product)
{
    bool *apps = calloc(fleet_app_end(f) + 1, sizeof(*apps));

    for (uint32_t no = 1; apps && no < fleet_app_end(f); no++)
        apps[no] = fleet_app_has(f, no, product);
    return apps;
}

static void count_places(const struct fleet *f, const struct user_chunk *c, const bool *apps,
                         struct report_counts *counts)
{
    for (uint32_t w = 0; w < PLAIN_BITS_WORDS; w++) {
        for (uint64_t word = c->counted[w]; word; word &= word - 1) {
            uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(word);
            if (c->app[i] < fleet_app_end(f))
                counts->n[c->place[i]][REPORT_COUNT] += apps[c->app[i]];
        }
    }
}

enum mu_err report_users_places(struct fleet *f, uint32_t product, struct report *out)
{
    const struct users *u = fleet_users(f);
    struct report_counts counts;

    fleet_read_lock(f);
    bool *apps = apps_of(f, product);
    enum mu_err err = report_counts_init(f, &counts);
    if (!apps)
        err = MU_E_NOMEM;
    if (err == MU_OK) {
        for (uint32_t c = 0; c < u->chunk_count; c++) {
            if (u->chunks[c])
                count_places(f, u->chunks[c], apps, &counts);
        }
        err = report_tree(f, &counts, NULL, out);
    }
    fleet_unlock(f);
    report_counts_free(&counts);
    free(apps);
    return err;
}

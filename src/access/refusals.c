#include "access/refusals.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/random.h"
#include "base/hash.h"

/* Two tables of 4,096 names: one for names that the fleet knows, one for others. A table is made of sets of four
 * names, and the hash of a name says in which set it stands. The hash has a key, so nobody can choose names that
 * push out a certain other one. Both tables take 1.9 MiB of address space; a page takes memory once it is used. */

#define WAYS 4
#define SETS 1024

struct refusals_entry {
    char name[LIMIT_MAC + 1]; /* "": free */
    int64_t last_s;
    struct refusal list[REFUSALS_PER_NAME]; /* count 0: free */
};

struct refusals {
    struct hash_key key;
    pthread_mutex_t lock;
    struct refusals_entry sets[2][SETS][WAYS];
};

enum mu_err refusals_create(struct refusals **out)
{
    struct refusals *r = *out = calloc(1, sizeof(*r));

    if (!r)
        return MU_E_NOMEM;
    random_bytes(&r->key, sizeof(r->key));
    pthread_mutex_init(&r->lock, NULL);
    return MU_OK;
}

void refusals_destroy(struct refusals *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct refusals_entry *set_of(struct refusals *r, bool known, struct str name)
{
    return r->sets[known][hash_bytes(&r->key, 0, name.at, name.len) % SETS];
}

static struct refusals_entry *find(struct refusals *r, bool known, struct str name)
{
    struct refusals_entry *set = set_of(r, known, name);

    for (unsigned i = 0; i < WAYS; i++) {
        if (str_eq(str_of(set[i].name), name))
            return &set[i];
    }
    return NULL;
}

static struct refusals_entry *make(struct refusals *r, bool known, struct str name)
{
    struct refusals_entry *set = set_of(r, known, name), *quietest = set;

    for (unsigned i = 1; i < WAYS; i++) {
        if (set[i].last_s < quietest->last_s)
            quietest = &set[i];
    }
    *quietest = (struct refusals_entry){ 0 };
    str_copy(quietest->name, sizeof(quietest->name), name);
    return quietest;
}

/* The entry of this reason and address; if there is none, the oldest entry, emptied. */
static struct refusal *place_in(struct refusals_entry *e, const struct ip_addr *peer, const char *reason)
{
    struct refusal *oldest = e->list;

    for (unsigned i = 0; i < REFUSALS_PER_NAME; i++) {
        struct refusal *one = &e->list[i];
        if (one->count && one->reason == reason && memcmp(&one->peer, peer, sizeof(*peer)) == 0)
            return one;
        if (one->last_s < oldest->last_s)
            oldest = one;
    }
    *oldest = (struct refusal){ .reason = reason, .peer = *peer };
    return oldest;
}

void refusals_note(struct refusals *r, struct str name, bool known, const struct ip_addr *peer, const char *reason,
                   int64_t now_s)
{
    if (name.len == 0 || name.len > LIMIT_MAC)
        return;
    pthread_mutex_lock(&r->lock);
    struct refusals_entry *e = find(r, known, name);
    if (!e)
        e = make(r, known, name);
    struct refusal *one = place_in(e, peer, reason);
    if (one->count == 0)
        one->first_s = now_s;
    one->count++;
    one->last_s = e->last_s = now_s;
    pthread_mutex_unlock(&r->lock);
}

/* Inserts a refusal among the latest ones, by its time. */
static unsigned insert(struct refusal out[REFUSALS_PER_NAME], unsigned n, const struct refusal *one)
{
    unsigned at = n;

    while (at > 0 && out[at - 1].last_s < one->last_s)
        at--;
    if (at == REFUSALS_PER_NAME)
        return n;
    unsigned kept = n < REFUSALS_PER_NAME ? n : REFUSALS_PER_NAME - 1;
    memmove(&out[at + 1], &out[at], (kept - at) * sizeof(*out));
    out[at] = *one;
    return kept + 1;
}

/* A name may be in both tables, if it was refused before the fleet knew it. */
unsigned refusals_get(struct refusals *r, struct str name, struct refusal out[REFUSALS_PER_NAME])
{
    unsigned n = 0;

    pthread_mutex_lock(&r->lock);
    for (int known = 0; known < 2; known++) {
        const struct refusals_entry *e = name.len ? find(r, known, name) : NULL;
        for (unsigned i = 0; e && i < REFUSALS_PER_NAME; i++) {
            if (e->list[i].count)
                n = insert(out, n, &e->list[i]);
        }
    }
    pthread_mutex_unlock(&r->lock);
    return n;
}

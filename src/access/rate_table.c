#include "access/rate_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "model/quota.h"

/* Sets of four buckets; the hash of a key names its set. The hash has a secret key, so nobody can choose addresses
 * that push out a certain other one. */

#define WAYS 4
#define SETS (16 * 1024) /* 65,536 keys, 1.5 MiB of address space; a page takes memory once it is used */

struct key {
    uint64_t high, low;
};

struct rate_entry {
    struct key key;
    struct bucket bucket; /* never used: an empty entry */
};

struct rate_table {
    double per_minute;
    struct hash_key secret;
    pthread_mutex_t lock;
    struct rate_entry sets[SETS][WAYS];
};

enum mu_err rate_table_create(struct rate_table **out, double per_minute)
{
    struct rate_table *t = *out = calloc(1, sizeof(*t));

    if (!t)
        return MU_E_NOMEM;
    t->per_minute = per_minute;
    random_bytes(&t->secret, sizeof(t->secret));
    pthread_mutex_init(&t->lock, NULL);
    return MU_OK;
}

void rate_table_destroy(struct rate_table *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static struct rate_entry *find(struct rate_table *t, struct key key)
{
    struct rate_entry *set = t->sets[hash_bytes(&t->secret, 0, &key, sizeof(key)) % SETS], *quietest = set;

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key.high == key.high && set[i].key.low == key.low)
            return &set[i];
        if (set[i].bucket.emptied_us < quietest->bucket.emptied_us)
            quietest = &set[i];
    }
    *quietest = (struct rate_entry){ .key = key };
    return quietest;
}

static bool take(struct rate_table *t, struct key key, int64_t mono_us)
{
    if (t->per_minute <= 0)
        return true;
    double burst = t->per_minute < 1 ? 1 : t->per_minute;
    pthread_mutex_lock(&t->lock);
    bool taken = bucket_take(&find(t, key)->bucket, t->per_minute / 60, burst, 1, mono_us);
    pthread_mutex_unlock(&t->lock);
    return taken;
}

static void give(struct rate_table *t, struct key key)
{
    if (t->per_minute <= 0)
        return;
    pthread_mutex_lock(&t->lock);
    bucket_give(&find(t, key)->bucket, t->per_minute / 60, 1);
    pthread_mutex_unlock(&t->lock);
}

static struct key key_of_address(const struct ip_addr *ip)
{
    struct ip_addr network = ip_network(ip);
    struct key key;

    memcpy(&key.high, network.bytes, 8);
    memcpy(&key.low, network.bytes + 8, 8);
    return key;
}

/* Never the all-zero key of an empty entry. */
static struct key key_of_number(uint64_t number)
{
    return (struct key){ UINT64_MAX, number };
}

bool rate_table_take_address(struct rate_table *t, const struct ip_addr *ip, int64_t mono_us)
{
    return ip_is_loopback(ip) || take(t, key_of_address(ip), mono_us);
}

bool rate_table_take_number(struct rate_table *t, uint64_t number, int64_t mono_us)
{
    return take(t, key_of_number(number), mono_us);
}

void rate_table_give_address(struct rate_table *t, const struct ip_addr *ip)
{
    if (!ip_is_loopback(ip))
        give(t, key_of_address(ip));
}

void rate_table_give_number(struct rate_table *t, uint64_t number)
{
    give(t, key_of_number(number));
}

#ifndef MUSTER_BASE_HASH_H
#define MUSTER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL /* most lengths are constants, for which the compiler leaves a few instructions */
#include <xxhash.h>

/* The hashes of our tables in memory: XXH3. They differ from one start to the next, so nothing stores them or shows
 * their order. Pure; any thread. */

/* Random bytes. Peers choose macs, addresses and names, but they do not know the seed and see no hash, so they cannot
 * choose keys that fall into the same slot. */
struct hash_key {
    uint64_t seed;
};

/* For bytes that peers may choose. `start` keeps equal bytes of different kinds apart. */
static inline uint64_t hash_bytes(const struct hash_key *key, uint64_t start, const void *data, size_t len)
{
    return XXH3_64bits_withSeed(data, len, key->seed ^ start);
}

/* For numbers that we give ourselves, one after the other; they need no seed. */
static inline uint64_t hash_number(uint64_t number)
{
    return XXH3_64bits(&number, sizeof(number));
}

#endif

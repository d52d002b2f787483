#ifndef MUSTER_BASE_HASH_H
#define MUSTER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The hashes of our tables in memory. They differ from one processor to another, so nothing stores them or
 * shows their order. Pure; any thread. */

/* A secret key, of random bytes. Peers choose macs, addresses and names. Without the key, they cannot tell which of
 * these fall together: key, length and data all pass through products with a secret factor, and no answer shows
 * a hash. */
struct hash_key {
    uint64_t a, b;
};

/* The two halves of a product of 128 bits, put together: each bit of a factor reaches all bits. */
static inline uint64_t hash_fold(uint64_t x, uint64_t y)
{
    unsigned __int128 product = (unsigned __int128)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* What peers may choose. `start` keeps equal bytes of different kinds apart. */
static inline uint64_t hash_bytes(const struct hash_key *key, uint64_t start, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint64_t h = hash_fold(start ^ key->a, len ^ key->b);

    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        h = hash_fold(h ^ word, key->b);
    }
    if (len) {
        uint64_t word = 0;
        memcpy(&word, at, len);
        h = hash_fold(h ^ word, key->b);
    }
    return hash_fold(h ^ key->b, key->a);
}

/* A number that we give ourselves, one after the other; it needs no key. */
static inline uint64_t hash_number(uint64_t number)
{
    return hash_fold(number ^ UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xbf58476d1ce4e5b9));
}

#endif

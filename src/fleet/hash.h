#ifndef MUSTER_FLEET_HASH_H
#define MUSTER_FLEET_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A hash with a secret key: macs are chosen by whoever registers a device, who must not be able to
 * choose where they fall in an index. Two words of key, a folded 128-bit product per 8 bytes. */
struct hash_key {
    uint64_t a, b;
};

static inline uint64_t hash_fold(uint64_t x, uint64_t y)
{
    unsigned __int128 product = (unsigned __int128)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

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

#endif

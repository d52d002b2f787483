#ifndef MUSTER_REGISTRY_SECRET_H
#define MUSTER_REGISTRY_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* Secrets are stored as hashes: SHA-256 (OpenSSL). Those of enterprises are salted. Tokens, which are 128 random bits,
 * are hashed without salt, since they are looked up by their hash. Any thread. Without memory the program ends. */
void secret_hash(const uint8_t salt[16], struct str secret, uint8_t out[32]);
void secret_token_hash(struct str token, uint8_t out[32]);
/* Compares in constant time. */
bool secret_equal(const uint8_t salt[16], struct str secret, const uint8_t hash[32]);
/* Compares texts that the protocols need in clear (passcode, product secret), in constant time. */
bool secret_text_equal(struct str a, struct str b);

#endif

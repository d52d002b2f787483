#ifndef MUSTER_REGISTRY_SECRET_H
#define MUSTER_REGISTRY_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* Secrets are kept hashed: SHA-256 (OpenSSL), salted for enterprise secrets, plain for tokens,
 * which are 128 random bits and looked up by their hash. Any thread; without memory the program ends. */
void secret_hash(const uint8_t salt[16], struct str secret, uint8_t out[32]);
void secret_token_hash(struct str token, uint8_t out[32]);
/* In constant time. */
bool secret_equal(const uint8_t salt[16], struct str secret, const uint8_t hash[32]);
/* Constant-time comparison of texts that the protocols need in clear (passcode, product secret). */
bool secret_text_equal(struct str a, struct str b);

#endif

#include "registry/secret.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Far above the length of our secrets. A longer text equals none of them. */
#define SECRET_MAX 256

/* Fetched once: without it OpenSSL looks up the algorithm by name for each hash, which then takes 0.26 us instead of
 * 0.09. */
static EVP_MD *sha256;

static void find_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static void digest(const void *bytes, size_t len, uint8_t out[32])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_sha256);
    if (!sha256 || EVP_Digest(bytes, len, out, NULL, sha256, NULL) != 1)
        abort(); /* no memory: `out` has no hash, and must not be taken for one */
}

void secret_hash(const uint8_t salt[16], struct str secret, uint8_t out[32])
{
    uint8_t input[16 + SECRET_MAX];
    size_t len = secret.len < SECRET_MAX ? secret.len : SECRET_MAX;

    assert(secret.at || !secret.len);
    memcpy(input, salt, 16);
    if (len)
        memcpy(input + 16, secret.at, len);
    digest(input, 16 + len, out);
    OPENSSL_cleanse(input, sizeof(input));
}

void secret_token_hash(struct str token, uint8_t out[32])
{
    digest(token.at, token.len, out);
}

bool secret_equal(const uint8_t salt[16], struct str secret, const uint8_t hash[32])
{
    uint8_t own[32];

    if (secret.len > SECRET_MAX)
        return false;
    secret_hash(salt, secret, own);
    return CRYPTO_memcmp(own, hash, sizeof(own)) == 0;
}

bool secret_text_equal(struct str a, struct str b)
{
    /* An attacker may learn the length. All our secrets but the passcode have a known length, and each device of a
     * product shows how long its passcodes are. */
    return a.len == b.len && CRYPTO_memcmp(a.at, b.at, a.len) == 0;
}

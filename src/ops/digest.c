#include "ops/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

struct digest {
    EVP_MD_CTX *ctx;
    bool good;
};

struct digest *digest_new(void)
{
    struct digest *d = calloc(1, sizeof(*d));

    if (d) {
        d->ctx = EVP_MD_CTX_new();
        d->good = d->ctx && EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) == 1;
    }
    return d;
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
    if (d)
        d->good = d->good && EVP_DigestUpdate(d->ctx, bytes, len) == 1;
}

void digest_end(struct digest *d, char out[DIGEST_TEXT])
{
    uint8_t hash[32];

    out[0] = '\0';
    if (!d)
        return;
    if (d->good && EVP_DigestFinal_ex(d->ctx, hash, NULL) == 1)
        hex_encode(hash, sizeof(hash), out);
    EVP_MD_CTX_free(d->ctx);
    free(d);
}

void digest_of_file(int fd, char out[DIGEST_TEXT])
{
    static const size_t piece = 256 * 1024;
    uint8_t *bytes = malloc(piece);
    struct digest *d = digest_new();
    ssize_t n = bytes ? 1 : -1;

    while (n > 0 && (n = read(fd, bytes, piece)) > 0)
        digest_add(d, bytes, (size_t)n);
    digest_end(d, out);
    if (n < 0)
        out[0] = '\0';
    free(bytes);
}

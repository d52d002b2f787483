#ifndef MUSTER_OPS_DIGEST_H
#define MUSTER_OPS_DIGEST_H

#include <stddef.h>

/* The SHA-256 of bytes that arrive in pieces. Without memory, or if the library fails, digest_end gives "", which no
 * file has. One thread uses a digest. */
#define DIGEST_TEXT (2 * 32 + 1)

struct digest;
/* NULL without memory; the other functions accept NULL. */
struct digest *digest_new(void);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Writes the digest in lower-case hex. Frees d. */
void digest_end(struct digest *d, char out[DIGEST_TEXT]);
/* The digest of all that can be read from a descriptor; "" if a read fails. */
void digest_of_file(int fd, char out[DIGEST_TEXT]);

#endif

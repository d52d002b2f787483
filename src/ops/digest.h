#ifndef MUSTER_OPS_DIGEST_H
#define MUSTER_OPS_DIGEST_H

#include <stddef.h>

/* The SHA-256 of bytes that come piece by piece. Without memory, or if the library fails, the text at the
 * end is "", which is no file's. A digest is used by one thread. */
#define DIGEST_TEXT (2 * 32 + 1)

struct digest;
/* NULL without memory, which the others take. */
struct digest *digest_new(void);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* In lower-case hex. Frees d. */
void digest_end(struct digest *d, char out[DIGEST_TEXT]);
/* Of all that can be read from a descriptor; "" if something cannot. */
void digest_of_file(int fd, char out[DIGEST_TEXT]);

#endif

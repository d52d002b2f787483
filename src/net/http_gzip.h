#ifndef MUSTER_NET_HTTP_GZIP_H
#define MUSTER_NET_HTTP_GZIP_H

#include "base/buf.h"

/* Appends the bytes as one gzip member. level: zlib's, 1 (fast) … 9 (small). MU_E_NOMEM; MU_E_LIMIT if the result
 * exceeds out's maximum. It takes milliseconds for each 100 KiB: not on a loop. */
MU_MUST_USE enum mu_err http_gzip(const void *bytes, size_t len, int level, struct buf *out);

#endif

#include "net/http_gzip.h"

#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16, MEMORY = 8 };

enum mu_err http_gzip(const void *bytes, size_t len, int level, struct buf *out)
{
    z_stream z = { 0 };
    enum mu_err err = MU_OK;

    if (len > UINT32_MAX)
        return MU_E_LIMIT;
    if (deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return MU_E_NOMEM;
    z.next_in = (Bytef *)bytes;
    z.avail_in = (uInt)len;
    do {
        /* The output grows by steps: well compressed, it needs a tenth of its upper bound. */
        size_t step = len / 8 + 1024;
        if (!(z.next_out = buf_reserve(out, step))) {
            err = out->err;
            break;
        }
        z.avail_out = (uInt)step;
        int result = deflate(&z, Z_FINISH);
        out->len += step - z.avail_out;
        if (result == Z_STREAM_END)
            break;
        if (result != Z_OK && result != Z_BUF_ERROR)
            err = MU_E_NOMEM;
    } while (err == MU_OK);
    deflateEnd(&z);
    return err;
}

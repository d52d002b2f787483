#include "api/cors.h"

#include <string.h>

void cors_add_headers(struct http_exchange *ex, const char *origin)
{
    http_add_header(ex, "Access-Control-Allow-Origin", "%s", origin);
    if (strcmp(origin, "*") != 0)
        http_add_header(ex, "Vary", "Origin");
    if (ex->req.method == HTTP_M_OPTIONS) {
        http_add_header(ex, "Access-Control-Allow-Methods", "GET, POST, PUT, DELETE");
        http_add_header(ex, "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, X-Gizwits-Enterprise-ID, "
                        "X-Gizwits-Enterprise-Secret");
        http_add_header(ex, "Access-Control-Max-Age", "86400");
    } else {
        http_add_header(ex, "Access-Control-Expose-Headers",
                        "X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
                        "Retry-After");
    }
}

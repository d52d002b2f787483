#ifndef MUSTER_NET_HTTP_STATIC_H
#define MUSTER_NET_HTTP_STATIC_H

#include "net/http.h"

/* An answer that is the same for everybody, compressed once: as it is, and by gzip. */
struct http_form {
    const void *bytes; /* they outlive the server */
    size_t len;
    const char *etag; /* quoted; of these very bytes */
};

struct http_static {
    const char *content_type;
    struct http_form plain, gzip;
};

/* Answers with the form that the client prefers, or with 304 if it has that form. The client may keep it, but must
 * ask each time. Nothing is copied; a FAST handler may call this. */
void http_send_static(struct http_exchange *ex, const struct http_static *s);

/* A static answer that is built when the program starts, before the loops start. */
struct http_made {
    struct http_static form;
    struct buf plain, gzip;
    char etags[2][40];
};

/* Takes the content over, also on failure (MU_E_NOMEM). out is all zero before; free it with http_made_free. */
MU_MUST_USE enum mu_err http_make_static(struct http_made *out, const char *content_type, struct buf *content);
void http_made_free(struct http_made *made);

#endif

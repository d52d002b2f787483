#include "net/http_static.h"

#include <openssl/evp.h>

#include "net/http_accept.h"
#include "net/http_gzip.h"

/* Weak comparison, as RFC 9110 asks of If-None-Match: a proxy that compresses weakens our tags. */
static bool has_it(const struct http_request *req, const char *etag)
{
    struct str list = http_header_get(req, "If-None-Match"), tag;
    double weight;

    while (http_accept_next(&list, &tag, &weight)) {
        if (str_starts(tag, STR("W/")))
            tag = (struct str){ tag.at + 2, tag.len - 2 };
        if (str_eq(tag, str_of(etag)) || str_eq(tag, STR("*")))
            return true;
    }
    return false;
}

void http_send_static(struct http_exchange *ex, const struct http_static *s)
{
    bool gzip = http_accepts_gzip(&ex->req);
    const struct http_form *form = gzip ? &s->gzip : &s->plain;

    http_add_header(ex, "ETag", "%s", form->etag);
    http_add_header(ex, "Cache-Control", "no-cache");
    http_add_header(ex, "Vary", "Accept-Encoding");
    if (has_it(&ex->req, form->etag)) {
        ex->res.status = 304;
        return;
    }
    if (gzip)
        http_add_header(ex, "Content-Encoding", "gzip");
    ex->res.content_type = s->content_type;
    ex->res.constant = (struct str){ form->bytes, form->len };
}

static enum mu_err describe(struct http_form *form, const struct buf *content, char etag[40])
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (content->err != MU_OK || EVP_Digest(content->data, content->len, digest, NULL, EVP_sha256(), NULL) != 1)
        return MU_E_NOMEM;
    etag[0] = '"';
    hex_encode(digest, 16, etag + 1);
    memcpy(etag + 33, "\"", 2);
    *form = (struct http_form){ content->data, content->len, etag };
    return MU_OK;
}

enum mu_err http_make_static(struct http_made *out, const char *content_type, struct buf *content)
{
    enum mu_err err;

    out->plain = *content;
    buf_init(content, content->max);
    buf_init(&out->gzip, out->plain.max);
    out->form.content_type = content_type;
    if ((err = http_gzip(out->plain.data, out->plain.len, 9, &out->gzip)) != MU_OK ||
        (err = describe(&out->form.plain, &out->plain, out->etags[0])) != MU_OK)
        return err;
    return describe(&out->form.gzip, &out->gzip, out->etags[1]);
}

void http_made_free(struct http_made *made)
{
    buf_free(&made->plain);
    buf_free(&made->gzip);
}

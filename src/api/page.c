#include "api/page.h"

#include <assert.h>
#include <inttypes.h>

#include "api/query.h"

/* A link is a little longer than the request's target, and every byte may need an escape. */
enum { LINK_MAX = 3 * LIMIT_HTTP_HEAD + 256 };

/* Writes the path with single slashes: a path that begins with two would name a host. */
static void write_path(struct buf *out, struct str path)
{
    bool slash = false;

    for (size_t i = 0; i < path.len; i++) {
        if (path.at[i] != '/' || !slash)
            buf_append_u8(out, (uint8_t)path.at[i]);
        slash = path.at[i] == '/';
    }
}

/* Writes the text as it was sent, except bytes that a URL may not have. People type such bytes, and clients that
 * follow the link would fail on them. */
static void write_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c > 0x7e || strchr("\"<>\\^`{|}", c))
            buf_printf(out, "%%%02X", c);
        else
            buf_append_u8(out, c);
    }
}

static void write_link(struct json_out *j, const struct http_request *req, int64_t limit, int64_t skip)
{
    struct str rest = req->query, key, value;
    struct buf link;

    buf_init(&link, LINK_MAX);
    write_path(&link, req->path);
    buf_append_u8(&link, '?');
    while (query_next(&rest, &key, &value)) {
        if (key.len == 0 || query_key_is(key, "limit") || query_key_is(key, "skip"))
            continue;
        write_escaped(&link, key);
        buf_append_u8(&link, '=');
        write_escaped(&link, value);
        buf_append_u8(&link, '&');
    }
    buf_printf(&link, "limit=%" PRId64 "&skip=%" PRId64, limit, skip);
    if (link.err == MU_OK)
        json_str(j, (struct str){ (const char *)link.data, link.len });
    else
        json_no_value(j);
    buf_free(&link);
}

void page_write_meta(struct json_out *j, const struct http_request *req, const struct page *page, uint64_t total)
{
    assert(page->skip >= 0 && page->limit >= 0);
    int64_t before = page->skip > page->limit ? page->skip - page->limit : 0;
    /* With limit 0 there is no next or previous page. */
    bool has_previous = page->limit && page->skip;
    bool has_next = page->limit && (uint64_t)page->skip + (uint64_t)page->limit < total;

    json_object_begin(j);
    json_key(j, "previous");
    if (has_previous)
        write_link(j, req, page->limit, before);
    else
        json_no_value(j);
    json_put_int(j, "skip", page->skip);
    json_put_count(j, "total", total);
    json_put_int(j, "limit", page->limit);
    json_key(j, "next");
    if (has_next)
        write_link(j, req, page->limit, page->skip + page->limit);
    else
        json_no_value(j);
    json_object_end(j);
}

enum api_error page_answer(struct api_call *call, const struct page *page, uint64_t total, const struct buf *rows)
{
    if (rows->err == MU_E_LIMIT)
        return api_refuse(call, API_FORM_INVALID, "limit: these rows do not fit into one answer; ask for fewer");
    if (rows->err != MU_OK)
        return API_INTERNAL;
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    json_key(&j, "meta");
    page_write_meta(&j, &call->ex->req, page, total);
    json_put_array(&j, "objects");
    if (rows->len)
        json_raw(&j, (struct str){ (const char *)rows->data, rows->len });
    json_array_end(&j);
    json_object_end(&j);
    return API_OK;
}

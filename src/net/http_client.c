#include "net/http_internal.h"

/* An address as proxies write it: "1.2.3.4", "1.2.3.4:567", "2001:db8::1", "[2001:db8::1]" or "[2001:db8::1]:567". */
static bool forwarded_parse(struct str s, struct ip_addr *out)
{
    s = str_trim(s);
    if (s.len && s.at[0] == '[') {
        const char *end = memchr(s.at, ']', s.len);
        if (!end)
            return false;
        s = (struct str){ s.at + 1, (size_t)(end - s.at - 1) };
    } else {
        const char *colon = memchr(s.at, ':', s.len);
        if (colon && !memchr(colon + 1, ':', (size_t)(s.at + s.len - colon - 1)))
            s.len = (size_t)(colon - s.at);
    }
    return ip_parse(s, out) == MU_OK;
}

/* Takes the last item off a comma-separated list. */
static struct str take_last(struct str *list)
{
    size_t from = list->len;

    while (from && list->at[from - 1] != ',')
        from--;
    struct str last = { list->at + from, list->len - from };
    list->len = from ? from - 1 : 0;
    return last;
}

struct ip_addr http_client(const struct http_request *req, const struct cidr *trusted, size_t trusted_count)
{
    struct ip_addr client = req->peer, next;

    /* Every proxy appends the address of its caller to the last header of that name. */
    for (size_t i = req->header_count; i-- > 0;) {
        struct str list = req->headers[i].value;
        if (!str_eq_nocase(req->headers[i].name, STR("X-Forwarded-For")))
            continue;
        while (list.len) {
            if (!cidr_any_contains(trusted, trusted_count, &client) || !forwarded_parse(take_last(&list), &next))
                return client;
            client = next;
        }
    }
    return client;
}

#include <arpa/inet.h>
#include <ctype.h>

#include "net/http_internal.h"

/* Header names and methods: RFC 9110, section 5.6.2. */
static const bool token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

/* A host name or an IPv4 address. RFC 3986 would allow sub-delimiters too, but no name that resolves has them, and
 * the answer to a device carries the host in a form body. */
static const bool name_chars[256] = {
    ['-'] = 1, ['.'] = 1, ['_'] = 1, ['~'] = 1, ['%'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

static bool all_of(const bool set[256], struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!set[(unsigned char)s.at[i]])
            return false;
    }
    return true;
}

bool http_is_token(struct str s)
{
    return s.len && all_of(token_chars, s);
}

static bool is_port(struct str s)
{
    unsigned long port = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9' || (port = port * 10 + (unsigned long)(s.at[i] - '0')) > 65535)
            return false;
    }
    return true; /* it may be empty, even behind its colon */
}

/* The text between the brackets. A zone (%eth0) means nothing on another machine, so it is refused. */
static bool is_ipv6(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;

    return str_copy(text, sizeof(text), s) && inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool escape = s.at[i] == '%';
        if (!name_chars[(unsigned char)s.at[i]] || (escape && !(s.len - i > 2 && isxdigit((unsigned char)s.at[i + 1]) &&
                                                                isxdigit((unsigned char)s.at[i + 2]))))
            return false;
    }
    return s.len > 0;
}

bool http_is_host(struct str s)
{
    bool bracket = s.len && *s.at == '[';
    const char *end = s.len ? memchr(s.at, bracket ? ']' : ':', s.len) : NULL;
    size_t len = end ? (size_t)(end - s.at) : s.len;

    if (!bracket)
        return is_name((struct str){ s.at, len }) && (!end || is_port((struct str){ end + 1, s.len - len - 1 }));
    struct str behind = { s.at + len + 1, end ? s.len - len - 1 : 0 };
    return end && is_ipv6((struct str){ s.at + 1, len - 1 }) &&
           (!behind.len || (*behind.at == ':' && is_port((struct str){ behind.at + 1, behind.len - 1 })));
}

/* Bytes above 0x7f pass: people type Chinese into a query without escaping it, and the servers that clients know
 * take it. */
static const bool target_chars[256] = {
    ['!' ... '"'] = 1,
    ['$' ... '~'] = 1,
    [0x80 ... 0xff] = 1,
};

static bool skip_scheme(struct str *s)
{
    static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };

    for (size_t i = 0; i < 2; i++) {
        struct str start = { s->at, schemes[i].len };
        if (s->len >= start.len && str_eq_nocase(start, schemes[i])) {
            s->at += start.len;
            s->len -= start.len;
            return true;
        }
    }
    return false;
}

int http_target_parse(struct http_request *req, struct str target, const char **why)
{
    *why = "the request target is not a path or an http URL";
    if (target.len == 0 || !(str_is_plain(target, '!', '#', 0x7f) || all_of(target_chars, target)))
        return 400;
    if (str_eq(target, STR("*"))) {
        req->path = target;
        return req->method == HTTP_M_OPTIONS ? 0 : 400;
    }
    if (target.at[0] != '/') {
        struct str rest = target;
        if (!skip_scheme(&rest))
            return 400;
        struct str host = rest;
        for (host.len = 0; host.len < rest.len; host.len++) {
            if (rest.at[host.len] == '/' || rest.at[host.len] == '?')
                break;
        }
        if (!http_is_host(host))
            return 400;
        req->host = host; /* it replaces that of the Host header: RFC 9112, section 3.2.2 */
        target = (struct str){ rest.at + host.len, rest.len - host.len };
    }

    const char *mark = target.len ? memchr(target.at, '?', target.len) : NULL;
    req->path = target;
    if (mark) {
        req->path.len = (size_t)(mark - target.at);
        req->query = (struct str){ mark + 1, target.len - req->path.len - 1 };
    }
    if (req->path.len == 0)
        req->path = STR("/");
    return 0;
}

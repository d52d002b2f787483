/* URIs: which can be used, and what of them may be shown.
 *
 * A password may stand before the host and behind the "?". Whoever writes one does not always know which of its bytes
 * must be written as %XX. libpq ends the name and the password at the first "@" before a "/", so a "?" in them is right,
 * and "@" and "/" are not. What is hidden is a password in either reading: in that of libpq, and in that of a person who
 * believes that it goes on to the last "@". */
#include "postgres/pg_private.h"

#include <assert.h>
#include <stdio.h>

/* Bytes [secret, host) and [query, the end) are hidden. */
struct uri_parts {
    const char *host, *secret, *query;
    const char *authority; /* where libpq begins to read hosts */
};

static const char *or_end(const char *found, const char *text)
{
    return found ? found : text + strlen(text);
}

static struct uri_parts parts_of(const char *uri)
{
    const char *scheme_end = strstr(uri, "://"), *start = scheme_end ? scheme_end + 3 : uri,
               *last = strrchr(start, '@'), *colon = last ? memchr(start, ':', (size_t)(last - start)) : NULL,
               *at = start + strcspn(start, "@/");
    struct uri_parts p = { .authority = *at == '@' ? at + 1 : start };

    p.query = or_end(strchr(p.authority, '?'), uri);
    p.secret = p.host = p.query;
    if (colon && colon < p.query) {
        p.secret = colon;
        p.host = last < p.query ? last : p.query;
    }
    return p;
}

bool pg_is_uri(const char *text)
{
    return strncmp(text, "postgresql://", strlen("postgresql://")) == 0 ||
           strncmp(text, "postgres://", strlen("postgres://")) == 0;
}

void pg_show_uri(const char *uri, char *out, size_t size)
{
    struct uri_parts p = parts_of(uri);

    assert(size > 0);
    snprintf(out, size, "%.*s%.*s", (int)(p.secret - uri), uri, (int)(p.query - p.host), p.host);
}

static void hide(char *uri, const char *from, const char *to)
{
    if (from < to)
        memset(uri + (from - uri), 'x', (size_t)(to - from));
}

void pg_hide_secrets(char *uri)
{
    struct uri_parts p = parts_of(uri);

    hide(uri, p.secret + 1, p.host);
    hide(uri, p.query + 1, p.query + strlen(p.query));
}

/* libpq takes for a port, a host or a name of a database what is behind a "/" or "@" of the password, and its errors
 * repeat it. */
bool pg_can_read_uri(const char *uri)
{
    struct uri_parts p = parts_of(uri);
    PQconninfoOption *options = PQconninfoParse(uri, NULL);
    bool good = options && !memchr(p.authority, '@', strcspn(p.authority, "?"));

    for (const PQconninfoOption *o = options; good && o->keyword; o++)
        if (strcmp(o->keyword, "port") == 0 && o->val)
            good = !o->val[strspn(o->val, "0123456789,")];
    PQconninfoFree(options);
    return good;
}

#include "api/query.h"

static bool is_escaped(struct str s)
{
    return s.len && (memchr(s.at, '%', s.len) || memchr(s.at, '+', s.len));
}

bool query_next(struct str *rest, struct str *key, struct str *value)
{
    if (rest->len == 0)
        return false;
    const char *amp = memchr(rest->at, '&', rest->len);
    struct str pair = { rest->at, amp ? (size_t)(amp - rest->at) : rest->len };
    const char *equals = pair.len ? memchr(pair.at, '=', pair.len) : NULL;

    *key = (struct str){ pair.at, equals ? (size_t)(equals - pair.at) : pair.len };
    *value = equals ? (struct str){ equals + 1, pair.len - key->len - 1 } : (struct str){ "", 0 };
    rest->at += pair.len + (amp != NULL);
    rest->len -= pair.len + (amp != NULL);
    return true;
}

bool query_key_is(struct str key, const char *name)
{
    char plain[64]; /* longer than any parameter name of ours */
    struct str wanted = str_of(name);

    if (str_eq(key, wanted))
        return true;
    if (!is_escaped(key) || !str_copy(plain, sizeof(plain), key) || url_decode(plain, &key.len, true) != MU_OK)
        return false;
    return str_eq((struct str){ plain, key.len }, wanted);
}

bool query_find(struct str query, const char *name, struct str *value)
{
    struct str key, v;
    bool found = false;

    while (query_next(&query, &key, &v)) {
        if (v.len && query_key_is(key, name)) {
            *value = v;
            found = true;
        }
    }
    return found;
}

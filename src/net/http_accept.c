#include "net/http_accept.h"

/* Returns what stands before the first `end`; *list is then what follows it. */
static struct str take(struct str *list, char end)
{
    const char *found = list->len ? memchr(list->at, end, list->len) : NULL;
    struct str taken = { list->at, found ? (size_t)(found - list->at) : list->len };

    list->at += taken.len + (found != NULL);
    list->len -= taken.len + (found != NULL);
    return taken;
}

/* Reads 0, 0.ddd, 1 or 1.000, with at most three digits after the point; 0 if it is none of these. */
static double weight_value(struct str s)
{
    double value = 0, digit = 0.1;

    if (s.len == 0 || s.len > 5 || (s.at[0] != '0' && s.at[0] != '1') || (s.len > 1 && s.at[1] != '.'))
        return 0;
    for (size_t i = 2; i < s.len; i++, digit /= 10) {
        if (s.at[i] < '0' || s.at[i] > (s.at[0] == '1' ? '0' : '9'))
            return 0;
        value += (s.at[i] - '0') * digit;
    }
    return s.at[0] == '1' ? 1 : value;
}

static double weight_of(struct str params)
{
    params = str_trim(params);
    if (params.len < 2 || !str_eq_nocase((struct str){ params.at, 2 }, STR("q=")))
        return 1;
    return weight_value((struct str){ params.at + 2, params.len - 2 });
}

bool http_accept_next(struct str *list, struct str *item, double *weight)
{
    if (list->len == 0)
        return false;
    struct str params = take(list, ',');
    *item = str_trim(take(&params, ';'));
    *weight = weight_of(params);
    return true;
}

bool http_accepts_gzip(const struct http_request *req)
{
    double gzip = -1, identity = -1, others = -1, weight; /* -1: not said */
    struct str coding;

    for (size_t i = 0; i < req->header_count; i++) {
        struct str list = req->headers[i].value;
        if (!str_eq_nocase(req->headers[i].name, STR("Accept-Encoding")))
            continue;
        while (http_accept_next(&list, &coding, &weight)) {
            if (str_eq_nocase(coding, STR("gzip")) || str_eq_nocase(coding, STR("x-gzip")))
                gzip = weight;
            else if (str_eq_nocase(coding, STR("identity")))
                identity = weight;
            else if (str_eq(coding, STR("*")))
                others = weight;
        }
    }
    gzip = gzip < 0 ? others : gzip;
    return gzip > 0 && gzip >= identity;
}

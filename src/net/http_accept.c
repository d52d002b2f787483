#include "net/http_accept.h"

#include <stdlib.h>

/* What is before the first such byte; *list is then what is behind it. */
static struct str take(struct str *list, char end)
{
    const char *found = list->len ? memchr(list->at, end, list->len) : NULL;
    struct str taken = { list->at, found ? (size_t)(found - list->at) : list->len };

    list->at += taken.len + (found != NULL);
    list->len -= taken.len + (found != NULL);
    return taken;
}

static double weight_of(struct str params)
{
    char text[16];

    params = str_trim(params);
    if (params.len < 2 || !str_eq_nocase((struct str){ params.at, 2 }, STR("q=")))
        return 1;
    if (!str_copy(text, sizeof(text), (struct str){ params.at + 2, params.len - 2 }))
        return 0;
    return strtod(text, NULL);
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

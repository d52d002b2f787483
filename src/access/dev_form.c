#include "access/dev_form.h"

/* Cuts s at the first c: returns what stands before it; s becomes what follows it. */
static struct str cut(struct str *s, char c)
{
    const char *at = s->len ? memchr(s->at, c, s->len) : NULL;
    struct str head = { s->at, at ? (size_t)(at - s->at) : s->len };

    s->at += head.len + (at ? 1 : 0);
    s->len -= head.len + (at ? 1 : 0);
    return head;
}

bool dev_form_get(struct str form, const char *key, struct str *value)
{
    /* A line end behind the form is not part of its last value. */
    while (form.len && (form.at[form.len - 1] == '\n' || form.at[form.len - 1] == '\r'))
        form.len--;
    while (form.len) {
        struct str pair = cut(&form, '&');
        if (str_eq(cut(&pair, '='), str_of(key))) {
            *value = pair;
            return true;
        }
    }
    return false;
}

bool dev_form_text(struct str form, const char *key, char *out, size_t size)
{
    struct str value;
    return dev_form_get(form, key, &value) && value.len && str_utf8(value) && str_copy(out, size, value);
}

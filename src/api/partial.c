#include "api/partial.h"

/* Lists of items in a request, and the answer that says for each whether it worked (partial.h). */

enum api_error partial_check(struct api_call *call, const char *name, const json_t *list, size_t max)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(list))
        return api_refuse(call, API_FORM_INVALID, "%s: not an array", name);
    if (max && json_array_size(list) > max)
        return api_refuse(call, API_FORM_INVALID, "%s: more than %zu", name, max);
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return api_refuse(call, API_FORM_INVALID, "%s[%zu]: not a text", name, i);
    }
    return API_OK;
}

/* Adds an item, unless it is there. The keys of `seen` are the items so far. */
static void add(struct partial *p, json_t *seen, const char *item)
{
    if (json_object_get(seen, item))
        return;
    json_object_set_new(seen, item, json_true());
    p->items[p->count++] = item;
}

/* Removes the first item from a text with commas, and returns it. */
static struct str take_item(struct str *text)
{
    const char *comma = memchr(text->at, ',', text->len);
    struct str item = { text->at, comma ? (size_t)(comma - text->at) : text->len };
    size_t taken = item.len + (comma != NULL);

    text->at += taken;
    text->len -= taken;
    return str_trim(item);
}

static size_t count_items(struct str text)
{
    size_t count = 0;

    for (; text.len; count++)
        take_item(&text);
    return count;
}

static bool read_text(struct api_call *call, struct str text, struct partial *p, json_t *seen)
{
    while (text.len) {
        struct str item = take_item(&text);
        char *copy = arena_strndup(&call->ex->arena, item.at, item.len);
        if (!copy)
            return false;
        if (item.len)
            add(p, seen, copy);
    }
    return true;
}

bool partial_read(struct api_call *call, const json_t *list, struct partial *out)
{
    struct str text = { json_string_value(list), json_string_length(list) };
    size_t max = text.at ? count_items(text) : json_array_size(list), i;
    const json_t *item;
    bool good = true;

    *out = (struct partial){ .items = arena_alloc(&call->ex->arena, (max + 1) * sizeof(*out->items)),
                             .done = arena_alloc(&call->ex->arena, max + 1) };
    json_t *seen = json_object();
    if (!out->items || !out->done || !seen) {
        good = false;
    } else if (text.at) {
        good = read_text(call, text, out, seen);
    } else {
        json_array_foreach(list, i, item) add(out, seen, json_string_value(item));
    }
    json_decref(seen);
    return good;
}

static void write_items(struct json_out *j, const char *key, const struct partial *p, bool done)
{
    json_put_array(j, key);
    for (size_t i = 0; i < p->count; i++) {
        if (p->done[i] == done)
            json_text(j, p->items[i]);
    }
    json_array_end(j);
}

void partial_answer(struct api_call *call, int status, const struct partial *p)
{
    struct json_out j = api_answer(call, status);

    json_object_begin(&j);
    write_items(&j, "failed", p, false);
    write_items(&j, "success", p, true);
    json_object_end(&j);
}

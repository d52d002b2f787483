#include "api/params.h"

#include <assert.h>
#include <inttypes.h>

#include "api/query.h"
#include "base/json_in.h"

/* Reads a request's parameters into the handler's argument struct, as the route declares them (params.h). */

static void *field_of(const struct api_call *call, const struct param *p)
{
    assert(call->args && p->offset < call->route->args_size);
    return (char *)call->args + p->offset;
}

static enum api_error bad(struct api_call *call, const struct param *p, const char *what)
{
    return api_refuse(call, API_FORM_INVALID, "%s: %s", p->name, what);
}

static void set_absent(const struct api_call *call, const struct param *p)
{
    switch (p->type) {
    case PARAM_INT: *(int64_t *)field_of(call, p) = p->fallback; break;
    case PARAM_FLAG: *(enum fleet_tri *)field_of(call, p) = FLEET_ANY; break;
    case PARAM_CHOICE: *(int *)field_of(call, p) = (int)p->fallback; break;
    default: /* the arguments are zeroed, which means absent for the other kinds */ break;
    }
}

static enum api_error set_int(struct api_call *call, const struct param *p, int64_t v)
{
    if (v < p->min || v > p->max) {
        if (p->max == INT64_MAX)
            return api_refuse(call, API_FORM_INVALID, "%s: must be at least %" PRId64, p->name, p->min);
        return api_refuse(call, API_FORM_INVALID, "%s: must be from %" PRId64 " to %" PRId64, p->name, p->min, p->max);
    }
    *(int64_t *)field_of(call, p) = v;
    return API_OK;
}

static enum api_error set_choice(struct api_call *call, const struct param *p, struct str v)
{
    assert(p->choices);
    for (int i = 0; p->choices[i]; i++) {
        if (str_eq(v, str_of(p->choices[i]))) {
            *(int *)field_of(call, p) = i;
            return API_OK;
        }
    }
    return bad(call, p, "not one of the values allowed");
}

static bool flag_parse(struct str v, enum fleet_tri *out)
{
    if (str_eq(v, STR("1")) || str_eq_nocase(v, STR("true")))
        *out = FLEET_YES;
    else if (str_eq(v, STR("0")) || str_eq_nocase(v, STR("false")))
        *out = FLEET_NO;
    else
        return false;
    return true;
}

static enum api_error set_text(struct api_call *call, const struct param *p, struct str v)
{
    int64_t number;

    switch (p->type) {
    case PARAM_TEXT:
        if (!str_utf8(v))
            return bad(call, p, "not UTF-8");
        *(struct str *)field_of(call, p) = v;
        return API_OK;
    case PARAM_ID: *(struct str *)field_of(call, p) = v; return API_OK;
    case PARAM_INT: return str_int64(v, &number) ? set_int(call, p, number) : bad(call, p, "not an integer");
    case PARAM_FLAG: return flag_parse(v, field_of(call, p)) ? API_OK : bad(call, p, "must be 0 or 1");
    case PARAM_CHOICE: return set_choice(call, p, v);
    default: /* objects are looked up later */ return API_OK;
    }
}

/* Sets the field from a value of the body. A text is also returned in *text, and then treated like one from the
 * query. */
static enum api_error set_json(struct api_call *call, const struct param *p, const json_t *v, struct str *text)
{
    int64_t number = 0;

    switch (p->type) {
    case PARAM_JSON: *(const json_t **)field_of(call, p) = v; return API_OK;
    case PARAM_INT: return json_whole(v, &number) ? set_int(call, p, number) : bad(call, p, "not an integer");
    case PARAM_FLAG:
        if (!json_is_boolean(v) && !(json_whole(v, &number) && (number == 0 || number == 1)))
            return bad(call, p, "must be true or false");
        *(enum fleet_tri *)field_of(call, p) = json_is_true(v) || number == 1 ? FLEET_YES : FLEET_NO;
        return API_OK;
    default:
        if (!json_is_string(v))
            return bad(call, p, "not a text");
        *text = (struct str){ json_string_value(v), json_string_length(v) };
        return set_text(call, p, *text);
    }
}

/* Decodes an escaped query value into the exchange's arena. */
static bool unescape(struct api_call *call, struct str *s)
{
    if (!memchr(s->at, '%', s->len) && !memchr(s->at, '+', s->len))
        return true;
    char *copy = arena_strndup(&call->ex->arena, s->at, s->len);
    if (!copy || url_decode(copy, &s->len, true) != MU_OK)
        return false;
    s->at = copy;
    return true;
}

/* Finds the parameter in the request and sets its field. *text stays NULL if the parameter is absent. */
static enum api_error read_one(struct api_call *call, const struct param *p, size_t capture, const json_t *body,
                               struct str *text)
{
    const struct http_request *req = &call->ex->req;
    const json_t *value = NULL;

    switch (p->in) {
    case IN_PATH: *text = req->captures[capture]; break;
    case IN_QUERY:
        if (query_find(req->query, p->name, text) && !unescape(call, text))
            return bad(call, p, "bad percent-escape");
        break;
    case IN_HEADER:
        *text = http_header_get(req, p->name);
        if (text->len == 0)
            text->at = NULL;
        break;
    case IN_BODY:
        value = json_object_get(body, p->name);
        if (value && !json_is_null(value))
            return set_json(call, p, value, text);
        break;
    }
    if (text->at)
        return set_text(call, p, *text);
    if (p->required)
        return bad(call, p, "required");
    set_absent(call, p);
    return API_OK;
}

static enum api_error find_group(struct api_call *call, const struct param *p, struct str gid)
{
    uint32_t product;

    assert(call->product);
    if (!fleet_group_find(call->api->parts.fleet, gid, field_of(call, p), &product))
        return API_GROUP_UNKNOWN;
    return product == call->product->no ? API_OK : API_GROUP_OTHER_PRODUCT;
}

static enum api_error find_device(struct api_call *call, const struct param *p, struct str did)
{
    struct fleet_device *device = field_of(call, p);

    assert(call->product);
    if (!fleet_device_by_did(call->api->parts.fleet, did, device))
        return API_DEVICE_UNKNOWN;
    return device->product == call->product ? API_OK : API_DEVICE_OTHER_PRODUCT;
}

enum api_error params_read(struct api_call *call, const json_t *body)
{
    const struct api_route *route = call->route;
    struct str texts[PARAM_MAX];
    enum api_error error;
    size_t capture = 0;

    assert(route->param_count <= PARAM_MAX);
    for (size_t i = 0; i < route->param_count; i++) {
        const struct param *p = &route->params[i];
        texts[i] = (struct str){ NULL, 0 };
        if ((error = read_one(call, p, capture, body, &texts[i])) != API_OK)
            return error;
        capture += p->in == IN_PATH;
    }
    if (route->check && (error = route->check(call)) != API_OK)
        return error;
    for (size_t i = 0; i < route->param_count; i++) {
        const struct param *p = &route->params[i];
        error = API_OK;
        if (texts[i].at && p->type == PARAM_GROUP)
            error = find_group(call, p, texts[i]);
        else if (texts[i].at && p->type == PARAM_DEVICE)
            error = find_device(call, p, texts[i]);
        if (error != API_OK)
            return error;
    }
    return API_OK;
}

bool params_in_body(const struct api_route *route)
{
    for (size_t i = 0; i < route->param_count; i++) {
        if (route->params[i].in == IN_BODY)
            return true;
    }
    return false;
}

#include "api/answer.h"
#include "api/call.h"
#include "api/openapi.h"
#include "net/http_accept.h"

/* GET /openapi.json: the API's description of itself, made at the start and served from memory. */

struct openapi_args {
    int lang; /* enum lang, -1 = not given */
};

static const char *const langs[] = { [LANG_EN] = "en", [LANG_ZH] = "zh", NULL };

/* clang-format off: a table */
static const struct param openapi_params[] = {
    { "lang",
      IN_QUERY,
      ARG(CHOICE, struct openapi_args, lang),
      OPTIONAL,
      { "文档语言，默认按 Accept-Language", "Language; by default as Accept-Language says" },
      "en",
      .fallback = -1,
      .choices = langs },
};
/* clang-format on */

ROUTE(openapi, GET, "/openapi.json", NONE, FAST, PARAMS(openapi_params), ARGS(struct openapi_args),
      .answer_schema = "{\"type\":\"object\"}", .answer_example = "{\"openapi\":\"3.1.0\"}",
      .summary = { "获取本接口文档", "Get this document" });

enum lang openapi_accepted_lang(struct str header)
{
    double best[LANG_COUNT] = { 0 }, weight;
    struct str range;

    while (http_accept_next(&header, &range, &weight)) {
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            bool is_it = range.len >= 2 && (range.len == 2 || range.at[2] == '-') &&
                         str_eq_nocase((struct str){ range.at, 2 }, str_of(langs[lang]));
            if (is_it && weight > best[lang])
                best[lang] = weight;
        }
    }
    return best[LANG_ZH] > best[LANG_EN] ? LANG_ZH : LANG_EN;
}

enum mu_err openapi_make(struct http_made *out, enum lang lang)
{
    struct buf document;
    enum mu_err err = openapi_write(&document, lang);

    if (err == MU_OK)
        err = http_make_static(out, answer_json_type, &document);
    buf_free(&document);
    return err;
}

static enum api_error openapi(struct api_call *call)
{
    const struct openapi_args *args = call->args;
    struct str accepted = http_header_get(&call->ex->req, "Accept-Language");
    enum lang lang = args->lang < 0 ? openapi_accepted_lang(accepted) : (enum lang)args->lang;

    http_add_header(call->ex, "Content-Language", "%s", langs[lang]);
    http_add_header(call->ex, "Vary", "Accept-Language");
    http_send_static(call->ex, &call->api->documents[lang].form);
    return API_OK;
}

const struct api_chapter chapter_openapi = {
    .name = { "接口文档", "This document" },
    ROUTES(&openapi_route),
};

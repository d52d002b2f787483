#include <stdlib.h>

#include "api/call.h"
#include "api/openapi.h"

/* The API's description of itself, made at the start and served from memory. */

struct openapi_args { int lang; /* enum lang, -1 = not given */ };

static const char *const langs[] = { [LANG_EN] = "en", [LANG_ZH] = "zh", NULL };

static const struct param openapi_params[] = {
    { "lang", IN_QUERY, ARG(CHOICE, struct openapi_args, lang), OPTIONAL,
      { "文档语言，默认按 Accept-Language", "Language; by default as Accept-Language says" }, "en",
      .fallback = -1, .choices = langs },
};

ROUTE(openapi, GET, "/openapi.json", NONE, FAST, PARAMS(openapi_params), ARGS(struct openapi_args),
      .answer_schema = "{\"type\":\"object\"}", .answer_example = "{\"openapi\":\"3.1.0\"}",
      .summary = { "获取本接口文档", "Get this document" });

/* The weight after a language: "; q=0.8", 1 where there is none. */
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

enum lang openapi_accepted_lang(struct str header)
{
    double best[LANG_COUNT] = { 0 };

    while (header.len) {
        const char *comma = memchr(header.at, ',', header.len);
        struct str item = { header.at, comma ? (size_t)(comma - header.at) : header.len };
        header.at += item.len + (comma != NULL);
        header.len -= item.len + (comma != NULL);

        const char *semicolon = item.len ? memchr(item.at, ';', item.len) : NULL;
        struct str range = str_trim((struct str){
            item.at, semicolon ? (size_t)(semicolon - item.at) : item.len });
        struct str params = { semicolon ? semicolon + 1 : "",
                              semicolon ? (size_t)(item.at + item.len - semicolon - 1) : 0 };
        double weight = weight_of(params);
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            bool is_it = range.len >= 2 && (range.len == 2 || range.at[2] == '-')
                         && str_eq_nocase((struct str){ range.at, 2 }, str_of(langs[lang]));
            if (is_it && weight > best[lang])
                best[lang] = weight;
        }
    }
    return best[LANG_ZH] > best[LANG_EN] ? LANG_ZH : LANG_EN;
}

static enum api_error openapi(struct api_call *call)
{
    const struct openapi_args *args = call->args;
    struct str accepted = http_header_get(&call->ex->req, "Accept-Language");
    enum lang lang = args->lang < 0 ? openapi_accepted_lang(accepted) : (enum lang)args->lang;
    const struct buf *document = &call->api->documents[lang];

    http_add_header(call->ex, "Content-Language", "%s", langs[lang]);
    http_add_header(call->ex, "Vary", "Accept-Language");
    struct json_out j = api_answer(call, 200);
    json_raw(&j, (struct str){ (const char *)document->data, document->len });
    return API_OK;
}

const struct api_chapter openapi_chapter = {
    .name = { "接口文档", "This document" },
    ROUTES(&openapi_route),
};

#include "api/openapi.h"

/* What the operations of the document refer to: schemas, headers, and how a caller identifies himself. */

/* A property or header of the components: its schema's type, and its description. */
struct component {
    const char *name;
    const char *type; /* JSON text */
    struct words text;
};

static const struct component error_properties[] = {
    { "error_message", "\"string\"", { "错误信息", "Text of the error table" } },
    { "error_code", "\"integer\"", { "错误码", "Code from the error table; otherwise the HTTP status" } },
    { "detail_message", "[\"string\",\"null\"]", { "具体原因", "What exactly is wrong" } },
    { 0 },
};

static const struct component meta_properties[] = {
    { "previous", "[\"string\",\"null\"]", { "上一页的请求地址", "Path and query of the previous page" } },
    { "skip", "\"integer\"", { "跳过的条数", "Rows skipped" } },
    { "total", "\"integer\"", { "总数", "Rows in all" } },
    { "limit", "\"integer\"", { "返回的结果条数", "Rows in a page" } },
    { "next", "[\"string\",\"null\"]", { "下一页的请求地址", "Path and query of the next page" } },
    { 0 },
};

static const struct component headers[] = {
    { "X-RateLimit-Limit", "\"integer\"", { "每小时允许调用次数", "Calls per hour" } },
    { "X-RateLimit-Remaining", "\"integer\"", { "剩余次数", "Calls left in this hour" } },
    { "X-RateLimit-Reset", "\"integer\"", { "配额重置时间（时间戳）", "When the hour ends, Unix seconds" } },
    { "X-Request-Id", "\"string\"", { "请求编号", "Number of the request, also in the logs" } },
    { 0 },
};

/* OpenAPI tools do not know the HTTP auth scheme "token", so the header is declared as an API key. */
static const struct component keys[] = {
    { "token", "Authorization", { "token <32 位十六进制>", "token <32 hex digits>" } },
    { "enterprise_id", "X-Gizwits-Enterprise-ID", { "企业 id", "Enterprise id" } },
    { "enterprise_secret", "X-Gizwits-Enterprise-Secret", { "企业 id 密码", "Secret of the enterprise" } },
    { 0 },
};

static void write_schema(struct json_out *j, const char *name, const struct component *c, enum lang lang)
{
    json_put_object(j, name);
    json_put_text(j, "type", "object");
    json_put_array(j, "required");
    for (size_t i = 0; c[i].name; i++)
        json_text(j, c[i].name);
    json_array_end(j);
    json_put_object(j, "properties");
    for (; c->name; c++) {
        json_put_object(j, c->name);
        json_put_raw(j, "type", str_of(c->type));
        json_put_text(j, "description", openapi_words(&c->text, lang));
        json_object_end(j);
    }
    json_object_end(j);
    json_object_end(j);
}

static void write_headers(struct json_out *j, enum lang lang)
{
    json_put_object(j, "headers");
    for (const struct component *c = headers; c->name; c++) {
        json_put_object(j, c->name);
        json_put_text(j, "description", openapi_words(&c->text, lang));
        json_put_object(j, "schema");
        json_put_raw(j, "type", str_of(c->type));
        json_object_end(j);
        json_object_end(j);
    }
    json_object_end(j);
}

static void write_keys(struct json_out *j, enum lang lang)
{
    json_put_object(j, "securitySchemes");
    for (const struct component *c = keys; c->name; c++) {
        json_put_object(j, c->name);
        json_put_text(j, "type", "apiKey");
        json_put_text(j, "in", "header");
        json_put_text(j, "name", c->type);
        json_put_text(j, "description", openapi_words(&c->text, lang));
        json_object_end(j);
    }
    json_object_end(j);
}

void openapi_write_components(struct json_out *j, enum lang lang)
{
    json_put_object(j, "components");
    json_put_object(j, "schemas");
    write_schema(j, "Error", error_properties, lang);
    write_schema(j, "Meta", meta_properties, lang);
    json_object_end(j);
    write_headers(j, lang);
    write_keys(j, lang);
    json_object_end(j);
}

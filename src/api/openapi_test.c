#include "api/api_fixture.h"
#include "api/openapi.h"

/* The OpenAPI document has every route, and the declarations of the routes are complete. */

static json_t *document_in(enum lang lang)
{
    struct buf out;
    json_error_t why;

    assert_int_equal(openapi_write(&out, lang), MU_OK);
    json_t *document = json_loadb((const char *)out.data, out.len, JSON_REJECT_DUPLICATES, &why);
    if (!document)
        fail_msg("position %d: %s", why.position, why.text);
    buf_free(&out);
    return document;
}

static const json_t *operation_of(const json_t *document, const struct api_route *route)
{
    static const char *const methods[] = { "get", "post", "put", "delete" };
    const json_t *path = json_object_get(json_object_get(document, "paths"), route->path);

    return json_object_get(path, methods[route->method]);
}

static const json_t *parameter_of(const json_t *operation, const struct param *wanted)
{
    static const char *const places[] = { "path", "query", "header" };
    const json_t *p;
    size_t i;

    json_array_foreach(json_object_get(operation, "parameters"), i, p)
    {
        if (strcmp(json_string_value(json_object_get(p, "name")), wanted->name) == 0 &&
            strcmp(json_string_value(json_object_get(p, "in")), places[wanted->in]) == 0)
            return p;
    }
    return NULL;
}

static const json_t *body_property_of(const json_t *operation, const struct param *wanted)
{
    const json_t *schema = json_object_get(operation, "requestBody");

    for (const char *const *key =
             (const char *const[]){ "content", "application/json", "schema", "properties", wanted->name, NULL };
         *key; key++)
        schema = json_object_get(schema, *key);
    return schema;
}

/* --- the document ---------------------------------------------------------------------------------*/
static void every_route_is_in_it_with_its_parameters(void **state)
{
    (void)state;
    json_t *document = document_in(LANG_EN);
    size_t routes = 0, operations = 0;
    json_t *path;
    const char *key;

    EACH_ROUTE(chapter, route)
    {
        const json_t *operation = operation_of(document, *route);
        if (!operation)
            fail_msg("%s is missing", (*route)->path);
        for (size_t i = 0; i < (*route)->param_count; i++) {
            const struct param *p = &(*route)->params[i];
            if (!(p->in == IN_BODY ? body_property_of(operation, p) : parameter_of(operation, p)))
                fail_msg("%s: %s is missing", (*route)->path, p->name);
        }
        routes++;
    }
    json_object_foreach(json_object_get(document, "paths"), key, path) operations += json_object_size(path);
    assert_int_equal(routes, operations);
    json_decref(document);
}

static void operations_are_named_as_the_document_names_them(void **state)
{
    (void)state;
    json_t *seen = json_object();
    bool found = false;

    EACH_ROUTE(chapter, route)
    {
        char id[OPENAPI_ID_MAX];
        openapi_operation_id(*route, id);
        assert_null(json_object_get(seen, id));
        json_object_set_new(seen, id, json_true());
        found = found || strcmp(id, "get_v1_products_product_key_devices_did_online") == 0;
    }
    assert_true(found);
    assert_non_null(json_object_get(seen, "post_v1_products_product_key_access_token"));
    assert_non_null(json_object_get(seen, "get_v1_products_product_key_devices_search"));
    json_decref(seen);
}

static void assert_refs_resolve(const json_t *document, json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    json_array_foreach(value, i, member) assert_refs_resolve(document, member);
    json_object_foreach(value, key, member)
    {
        if (strcmp(key, "$ref") == 0) {
            char path[128];
            const json_t *target = document;
            assert_true(snprintf(path, sizeof(path), "%s", json_string_value(member)) < 128);
            for (char *rest = path + 2, *part; (part = strsep(&rest, "/"));)
                target = json_object_get(target, part);
            if (!target)
                fail_msg("%s leads nowhere", json_string_value(member));
        } else {
            assert_refs_resolve(document, member);
        }
    }
}

static void every_reference_leads_somewhere(void **state)
{
    (void)state;
    json_t *document = document_in(LANG_EN);

    assert_refs_resolve(document, document);
    json_decref(document);
}

static void it_speaks_both_languages(void **state)
{
    (void)state;
    json_t *en = document_in(LANG_EN), *zh = document_in(LANG_ZH);

    EACH_ROUTE(chapter, route)
    {
        assert_string_equal(json_string_value(json_object_get(operation_of(en, *route), "summary")),
                            (*route)->summary.en);
        assert_string_equal(json_string_value(json_object_get(operation_of(zh, *route), "summary")),
                            (*route)->summary.zh);
        for (size_t i = 0; i < (*route)->param_count; i++)
            assert_true((*route)->params[i].text.en && (*route)->params[i].text.zh);
    }
    json_decref(en);
    json_decref(zh);
}

static void the_errors_of_a_route_follow_from_its_declaration(void **state)
{
    (void)state;
    bool can[API_ERROR_COUNT];

    EACH_ROUTE(chapter, route)
    {
        openapi_route_errors(*route, can);
        bool takes_token = (*route)->auth == AUTH_TOKEN || (*route)->auth == AUTH_HEADERS;
        assert_int_equal(can[API_TOKEN_INVALID], takes_token);
        assert_int_equal(can[API_ENTERPRISE_UNKNOWN], (*route)->auth == AUTH_HEADERS || (*route)->auth == AUTH_BODY);
        assert_int_equal(can[API_QUOTA_EXCEEDED], (*route)->auth != AUTH_NONE);
        if (strstr((*route)->path, "/{did}/"))
            assert_true(can[API_DEVICE_UNKNOWN] && can[API_DEVICE_OTHER_PRODUCT]);
        if ((*route)->body_example)
            assert_true(can[API_BODY_INVALID] && can[API_FORM_INVALID]);
    }
}

/* --- the declarations -----------------------------------------------------------------------------*/
/* params.c and auth.c depend on this: the n-th capture is the n-th parameter of the path. */
static void every_capture_is_declared_in_the_order_of_the_path(void **state)
{
    (void)state;
    EACH_ROUTE(chapter, route)
    {
        const char *at = (*route)->path;
        size_t i = 0;
        for (; (at = strchr(at, '{')); at++, i++) {
            size_t len = strcspn(at + 1, "}");
            assert_true(i < (*route)->param_count);
            const struct param *p = &(*route)->params[i];
            assert_int_equal(p->in, IN_PATH);
            assert_true(str_eq(str_of(p->name), (struct str){ at + 1, len }));
        }
        for (; i < (*route)->param_count; i++)
            assert_true((*route)->params[i].in != IN_PATH);
        assert_true((*route)->param_count <= PARAM_MAX);
        if ((*route)->auth == AUTH_TOKEN)
            assert_int_equal((*route)->params[0].type, PARAM_PRODUCT);
    }
}

static void a_route_with_a_body_shows_one(void **state)
{
    (void)state;
    EACH_ROUTE(chapter, route)
    {
        bool body = false;
        for (size_t i = 0; i < (*route)->param_count; i++)
            body = body || (*route)->params[i].in == IN_BODY;
        assert_int_equal(body, (*route)->body_example != NULL);
        assert_false(body && (*route)->waits);
    }
}

/* --- the language ---------------------------------------------------------------------------------*/
static void the_language_is_what_the_header_prefers(void **state)
{
    (void)state;
    assert_int_equal(openapi_accepted_lang(STR("")), LANG_EN);
    assert_int_equal(openapi_accepted_lang(STR("zh")), LANG_ZH);
    assert_int_equal(openapi_accepted_lang(STR("zh-CN,zh;q=0.9,en;q=0.8")), LANG_ZH);
    assert_int_equal(openapi_accepted_lang(STR("en-US, en;q=0.9, zh;q=0.5")), LANG_EN);
    assert_int_equal(openapi_accepted_lang(STR("en;q=0.3,ZH-Hant;q=0.7")), LANG_ZH);
    assert_int_equal(openapi_accepted_lang(STR("de, fr")), LANG_EN);
    assert_int_equal(openapi_accepted_lang(STR("*;q=,;;,=,zh;q=0,zhx")), LANG_EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_in_it_with_its_parameters),
        cmocka_unit_test(operations_are_named_as_the_document_names_them),
        cmocka_unit_test(every_reference_leads_somewhere),
        cmocka_unit_test(it_speaks_both_languages),
        cmocka_unit_test(the_errors_of_a_route_follow_from_its_declaration),
        cmocka_unit_test(every_capture_is_declared_in_the_order_of_the_path),
        cmocka_unit_test(a_route_with_a_body_shows_one),
        cmocka_unit_test(the_language_is_what_the_header_prefers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

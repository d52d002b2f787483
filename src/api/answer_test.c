#include "api/answer.h"
#include "api/api_fixture.h"
#include "api/body.h"
#include "api/page.h"

/* Error bodies, request bodies, and the meta object of paged answers. */

static json_t *body_of(struct api_fixture *f)
{
    json_t *body = json_loadb((const char *)f->ex.res.body.data, f->ex.res.body.len, 0, NULL);

    assert_non_null(body);
    return body;
}

/* --- errors -------------------------------------------------------------------------------------*/
static void an_error_has_its_row_and_a_detail(void **state)
{
    struct api_fixture *f = *state;

    begin(f, NULL, "");
    answer_error(&f->ex, API_FORM_INVALID, "mac: required");
    assert_int_equal(f->ex.res.status, 400);
    assert_string_equal(f->ex.res.content_type, "application/json; charset=utf-8");
    assert_string_equal(text_of(f, &f->ex.res.body), "{\"error_message\":\"form invalid\",\"error_code\":5002,"
                                                     "\"detail_message\":\"mac: required\"}");
}

static void an_error_replaces_what_was_written(void **state)
{
    struct api_fixture *f = *state;

    begin(f, NULL, "");
    struct json_out j = answer_json(&f->ex, 200);
    json_array_begin(&j);
    f->ex.res.body.err = MU_E_NOMEM;
    answer_error(&f->ex, API_DEVICE_UNKNOWN, NULL);
    assert_int_equal(f->ex.res.status, 404);
    assert_string_equal(text_of(f, &f->ex.res.body), "{\"error_message\":\"device not exist\",\"error_code\":5301,"
                                                     "\"detail_message\":null}");
}

static void a_failure_without_a_row_has_its_status_as_code(void **state)
{
    struct api_fixture *f = *state;
    static const int statuses[] = { 400, 404, 405, 408, 413, 417, 431, 500, 503 };

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        begin(f, NULL, "");
        answer_failure(&f->ex, statuses[i], NULL);
        json_t *body = body_of(f);
        assert_int_equal(f->ex.res.status, statuses[i]);
        assert_int_equal(json_integer_value(json_object_get(body, "error_code")), statuses[i]);
        assert_true(json_is_string(json_object_get(body, "error_message")));
        assert_true(json_is_null(json_object_get(body, "detail_message")));
        json_decref(body);
    }
}

static void request_numbers_differ_and_are_16_hex_digits(void **state)
{
    struct api_fixture *f = *state;
    uint64_t first = answer_next_request();

    assert_int_equal(answer_next_request(), first + 1);
    begin(f, NULL, "");
    answer_add_request_id(&f->ex, 0x00c0ffee00000001);
    assert_string_equal(text_of(f, &f->ex.res.headers), "X-Request-Id: 00c0ffee00000001\r\n");
}

/* --- bodies -------------------------------------------------------------------------------------*/
static enum api_error parse(struct api_fixture *f, const char *text)
{
    json_t *body = NULL;

    begin(f, NULL, "");
    f->ex.req.body = str_of(text);
    enum api_error error = body_read(&f->call, &body);
    json_decref(body);
    return error;
}

static void only_an_object_is_a_body(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "1", "null", "\"x\"", "{\"a\":1}x", "a=1&b=2", "{\"a\":\"\\u0000\"}", "{\"a\":\"\xff\"}"
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(*state, bad[i]), API_BODY_INVALID);
    assert_int_equal(parse(*state, " {\"a\":[{}]} \n"), API_OK);
}

/* --- paging -------------------------------------------------------------------------------------*/
static json_t *meta_of(struct api_fixture *f, const char *path, const char *query, struct page page, uint64_t total)
{
    begin(f, NULL, query);
    f->ex.req.path = str_of(path);
    struct json_out j = answer_json(&f->ex, 200);
    page_write_meta(&j, &f->ex.req, &page, total);
    return body_of(f);
}

static void assert_link(const json_t *meta, const char *key, const char *link)
{
    const json_t *v = json_object_get(meta, key);

    if (link)
        assert_string_equal(json_string_value(v), link);
    else
        assert_true(json_is_null(v));
}

static void a_page_alone_has_no_links(void **state)
{
    json_t *meta = meta_of(*state, "/v1/x", "", (struct page){ .limit = 20, .skip = 0 }, 20);

    assert_link(meta, "previous", NULL);
    assert_link(meta, "next", NULL);
    assert_int_equal(json_integer_value(json_object_get(meta, "total")), 20);
    assert_int_equal(json_integer_value(json_object_get(meta, "limit")), 20);
    assert_int_equal(json_integer_value(json_object_get(meta, "skip")), 0);
    json_decref(meta);
}

static void links_keep_the_other_parameters(void **state)
{
    json_t *meta = meta_of(*state, "/v1/x", "city=%E5%B9%BF&skip=5&flag&limit=2&&ski%70=1",
                           (struct page){ .limit = 2, .skip = 5 }, 100);

    assert_link(meta, "previous", "/v1/x?city=%E5%B9%BF&flag=&limit=2&skip=3");
    assert_link(meta, "next", "/v1/x?city=%E5%B9%BF&flag=&limit=2&skip=7");
    json_decref(meta);
}

static void the_first_page_is_the_previous_one_of_a_short_skip(void **state)
{
    json_t *meta = meta_of(*state, "/v1/x", "", (struct page){ .limit = 20, .skip = 3 }, 4);

    assert_link(meta, "previous", "/v1/x?limit=20&skip=0");
    assert_link(meta, "next", NULL);
    json_decref(meta);
}

static void a_doubled_slash_does_not_make_a_host_of_the_path(void **state)
{
    json_t *meta = meta_of(*state, "//v1///x/", "", (struct page){ .limit = 1, .skip = 0 }, 2);

    assert_link(meta, "next", "/v1/x/?limit=1&skip=1");
    json_decref(meta);
}

static void extreme_pages_lead_nowhere(void **state)
{
    json_t *meta = meta_of(*state, "/v1/x", "", (struct page){ .limit = 0, .skip = 0 }, 9);

    assert_link(meta, "next", NULL);
    json_decref(meta);
    meta = meta_of(*state, "/v1/x", "", (struct page){ .limit = 1000, .skip = INT64_MAX }, 9);
    assert_link(meta, "next", NULL);
    assert_link(meta, "previous", "/v1/x?limit=1000&skip=9223372036854774807");
    json_decref(meta);
}

static void rows_over_the_limit_of_an_answer_ask_for_fewer(void **state)
{
    struct api_fixture *f = *state;
    struct page page = { .limit = 1000 };
    struct buf rows;

    begin(f, NULL, "");
    buf_init(&rows, 4);
    buf_append_str(&rows, "12345");
    assert_int_equal(page_answer(&f->call, &page, 1, &rows), API_FORM_INVALID);
    assert_int_equal(strncmp(f->call.detail, "limit: ", 7), 0);
    buf_free(&rows);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_error_has_its_row_and_a_detail),
        TEST(an_error_replaces_what_was_written),
        TEST(a_failure_without_a_row_has_its_status_as_code),
        TEST(request_numbers_differ_and_are_16_hex_digits),
        TEST(only_an_object_is_a_body),
        TEST(a_page_alone_has_no_links),
        TEST(links_keep_the_other_parameters),
        TEST(the_first_page_is_the_previous_one_of_a_short_skip),
        TEST(a_doubled_slash_does_not_make_a_host_of_the_path),
        TEST(extreme_pages_lead_nowhere),
        TEST(rows_over_the_limit_of_an_answer_ask_for_fewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

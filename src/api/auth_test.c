#include "api/api_fixture.h"
#include "api/auth.h"

/* The checks of a caller: token, address list, quota, and the enterprise's headers. */

static const struct api_route with_token = { .auth = AUTH_TOKEN };
static const struct api_route with_headers = { .auth = AUTH_HEADERS };

static struct ip_addr ip(const char *text)
{
    struct ip_addr out;

    assert_int_equal(ip_parse(str_of(text), &out), MU_OK);
    return out;
}

static struct cidr net(const char *text)
{
    struct cidr out;

    assert_int_equal(cidr_parse(str_of(text), &out), MU_OK);
    return out;
}

static enum api_error check(struct api_fixture *f, const char *authorization)
{
    begin(f, &with_token, "");
    if (authorization)
        add_header(f, "Authorization", authorization);
    return auth_check(&f->call);
}

/* --- the token ----------------------------------------------------------------------------------*/
static void a_token_is_read_with_or_without_its_scheme(void **state)
{
    (void)state;
    static const char *const good[] = { "token " TOKEN, "Token " TOKEN, "TOKEN \t  " TOKEN "  ", TOKEN, "  " TOKEN };
    static const char *const bad[] = { "",
                                       "token",
                                       "token ",
                                       "Bearer " TOKEN,
                                       "token" TOKEN,
                                       "token " TOKEN "0",
                                       "token 89D753A234EF42CD90F75DA7489E78A4",
                                       "token " TOKEN " " TOKEN };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(str_eq(auth_token_of(str_of(good[i])), STR(TOKEN)));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(auth_token_of(str_of(bad[i])).at);
}

static void a_token_tells_enterprise_and_product(void **state)
{
    struct api_fixture *f = *state;

    assert_int_equal(check(f, "token " TOKEN), API_OK);
    assert_int_equal(f->call.enterprise->no, 1);
    assert_int_equal(f->call.product->no, 1);
}

static void an_unknown_token_is_5009_and_has_no_rate_headers(void **state)
{
    struct api_fixture *f = *state;

    assert_int_equal(check(f, NULL), API_TOKEN_INVALID);
    assert_non_null(f->call.detail);
    assert_int_equal(check(f, "token 11d753a234ef42cd90f75da7489e78a4"), API_TOKEN_INVALID);
    assert_int_equal(f->ex.res.headers.len, 0);
}

static void tokens_that_look_alike_are_told_apart(void **state)
{
    struct api_fixture *f = *state;
    char other[sizeof(TOKEN)] = TOKEN, header[64];

    for (int i = 0; i < 2; i++) {
        assert_int_equal(check(f, "token " TOKEN), API_OK);
        for (size_t at = 0; at < ID_HEX_LEN; at++) {
            other[at] = TOKEN[at] == '0' ? '1' : '0';
            snprintf(header, sizeof(header), "token %s", other);
            assert_int_equal(check(f, header), API_TOKEN_INVALID);
            other[at] = TOKEN[at];
        }
    }
}

static void an_expired_token_comes_before_an_unknown_product(void **state)
{
    struct api_fixture *f = *state;

    begin(f, &with_token, "");
    add_header(f, "Authorization", "token " EXPIRED);
    f->ex.req.captures[0] = STR("nothing");
    assert_int_equal(auth_check(&f->call), API_TOKEN_EXPIRED);
}

static void an_unknown_product_comes_before_a_foreign_one(void **state)
{
    struct api_fixture *f = *state;

    begin(f, &with_token, "");
    add_header(f, "Authorization", "token " TOKEN);
    f->ex.req.captures[0] = STR("nothing");
    assert_int_equal(auth_check(&f->call), API_PRODUCT_UNKNOWN);
    f->ex.req.captures[0] = STR(OTHER_PRODUCT);
    assert_int_equal(auth_check(&f->call), API_TOKEN_OTHER_PRODUCT);
}

/* --- addresses ------------------------------------------------------------------------------------*/
static void an_address_outside_the_list_is_5012(void **state)
{
    struct api_fixture *f = *state;

    f->enterprise.ip_allow_count = 2;
    f->enterprise.ip_allow[0] = net("10.0.0.0/8");
    f->enterprise.ip_allow[1] = net("2001:db8::/32");
    put_enterprise(f);
    begin(f, &with_token, "");
    add_header(f, "Authorization", TOKEN);
    f->ex.req.peer = ip("11.0.0.1");
    assert_int_equal(auth_check(&f->call), API_IP_NOT_ALLOWED);
    assert_string_equal(f->call.detail, "the call comes from 11.0.0.1");
    f->ex.req.peer = ip("10.1.2.3");
    assert_int_equal(auth_check(&f->call), API_OK);
    f->ex.req.peer = ip("2001:db8::7");
    assert_int_equal(auth_check(&f->call), API_OK);
}

/* --- the quota ------------------------------------------------------------------------------------*/
static void failed_calls_count_and_say_what_is_left(void **state)
{
    struct api_fixture *f = *state;

    assert_int_equal(check(f, "token " EXPIRED), API_TOKEN_EXPIRED);
    assert_non_null(strstr(text_of(f, &f->ex.res.headers), "X-RateLimit-Limit: 3600\r\nX-RateLimit-Remaining: 3599\r\n"
                                                           "X-RateLimit-Reset: "));
    assert_int_equal(check(f, "token " TOKEN), API_OK);
    assert_non_null(strstr(text_of(f, &f->ex.res.headers), "X-RateLimit-Remaining: 3598\r\n"));
}

static void a_used_up_quota_is_5013_with_retry_after(void **state)
{
    struct api_fixture *f = *state;

    f->enterprise.hourly_quota = 2;
    put_enterprise(f);
    enum api_error error = API_OK;
    for (int i = 0; i < 5; i++) /* five: the hour may end once in between, but not twice */
        error = check(f, "token " TOKEN);
    assert_int_equal(error, API_QUOTA_EXCEEDED);
    const char *headers = text_of(f, &f->ex.res.headers);
    assert_non_null(strstr(headers, "X-RateLimit-Remaining: 0\r\n"));
    assert_non_null(strstr(headers, "Retry-After: "));
}

/* --- the enterprise's headers ---------------------------------------------------------------------*/
static enum api_error check_headers(struct api_fixture *f, const char *id, const char *secret)
{
    begin(f, &with_headers, "");
    if (id)
        add_header(f, "X-Gizwits-Enterprise-ID", id);
    if (secret)
        add_header(f, "X-Gizwits-Enterprise-Secret", secret);
    return auth_check(&f->call);
}

static void header_calls_are_refused_in_the_order_of_the_contract(void **state)
{
    struct api_fixture *f = *state;

    assert_int_equal(check_headers(f, NULL, NULL), API_TOKEN_INVALID);
    assert_int_equal(check_headers(f, "nobody", SECRET), API_ENTERPRISE_UNKNOWN);
    assert_int_equal(check_headers(f, ENTERPRISE, "wrong"), API_ENTERPRISE_SECRET);
    assert_int_equal(check_headers(f, ENTERPRISE, NULL), API_ENTERPRISE_SECRET);
    assert_int_equal(f->ex.res.headers.len, 0);
    assert_int_equal(check_headers(f, ENTERPRISE, SECRET), API_OK);
    assert_int_equal(f->call.enterprise->no, 1);
}

static void a_secret_that_need_not_be_given_must_still_be_right(void **state)
{
    struct api_fixture *f = *state;

    f->enterprise.secret_required = false;
    put_enterprise(f);
    assert_int_equal(check_headers(f, ENTERPRISE, NULL), API_OK);
    assert_int_equal(check_headers(f, ENTERPRISE, "wrong"), API_ENTERPRISE_SECRET);
}

static void a_token_serves_instead_of_the_headers(void **state)
{
    struct api_fixture *f = *state;

    begin(f, &with_headers, "");
    add_header(f, "Authorization", "token " TOKEN);
    assert_int_equal(auth_check(&f->call), API_OK);
    assert_int_equal(f->call.enterprise->no, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_read_with_or_without_its_scheme),
        TEST(a_token_tells_enterprise_and_product),
        TEST(an_unknown_token_is_5009_and_has_no_rate_headers),
        TEST(tokens_that_look_alike_are_told_apart),
        TEST(an_expired_token_comes_before_an_unknown_product),
        TEST(an_unknown_product_comes_before_a_foreign_one),
        TEST(an_address_outside_the_list_is_5012),
        TEST(failed_calls_count_and_say_what_is_left),
        TEST(a_used_up_quota_is_5013_with_retry_after),
        TEST(header_calls_are_refused_in_the_order_of_the_contract),
        TEST(a_secret_that_need_not_be_given_must_still_be_right),
        TEST(a_token_serves_instead_of_the_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

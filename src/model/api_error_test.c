#include "base/unit_test.h"

#include "model/api_error.h"

static void every_error_has_a_row_and_a_code_of_its_own(void **state)
{
    (void)state;
    for (int i = API_OK + 1; i < API_ERROR_COUNT; i++) {
        const struct api_error_row *row = api_error_row((enum api_error)i);
        assert_true(row->status >= 400 && row->status < 600);
        assert_true(*row->message);
        for (int k = API_OK + 1; k < i; k++)
            assert_int_not_equal(row->code, api_error_row((enum api_error)k)->code);
    }
    assert_int_equal(api_error_row(API_ATTR_UNKNOWN)->status, 404);
    assert_int_equal(api_error_row(API_ATTR_UNKNOWN)->code, 5405);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_row_and_a_code_of_its_own),
    };
    return cmocka_run_group_tests_name("api_error", tests, NULL, NULL);
}

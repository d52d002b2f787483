/* The values of an entry, as JSON and as a row. */
#include "base/unit_test.h"

#include <stdlib.h>

#include "transfer/values.h"

#define OBJECT                                                                               \
    "{\"none\":null,\"yes\":true,\"no\":false,\"int\":-9223372036854775808,\"real\":113.28," \
    "\"whole\":3.0,\"\":\"\","                                                               \
    "\"text\":\"a\\n\\\"\xe4\xb8\xad\",\"list\":[1,{\"a\":[]}]}"

static void write_row(struct buf *out, size_t line, const char *text)
{
    json_t *object = json_loads(text, 0, NULL);
    struct values values = { 0 };

    buf_init(out, 1000);
    assert_int_equal(values_of_json(&values, object), MU_OK);
    size_t begun = values_row_begin(out, line);
    for (size_t i = 0; i < values.count; i++)
        values_row_add(out, str_of(values.at[i].name), &values.at[i]);
    values_row_end(out, begun);
    assert_int_equal(out->err, MU_OK);
    values_free(&values);
    json_decref(object);
}

static void a_row_gives_what_the_object_gave(void **state)
{
    struct values values = { 0 };
    struct buf out;
    size_t line;

    (void)state;
    write_row(&out, 17, OBJECT);
    struct str rest = { (char *)out.data, out.len };
    assert_int_equal(values_row_take(&rest, &line, &values), MU_OK);
    assert_int_equal(rest.len, 0);
    assert_int_equal(line, 17);
    assert_int_equal(values.count, 9);
    assert_int_equal(values_find(&values, "none")->type, VALUE_NULL);
    assert_true(values_find(&values, "yes")->truth);
    assert_int_equal(values_find(&values, "no")->type, VALUE_BOOL);
    assert_false(values_find(&values, "no")->truth);
    assert_true(values_find(&values, "int")->integer == INT64_MIN);
    assert_true(values_find(&values, "int")->real < -9e18);
    assert_true(values_find(&values, "real")->real == 113.28);
    assert_int_equal(values_find(&values, "whole")->type, VALUE_INTEGER);
    assert_int_equal(values_find(&values, "whole")->integer, 3);
    assert_true(values_find(&values, "whole")->real == 3);
    assert_int_equal(values_find(&values, "")->text.len, 0);
    assert_string_equal(values_find(&values, "text")->text.at, "a\n\"\xe4\xb8\xad");
    assert_int_equal(json_array_size(values_find(&values, "list")->json), 2);
    assert_null(values_find(&values, "other"));
    values_free(&values);
    buf_free(&out);
}

/* The copy is exactly as long as the data, so a sanitizer notices a read beyond its end. */
static enum mu_err take_from(const uint8_t *data, size_t len)
{
    char *copy = malloc(len + !len);
    struct values values = { 0 };
    struct str rest = { copy, len };
    enum mu_err err;
    size_t line;

    memcpy(copy, data, len);
    err = values_row_take(&rest, &line, &values);
    values_free(&values);
    free(copy);
    return err;
}

static void what_is_no_row_is_refused(void **state)
{
    struct buf out;

    (void)state;
    write_row(&out, 1, OBJECT);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(take_from(out.data, len), MU_E_SYNTAX);
    for (size_t at = 0; at < out.len; at++) {
        uint8_t was = out.data[at];
        for (unsigned changed = 0; changed < 256; changed += 5) {
            out.data[at] = (uint8_t)changed;
            (void)!take_from(out.data, out.len);
        }
        out.data[at] = was;
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_gives_what_the_object_gave),
        cmocka_unit_test(what_is_no_row_is_refused),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}

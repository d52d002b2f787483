/* Rows in bulk: each is taken by itself, and the same row again changes nothing. */
#include "transfer/import_fixture.h"

#include "transfer/export.h"

static const struct audit_by by = { .uid = 0, .command = "test" };

/* --- importing ------------------------------------------------------------------------------------*/

struct imported {
    enum mu_err err;
    unsigned created, updated, unchanged, refused;
    char report[4000];
    uint32_t numbers[16];
    size_t number_count;
    struct import_told told; /* of the last row */
};

static struct imported import(struct registry_fixture *f, enum import_kind kind, struct str seen, const char *text)
{
    struct buf report, rows;
    struct imported out = { 0 };

    buf_init(&rows, 100000);
    write_rows(&rows, text);
    buf_init(&report, sizeof(out.report) - 1);
    struct import_batch batch = {
        .kind = kind, .now_s = NOW, .rows = { (char *)rows.data, rows.len }, .seen = seen, .report = &report
    };
    out.err = import_rows(f->reg, &by, &batch);
    out.created = batch.created;
    out.updated = batch.updated;
    out.unchanged = batch.unchanged;
    out.refused = batch.refused;
    out.number_count = batch.numbers.len / sizeof(uint32_t);
    assert_true(out.number_count <= 16);
    if (batch.numbers.len)
        memcpy(out.numbers, batch.numbers.data, batch.numbers.len);
    if (batch.told.len)
        memcpy(&out.told, batch.told.data + batch.told.len - sizeof(out.told), sizeof(out.told));
    if (report.len)
        memcpy(out.report, report.data, report.len);
    import_batch_free(&batch);
    buf_free(&report);
    buf_free(&rows);
    return out;
}

#define NOTHING_SEEN ((struct str){ 0 })

static void must_count(const struct imported *i, unsigned created, unsigned updated, unsigned unchanged,
                       unsigned refused)
{
    if (i->err != MU_OK || i->created != created || i->updated != updated || i->unchanged != unchanged ||
        i->refused != refused)
        fail_msg("%u %u %u %u: %s", i->created, i->updated, i->unchanged, i->refused, i->report);
}

#define ROW(line, mac) #line " {'product_key': '" PK "', 'mac': '" mac "', 'passcode': 'p'}\n"

static void a_wrong_row_leaves_nothing_and_the_others_stay(void **state)
{
    struct registry_fixture *f = *state;
    struct imported i;

    must_apply(f, "{'products': [{'product_key': '" PK "'}]}");
    i = import(f, IMPORT_DEVICES, NOTHING_SEEN,
               ROW(2, "one") "3 {'product_key': '" PK "', 'mac': 'two', 'type': 'x', 'colour': 1}\n" ROW(7, "three"));
    must_count(&i, 2, 0, 0, 1);
    assert_string_equal(i.report,
                        "line 3: type: must be one of \"normal\", \"center_control\", \"sub_dev\", \"bluetooth\"\n"
                        "line 3: colour: unknown field\n");
    assert_int_equal(i.number_count, 2);
    uint64_t before = last_change(f);
    i = import(f, IMPORT_DEVICES, NOTHING_SEEN, ROW(1, "three") ROW(2, "one"));
    must_count(&i, 0, 0, 2, 0);
    assert_true(last_change(f) == before);
}

static void what_earlier_rows_were_about_is_refused(void **state)
{
    struct registry_fixture *f = *state;
    uint8_t bits[8] = { 0 };
    struct imported i;

    must_apply(f, "{'products': [{'product_key': '" PK "'}]}");
    i = import(f, IMPORT_DEVICES, NOTHING_SEEN, ROW(2, "one") ROW(3, "two") ROW(4, "one"));
    must_count(&i, 2, 0, 0, 1);
    assert_string_equal(i.report, "line 4: an earlier line is about the same one\n");
    bits[i.numbers[1] / 8] |= (uint8_t)(1u << i.numbers[1] % 8);
    i = import(f, IMPORT_DEVICES, (struct str){ (char *)bits, sizeof(bits) },
               "5 {'product_key': '" PK "', 'mac': 'two', 'city': 'x'}\n" ROW(6, "one"));
    must_count(&i, 0, 0, 1, 1);
    assert_string_equal(i.report, "line 5: an earlier line is about the same one\n");
}

static void a_row_tells_what_the_device_did(void **state)
{
    struct registry_fixture *f = *state;

    must_apply(f, "{'products': [{'product_key': '" PK "'}]}");
    struct imported i =
        import(f, IMPORT_DEVICES, NOTHING_SEEN,
               "1 {'product_key': '" PK "', 'mac': 'm', 'activated_at': 1000, 'wifi_soft_version': 'v', "
               "'active_days': '1970-01-02 2023-02-27..2023-03-01'}\n");
    must_count(&i, 1, 0, 0, 0);
    assert_int_equal(i.told.device, i.numbers[0]);
    assert_int_equal(i.told.activated_at, 1000);
    assert_int_equal(i.told.online_latest, 0);
    assert_int_equal(i.told.day_count, 4);
    assert_int_equal(i.told.last_report, 19417 * 86400 + 43200); /* noon of 2023-03-01 */
    assert_string_equal(i.told.versions[3], "v");
    must_refuse(f, "{'devices': [{'did': '" DID "', 'product_key': '" PK "', 'mac': 'n', 'activated_at': 1}]}",
                "devices[0].activated_at: unknown field");
}

static void days_that_are_none_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2023-02-29",
        "2023-2-1",
        "2023-02-01 ",
        "2023-02-02..2023-02-01",
        "1969-12-31",
        "2023-02-01,2023-02-02",
        "2000-01-01..2020-01-01",
        "2023-13-01",
    };
    struct registry_fixture *f = *state;

    must_apply(f, "{'products': [{'product_key': '" PK "'}]}");
    for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
        char row[300];
        snprintf(row, sizeof(row), "1 {'product_key': '" PK "', 'mac': 'm', 'active_days': '%s'}\n", wrong[k]);
        struct imported i = import(f, IMPORT_DEVICES, NOTHING_SEEN, row);
        must_count(&i, 0, 0, 0, 1);
        assert_non_null(strstr(i.report, "line 1: active_days: must be days and ranges"));
    }
}

/* --- exporting ------------------------------------------------------------------------------------*/

static void export(struct registry_fixture *f, enum import_kind kind, uint64_t limit, struct buf *rows)
{
    struct export_page page = { .kind = kind, .limit = limit, .rows = rows };

    do {
        page.after = page.next;
        assert_int_equal(export_rows(f->reg, &page), MU_OK);
    } while (page.next);
}

/* Puts numbers before the lines, as an import expects them. */
static void number(const struct buf *rows, char *out, size_t size)
{
    size_t len = 0, line = 1;

    for (const char *at = (char *)rows->data, *end = at + rows->len; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        len += (size_t)snprintf(out + len, size - len, "%zu %.*s\n", line++, (int)(stop - at), at);
        at = stop + 1;
    }
}

static void what_is_exported_changes_nothing_when_it_is_imported(void **state)
{
    struct registry_fixture *f = *state;
    static char text[20000];
    struct imported i;
    struct buf rows;

    must_apply(f, EVERYTHING);
    i = import(f, IMPORT_GROUPS, NOTHING_SEEN,
               "1 {'gid': '" EID "', 'product_key': '" PK "'}\n"
               "2 {'gid': '" EID2 "', 'product_key': '" PK "', 'parent_gid': '" EID "'}\n");
    must_count(&i, 2, 0, 0, 0);
    i = import(f, IMPORT_DEVICES, NOTHING_SEEN, ROW(1, "a") ROW(2, "b") "3 {'did': '" DID "', 'gid': '" EID2 "'}\n");
    must_count(&i, 2, 1, 0, 0);
    i = import(f, IMPORT_BINDINGS, NOTHING_SEEN,
               "1 {'uid': '" UNSEEN "', 'did': '" DID "', 'since': 5, 'until': 5}\n"
               "2 {'uid': '" UNSEEN "', 'did': '" DID "', 'since': 5, 'until': 8}\n"
               "3 {'uid': '" UNSEEN "', 'did': '" DID "', 'since': 8, 'first_bound': 2}\n");
    must_count(&i, 3, 0, 0, 0);
    for (unsigned kind = 0; import_kind_words[kind]; kind++) {
        for (uint64_t limit = 1; limit < 5; limit++) {
            buf_init(&rows, sizeof(text));
            export(f, (enum import_kind)kind, limit, &rows);
            number(&rows, text, sizeof(text));
            buf_free(&rows);
            i = import(f, (enum import_kind)kind, NOTHING_SEEN, text);
            must_count(&i, 0, 0, (unsigned[]){ 1, 3, 2, 4 }[kind], 0);
        }
    }
}

static void what_a_device_did_is_written_as_it_is_read(void **state)
{
    const struct import_told told = { .activated_at = 5, .last_report = 7, .versions = { [1] = "v\"" } };
    const int32_t days[] = { 0, 1, 2, 19417, 19419, 19420 };
    struct buf out;

    (void)state;
    buf_init(&out, 1000);
    struct json_out j = json_out_to(&out);
    json_object_begin(&j);
    export_told(&j, &told, days, 6);
    json_object_end(&j);
    buf_append_u8(&out, 0);
    assert_string_equal((char *)out.data,
                        "{\"activated_at\":5,\"last_report\":7,\"mcu_soft_version\":\"v\\\"\",\"active_days\":"
                        "\"1970-01-01..1970-01-03 2023-03-01 2023-03-03..2023-03-04\"}");
    buf_free(&out);
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_wrong_row_leaves_nothing_and_the_others_stay),
        with_registry(what_earlier_rows_were_about_is_refused),
        with_registry(a_row_tells_what_the_device_did),
        with_registry(days_that_are_none_are_refused),
        with_registry(what_is_exported_changes_nothing_when_it_is_imported),
        cmocka_unit_test(what_a_device_did_is_written_as_it_is_read),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}

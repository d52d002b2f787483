/* A registry over PostgreSQL is asked for many rows at once, one over SQLite for each by itself. That makes no
 * difference. */
#include "transfer/import_fixture.h"

#include <stdlib.h>

#include "transfer/export.h"

enum { FILES = 4, ROWS = 400, FILE_SIZE = 200 * ROWS, DUMP_SIZE = 512 * 1024 };

/* --- files ----------------------------------------------------------------------------------------*/

static unsigned pick(unsigned *seed, unsigned count)
{
    return (unsigned)rand_r(seed) % count;
}

/* Few macs and dids, so that they meet in all ways, in one batch and over batches. */
static void add_row(char *out, size_t size, unsigned *seed, size_t line)
{
    size_t len = (size_t)snprintf(out, size, "%zu {'passcode': '", line);
    bool has_did = pick(seed, 5);

    /* A did that is generated must not be told. */
    if (has_did)
        len += (size_t)snprintf(out + len, size - len, "p%u'", pick(seed, 3));
    else
        len += (size_t)snprintf(out + len, size - len, "q%zu'", line);
    if (has_did)
        len += (size_t)snprintf(out + len, size - len, ", 'did': 'ddddddddddddddddddd%03u'", 222 + pick(seed, 150));
    if (!has_did || pick(seed, 8))
        len += (size_t)snprintf(out + len, size - len, ", 'product_key': '%s', 'mac': '%c%03u'",
                                pick(seed, 3) ? PK : PK2, pick(seed, 50) ? 'm' : ' ', pick(seed, 300));
    if (pick(seed, 3) == 0)
        len += (size_t)snprintf(out + len, size - len, ", 'is_disabled': %s", pick(seed, 3) ? "true" : "false");
    if (pick(seed, 3) == 0)
        len += (size_t)snprintf(out + len, size - len, ", 'gid': '%s'", pick(seed, 4) ? EID2 : EID);
    else if (pick(seed, 20) == 0)
        len += (size_t)snprintf(out + len, size - len, ", 'gid': null");
    snprintf(out + len, size - len, ", 'city': 'c%u'}\n", pick(seed, 3));
}

/* Dids have no 0 and no 1. */
static void make_plain(char *text)
{
    for (char *at = text; (at = strstr(at, "ddddddddddddddddddd")); at += 22) {
        for (char *digit = at + 19; digit < at + 22; digit++)
            *digit = *digit < '2' ? (char)(*digit + 'x' - '0') : *digit;
    }
}

static char *make_file(unsigned *seed)
{
    char *text = calloc(1, FILE_SIZE);

    assert_non_null(text);
    for (size_t line = 1, len = 0; line <= ROWS; line++, len += strlen(text + len))
        add_row(text + len, FILE_SIZE - len, seed, line);
    make_plain(text);
    return text;
}

/* --- importing ------------------------------------------------------------------------------------*/

struct importing {
    struct registry_fixture *f;
    struct buf report;
    uint8_t seen[4096];
    unsigned created, updated, unchanged, refused;
};

static void import(struct importing *im, const char *text)
{
    struct buf rows;

    buf_init(&rows, FILE_SIZE * 2);
    write_rows(&rows, text);
    struct import_batch batch = { .kind = IMPORT_DEVICES,
                                  .now_s = NOW,
                                  .rows = { (char *)rows.data, rows.len },
                                  .seen = { (char *)im->seen, sizeof(im->seen) },
                                  .report = &im->report };
    assert_int_equal(import_rows(im->f->reg, NULL, &batch), MU_OK);
    im->created += batch.created;
    im->updated += batch.updated;
    im->unchanged += batch.unchanged;
    im->refused += batch.refused;
    for (size_t i = 0; i < batch.numbers.len / sizeof(uint32_t); i++) {
        uint32_t no = ((const uint32_t *)(const void *)batch.numbers.data)[i];
        assert_true(no / 8 < sizeof(im->seen));
        im->seen[no / 8] |= (uint8_t)(1u << no % 8);
    }
    import_batch_free(&batch);
    buf_free(&rows);
}

/* --- what is there then ---------------------------------------------------------------------------*/

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A did that was generated is another one each time. */
static void hide_generated(char *line)
{
    char *did = strstr(line, "\"did\":\"");

    if (did && strncmp(did + 7, "ddddddddddddddddddd", 19) != 0)
        memset(did + 7, '?', 22);
}

/* The devices in an order that does not depend on their numbers. */
static char *dump(struct importing *im)
{
    struct buf rows, out;
    struct export_page page = { .kind = IMPORT_DEVICES, .limit = 10000, .rows = &rows };
    char *lines[4 * ROWS], *save = NULL;
    size_t count = 0;

    buf_init(&rows, DUMP_SIZE);
    buf_init(&out, DUMP_SIZE);
    assert_int_equal(export_rows(im->f->reg, &page), MU_OK);
    buf_append_u8(&rows, 0);
    for (char *line = strtok_r((char *)rows.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        assert_true(count < sizeof(lines) / sizeof(*lines));
        hide_generated(line);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), by_text);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s\n", lines[i]);
    buf_printf(&out, "%u %u %u %u\n", im->created, im->updated, im->unchanged, im->refused);
    buf_append(&out, im->report.data, im->report.len);
    buf_append_u8(&out, 0);
    assert_int_equal(out.err, MU_OK);
    buf_free(&rows);
    return (char *)out.data;
}

static void import_all(char *const files[FILES], char *out[FILES])
{
    void *state = NULL;

    assert_int_equal(fixture_setup(&state), 0);
    struct importing im = { .f = state };
    must_apply(im.f, "{'products': [{'product_key': '" PK "'}, {'product_key': '" PK2 "'}]}");
    buf_init(&im.report, DUMP_SIZE);
    struct buf groups;
    buf_init(&groups, 10000);
    write_rows(&groups, "1 {'gid': '" EID "', 'product_key': '" PK "'}\n"
                        "2 {'gid': '" EID2 "', 'product_key': '" PK "', 'parent_gid': '" EID "'}\n");
    struct import_batch batch = {
        .kind = IMPORT_GROUPS, .now_s = NOW, .rows = { (char *)groups.data, groups.len }, .report = &im.report
    };
    assert_int_equal(import_rows(im.f->reg, NULL, &batch), MU_OK);
    assert_int_equal(batch.created, 2);
    import_batch_free(&batch);
    buf_free(&groups);
    for (int i = 0; i < FILES; i++) {
        memset(im.seen, 0, sizeof(im.seen));
        import(&im, files[i]);
        out[i] = dump(&im);
    }
    buf_free(&im.report);
    fixture_teardown(&state);
}

static void must_be_equal(const char *text, const char *expected)
{
    struct str a = str_of(text), b = str_of(expected);

    while (a.len || b.len) {
        struct str line = str_take_line(&a), other = str_take_line(&b);
        if (!str_eq(line, other))
            fail_msg("%.*s\ninstead of\n%.*s", (int)line.len, line.at, (int)other.len, other.at);
    }
}

static void rows_that_are_looked_at_together_do_what_they_do_alone(void **state)
{
    char *files[FILES], *together[FILES], *alone[FILES];
    unsigned seed = 7;
    (void)state;

    for (int i = 0; i < FILES; i++)
        files[i] = make_file(&seed);
    unsetenv("MUSTER_STORE");
    import_all(files, alone);
    setenv("MUSTER_STORE", "postgres", 1);
    import_all(files, together);
    for (int i = 0; i < FILES; i++) {
        must_be_equal(together[i], alone[i]);
        free(files[i]);
        free(together[i]);
        free(alone[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_are_looked_at_together_do_what_they_do_alone),
    };
    return cmocka_run_group_tests_name("import_ahead", tests, NULL, NULL);
}

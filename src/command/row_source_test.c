/* Rows of files, with the reads cut at every byte: the result must not depend on where a read ends. */
#include "base/unit_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/row_source.h"

struct feed {
    int fd;
    const char *text;
    size_t len, at_once;
};

static void *feed(void *arg)
{
    const struct feed *f = arg;

    for (size_t at = 0; at < f->len;) {
        size_t n = f->len - at < f->at_once ? f->len - at : f->at_once;
        assert_int_equal(write(f->fd, f->text + at, n), n);
        at += n;
    }
    close(f->fd);
    return NULL;
}

static char separator = ',';

static void tell(char *out, size_t size, const struct row_source *s, enum row_found found)
{
    size_t len = strlen(out);

    if (found == ROW_BAD)
        len += (size_t)snprintf(out + len, size - len, "%zu:!%s\n", s->line, s->why);
    if (found != ROW_FOUND)
        return;
    len += (size_t)snprintf(out + len, size - len, "%zu:", s->line);
    for (size_t i = 0; i < s->cell_count; i++)
        len += (size_t)snprintf(out + len, size - len, "%s[%.*s]", s->cells[i].quoted ? "q" : "",
                                (int)s->cells[i].text.len, s->cells[i].text.at);
    snprintf(out + len, size - len, "\n");
}

/* Everything that is read from a text, one line for each row. */
static void read_all(const char *text, size_t len, size_t at_once, enum row_found (*next)(struct row_source *s),
                     char *out, size_t size)
{
    static struct row_source s;
    pthread_t thread;
    enum row_found found;
    int fds[2];

    out[0] = '\0';
    assert_int_equal(pipe(fds), 0);
    struct feed f = { fds[1], text, len, at_once };
    assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
    row_source_init(&s, fds[0]);
    s.separator = separator;
    do {
        s.cell_count = 0;
        found = next(&s);
        if (next == row_source_line && found == ROW_FOUND) {
            s.cells[0] = (struct row_cell){ { (const char *)s.text.data, s.text.len }, false };
            s.cell_count = 1;
        }
        tell(out, size, &s, found);
    } while (found == ROW_FOUND || found == ROW_BAD);
    assert_int_equal(found, ROW_NONE);
    assert_int_equal(s.taken, len);
    row_source_free(&s);
    pthread_join(thread, NULL);
    close(fds[0]);
}

static void must_read_len(const char *text, size_t len, enum row_found (*next)(struct row_source *s),
                          const char *expected)
{
    char out[2000];

    for (size_t at_once = 1; at_once < 12; at_once++) {
        read_all(text, len, at_once, next, out, sizeof(out));
        assert_string_equal(out, expected);
    }
    read_all(text, len, len, next, out, sizeof(out));
    assert_string_equal(out, expected);
}

#define must_read(text, next, expected) must_read_len(text, sizeof(text) - 1, next, expected)

static void cells_are_cut_at_commas_and_rows_at_line_ends(void **state)
{
    (void)state;
    must_read("a,b,c\n1,,3\r\n,\n", row_source_csv, "1:[a][b][c]\n2:[1][][3]\n3:[][]\n");
    must_read("a,b", row_source_csv, "1:[a][b]\n");
    must_read("a,", row_source_csv, "1:[a][]\n");
    must_read(",,", row_source_csv, "1:[][][]\n");
    must_read(" a , b \n", row_source_csv, "1:[ a ][ b ]\n");
    must_read("", row_source_csv, "");
}

static void quotes_hold_commas_quotes_and_line_ends(void **state)
{
    (void)state;
    must_read("\"a,b\",\"c\"\"d\"\r\n\"e\r\nf\ng\",\"\"\nh,i\n", row_source_csv,
              "1:q[a,b]q[c\"d]\n2:q[e\r\nf\ng]q[]\n5:[h][i]\n");
    must_read("\"a\"", row_source_csv, "1:q[a]\n");
}

static void blank_lines_and_the_mark_of_utf8_are_skipped(void **state)
{
    (void)state;
    must_read("\xef\xbb\xbf"
              "a\n\n\r\n\nb\n\n",
              row_source_csv, "1:[a]\n5:[b]\n");
    must_read("\xef\xbb\xbf{}\n\n  \t\r\n[]\r\n", row_source_line, "1:[{}]\n4:[[]]\n");
    must_read("x", row_source_line, "1:[x]\n");
}

static void another_separator_takes_the_place_of_the_comma(void **state)
{
    (void)state;
    separator = ';';
    must_read("a;b,c;\"d;e\"\n;\n", row_source_csv, "1:[a][b,c]q[d;e]\n2:[][]\n");
    separator = '\t';
    must_read("a\tb;c\t\r\n", row_source_csv, "1:[a][b;c][]\n");
    separator = ',';
}

static void the_beginning_is_looked_at_without_being_taken(void **state)
{
    static struct row_source s;
    static const char text[] = "\xef\xbb\xbf\r\na;b\nc;d\n";
    struct str ahead;
    pthread_t thread;
    int fds[2];

    (void)state;
    for (size_t at_once = 1; at_once < sizeof(text); at_once++) {
        assert_int_equal(pipe(fds), 0);
        struct feed f = { fds[1], text, sizeof(text) - 1, at_once };
        assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
        row_source_init(&s, fds[0]);
        assert_int_equal(row_source_begin(&s, &ahead), ROW_FOUND);
        assert_true(str_eq(ahead, STR("\r\na;b\n"))); /* only up to the first line's end, whatever the read returned */
        assert_int_equal(row_source_line(&s), ROW_FOUND);
        assert_int_equal(s.line, 2);
        assert_memory_equal(s.text.data, "a;b", 3);
        row_source_free(&s);
        pthread_join(thread, NULL);
        close(fds[0]);
    }
}

static void cells_count_as_filled_up_to_the_last_one_that_holds_something(void **state)
{
    static struct row_source s;
    static const char text[] = "a,,b,,\n,,,\n\"\",\n";
    static const size_t filled[] = { 3, 0, 0 };
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, sizeof(text) - 1), sizeof(text) - 1);
    close(fds[1]);
    row_source_init(&s, fds[0]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(row_source_csv(&s), ROW_FOUND);
        assert_int_equal(s.filled, filled[i]);
    }
    row_source_free(&s);
    close(fds[0]);
}

static void what_is_wrong_is_told_and_the_next_line_is_read(void **state)
{
    (void)state;
    must_read("a\"b\nc\n", row_source_csv, "1:!a quote is in a cell that does not begin with one\n2:[c]\n");
    must_read("\"a\"b,c\nd\n", row_source_csv, "1:!something follows the closing quote of a cell\n2:[d]\n");
    must_read("=\"0011\",b\nc\n", row_source_csv,
              "1:!a cell is a spreadsheet's formula (=\"...\"); write its text alone, and let the column be "
              "text\n2:[c]\n");
    must_read("a\rb\nc\n", row_source_csv, "1:!a carriage return is alone in a cell without quotes\n2:[c]\n");
    must_read("a\0b\n\"c\0\"\nd\n", row_source_csv, "1:!contains a NUL byte\n2:!contains a NUL byte\n3:[d]\n");
    must_read("a\n\"b\nc\n", row_source_csv, "1:[a]\n2:!a quote is not closed until the end of the file\n");
    must_read("a\n\"", row_source_csv, "1:[a]\n2:!a quote is not closed until the end of the file\n");
}

static void a_row_beyond_the_maximum_is_told_and_the_next_one_is_read(void **state)
{
    static char text[ROW_TEXT_MAX + 100];
    char out[300];

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text + sizeof(text) - 4, "\nb\n", 3);
    read_all(text, sizeof(text) - 1, 60000, row_source_csv, out, sizeof(out));
    assert_string_equal(out, "1:!is longer than 1 MiB\n2:[b]\n");
    read_all(text, sizeof(text) - 1, 60000, row_source_line, out, sizeof(out));
    assert_string_equal(out, "1:!is longer than 1 MiB\n2:[b]\n");
    text[0] = '"';
    read_all(text, sizeof(text) - 1, 60000, row_source_csv, out, sizeof(out));
    assert_string_equal(out, "1:!is longer than 1 MiB; a quote may not be closed\n2:[b]\n");
}

static void cells_beyond_the_maximum_are_counted(void **state)
{
    static struct row_source s;
    char text[200];
    int fds[2];

    (void)state;
    memset(text, ',', sizeof(text));
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], text, sizeof(text)), sizeof(text));
    close(fds[1]);
    row_source_init(&s, fds[0]);
    assert_int_equal(row_source_csv(&s), ROW_FOUND);
    assert_int_equal(s.cell_count, sizeof(text) + 1);
    row_source_free(&s);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_cut_at_commas_and_rows_at_line_ends),
        cmocka_unit_test(quotes_hold_commas_quotes_and_line_ends),
        cmocka_unit_test(blank_lines_and_the_mark_of_utf8_are_skipped),
        cmocka_unit_test(another_separator_takes_the_place_of_the_comma),
        cmocka_unit_test(the_beginning_is_looked_at_without_being_taken),
        cmocka_unit_test(cells_count_as_filled_up_to_the_last_one_that_holds_something),
        cmocka_unit_test(what_is_wrong_is_told_and_the_next_line_is_read),
        cmocka_unit_test(a_row_beyond_the_maximum_is_told_and_the_next_one_is_read),
        cmocka_unit_test(cells_beyond_the_maximum_are_counted),
    };
    return cmocka_run_group_tests_name("row_source", tests, NULL, NULL);
}

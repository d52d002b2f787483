/* Files of rows: the same whatever a read brings, and what has been read is written and read again as the
 * same. The first byte says which kind of rows, in which format. */
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command/row_reader.h"
#include "command/row_writer.h"

enum {
    READ_MAX = 16 * 1024 * 1024,
    ROWS_MAX = 100000,
    PARTS_MAX = 64 /* the kernel keeps no more than a few hundred */
};

static void feed_parts(const uint8_t *bytes, size_t len, struct fuzz_split split, int fd)
{
    for (int i = 0; len; i++) {
        size_t part = i < PARTS_MAX ? fuzz_next_part(&split, len) : len;
        CHECK(send(fd, bytes, part, 0) == (ssize_t)part);
        bytes += part;
        len -= part;
    }
}

/* All rows, as the registry takes them, into rows; with line numbers and mistakes, into told. */
static void read_all(const uint8_t *bytes, size_t len, struct fuzz_split split, uint8_t kind, struct buf *rows,
                     struct buf *told)
{
    static struct row_reader r; /* too large for a stack */
    enum row_found found;
    unsigned count = 0;
    int fds[2];

    /* Packets: a read brings one of them. */
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
    feed_parts(bytes, len, split, fds[1]);
    close(fds[1]);
    buf_clear(rows);
    buf_clear(told);
    found = row_reader_open(&r, fds[0], kind % 4, kind & 4 ? FORMAT_NDJSON : FORMAT_CSV);
    if (found != ROW_FOUND)
        buf_printf(told, "header: %s\n", r.source.why);
    while (found == ROW_FOUND || (found == ROW_BAD && count)) {
        size_t before = rows->len;
        found = row_reader_next(&r, rows);
        CHECK(found == ROW_FOUND || rows->len == before);
        buf_printf(told, "%zu: %s\n", r.source.line, found == ROW_BAD ? r.source.why : "");
        CHECK(++count < ROWS_MAX);
    }
    CHECK(found != ROW_UNREADABLE && (found != ROW_NONE || r.source.taken == len));
    CHECK(rows->err == MU_OK && told->err == MU_OK);
    CHECK(str_utf8((struct str){ (const char *)told->data, told->len }));
    row_reader_close(&r);
    close(fds[0]);
}

/* --- and back ----------------------------------------------------------------------------------------*/
static json_t *json_of(const struct value *v)
{
    switch (v->type) {
    case VALUE_BOOL: return json_boolean(v->truth);
    case VALUE_INTEGER: return json_integer(v->integer);
    case VALUE_REAL: /* a whole one is written as an integer */
        if (v->real == trunc(v->real) && fabs(v->real) < 9e18)
            return json_integer((json_int_t)v->real);
        return json_real(v->real);
    case VALUE_TEXT: return json_stringn(v->text.at, v->text.len);
    case VALUE_JSON: return json_incref(v->json);
    case VALUE_NULL: break;
    }
    return NULL; /* no export has one */
}

/* The rows as JSON, which is what an export writes from; false if there is one that no export has. */
static bool to_json(const struct buf *rows, struct buf *lines)
{
    struct values values = { 0 };
    bool good = true;
    size_t line;
    uint8_t *copy = malloc(rows->len + 1); /* values_row_take may write to it */
    memcpy(copy, rows->data ? rows->data : copy, rows->len);
    struct str rest = { (const char *)copy, rows->len };

    buf_clear(lines);
    while (good && rest.len) {
        CHECK(values_row_take(&rest, &line, &values) == MU_OK);
        json_t *object = json_object();
        for (size_t i = 0; good && i < values.count; i++) {
            json_t *value = json_of(&values.at[i]);
            good = value && json_object_set_new(object, values.at[i].name, value) == 0;
        }
        char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
        CHECK(text);
        buf_append_str(lines, text);
        buf_append_u8(lines, '\n');
        free(text);
        json_decref(object);
    }
    values_free(&values);
    free(copy);
    return good;
}

static void check_written(const struct buf *lines, uint8_t kind)
{
    static struct buf rows, told, again;
    struct row_writer w;
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);

    buf_init(&rows, READ_MAX);
    buf_init(&told, READ_MAX);
    buf_init(&again, READ_MAX);
    row_writer_init(&w, file, kind % 4, kind & 4 ? FORMAT_NDJSON : FORMAT_CSV);
    CHECK(row_writer_add(&w, (struct str){ (const char *)lines->data, lines->len }) == MU_OK);
    row_writer_free(&w);
    CHECK(fclose(file) == 0);
    read_all((const uint8_t *)text, len, FUZZ_WHOLE, kind, &rows, &told);
    CHECK(to_json(&rows, &again));
    CHECK_SAME(lines, &again);
    free(text);
    buf_free(&rows);
    buf_free(&told);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    static struct buf rows, told, again, told_again;

    if (len < 1)
        return 0;
    buf_init(&rows, READ_MAX);
    buf_init(&told, READ_MAX);
    buf_init(&again, READ_MAX);
    buf_init(&told_again, READ_MAX);
    read_all(input + 1, len - 1, FUZZ_WHOLE, input[0], &rows, &told);
    read_all(input + 1, len - 1, fuzz_split(input, len), input[0], &again, &told_again);
    CHECK_SAME(&rows, &again);
    CHECK_SAME(&told, &told_again);
    if (to_json(&rows, &again))
        check_written(&again, input[0]);
    buf_free(&rows);
    buf_free(&told);
    buf_free(&again);
    buf_free(&told_again);
    return 0;
}

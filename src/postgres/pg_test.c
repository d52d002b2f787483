/* A connection to PostgreSQL: values there and back, statements that are sent along, transactions, COPY, what errors
 * mean, a server that goes away, and the versions of a schema. */
#include "postgres/pg.h"

#include "base/unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "postgres/pg_fixture.h"

static char uri[PG_FIXTURE_URI];
static char why[400];

static struct pg *open_pg(void)
{
    struct pg *pg;
    struct pg_settings settings = { .uri = uri, .schema = "public", .event = "pg_failed", .statement_s = 20 };

    why[0] = '\0';
    if (pg_open(&pg, &settings, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return pg;
}

static void exec(struct pg *pg, const char *sql)
{
    assert_int_equal(pg_exec(pg, sql), MU_OK);
}

static int64_t count(struct pg *pg, const char *sql)
{
    int64_t n = -1;

    assert_int_equal(pg_get(pg, sql, NULL, 0, pg_read_int, &n, NULL), MU_OK);
    return n;
}

static int fresh(void **state)
{
    (void)state;
    pg_fixture_database(uri);
    return 0;
}

/* --- values ---------------------------------------------------------------------------------------*/

struct all_types {
    int64_t b, i2, i4, i8, null;
    double f8;
    bool has_f8, has_null;
    char text[32], bytes[8];
};

static void read_all(struct pg_row *row, void *out)
{
    struct all_types *a = out;

    a->b = pg_col_int(row);
    a->i2 = pg_col_int(row);
    a->i4 = pg_col_int(row);
    a->i8 = pg_col_int(row);
    a->f8 = pg_col_real(row, &a->has_f8);
    assert_true(str_copy(a->text, sizeof(a->text), pg_col_str(row)));
    struct str bytes = pg_col_str(row);
    assert_int_equal(bytes.len, sizeof(a->bytes));
    memcpy(a->bytes, bytes.at, sizeof(a->bytes));
    a->has_null = !pg_col_is_null(row);
    a->null = pg_col_int(row);
}

static void each_type_comes_back_as_it_was(void **state)
{
    struct pg *pg = open_pg();
    struct all_types a;
    (void)state;

    exec(pg, "CREATE TABLE t (b bool, i2 int2, i4 int4, i8 int8, f8 float8, x text, y bytea, n int4)");
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                            PG_VALUES(pg_int(1), pg_int(-2), pg_int(INT32_MIN), pg_int(INT64_MIN), pg_real(-0.1),
                                      pg_text("gr\xc3\xbc\xc3\x9f"), pg_bytes("\0\1\2\3\xff\xfe\0\0", 8), pg_null()),
                            NULL),
                     MU_OK);
    assert_int_equal(pg_get(pg, "SELECT * FROM t", NULL, 0, read_all, &a, NULL), MU_OK);
    assert_int_equal(a.b, 1);
    assert_int_equal(a.i2, -2);
    assert_int_equal(a.i4, INT32_MIN);
    assert_true(a.i8 == INT64_MIN);
    assert_true(a.has_f8 && a.f8 == -0.1);
    assert_string_equal(a.text, "gr\xc3\xbc\xc3\x9f");
    assert_memory_equal(a.bytes, "\0\1\2\3\xff\xfe\0\0", 8);
    assert_true(!a.has_null && a.null == 0);
    pg_close(pg);
}

static void an_empty_text_is_not_null(void **state)
{
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (x text NOT NULL, y bytea NOT NULL)");
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES ($1, $2)", PG_VALUES(pg_text(""), pg_bytes(NULL, 0)), NULL),
                     MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES ($1, $2)", PG_VALUES(pg_text(""), pg_null()), NULL), MU_E_VALUE);
    pg_close(pg);
}

static void a_text_that_the_server_would_refuse_is_not_sent(void **state)
{
    static const char insert[] = "INSERT INTO t VALUES ($1, $2)";
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (x text, n int4)");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_run(pg, insert, PG_VALUES(pg_bytes("a\0b", 3), pg_int(1)), NULL), MU_E_VALUE);
    assert_int_equal(pg_run(pg, insert, PG_VALUES(pg_text("\xff"), pg_int(1)), NULL), MU_E_VALUE);
    assert_int_equal(pg_run(pg, insert, PG_VALUES(pg_text("a"), pg_int(1ll << 31)), NULL), MU_E_VALUE);
    /* So the transaction goes on. */
    assert_int_equal(pg_run(pg, insert, PG_VALUES(pg_text("a"), pg_int(1)), NULL), MU_OK);
    assert_int_equal(pg_commit(pg), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 1);
    pg_close(pg);
}

static void lists_are_rows_by_unnest(void **state)
{
    struct pg *pg = open_pg();
    int64_t numbers[1000];
    struct str texts[1000];
    uint64_t changed = 0;
    (void)state;

    for (int i = 0; i < 1000; i++) {
        numbers[i] = i;
        texts[i] = i % 2 ? STR("odd") : STR("");
    }
    exec(pg, "CREATE TABLE t (n int4, x text, y bytea, m int8)");
    assert_int_equal(
        pg_run(pg, "INSERT INTO t SELECT * FROM unnest($1::int4[], $2::text[], $3::bytea[], $4::int8[])",
               PG_VALUES(pg_ints(numbers, 1000), pg_strs(texts, 1000), pg_strs(texts, 1000), pg_ints(numbers, 1000)),
               &changed),
        MU_OK);
    assert_int_equal(changed, 1000);
    assert_int_equal(count(pg, "SELECT count(*) FROM t WHERE x = 'odd' AND y = 'odd' AND n % 2 = 1 AND n = m"), 500);
    assert_int_equal(pg_run(pg, "DELETE FROM t WHERE n = ANY($1)", PG_VALUES(pg_ints(numbers, 0)), &changed), MU_OK);
    assert_int_equal(changed, 0);
    pg_close(pg);
}

/* --- statements -----------------------------------------------------------------------------------*/

struct sum {
    struct pg *pg;
    int64_t rows, sum;
};

static enum mu_err add(void *ctx, struct pg_row *row)
{
    struct sum *s = ctx;
    int64_t twice = 0, n = pg_col_int(row);

    /* Another statement of the same connection. */
    if (s->rows % 5000 == 0)
        assert_int_equal(pg_get(s->pg, "SELECT $1::int8 * 2", PG_VALUES(pg_int(n)), pg_read_int, &twice, NULL), MU_OK);
    s->rows++;
    s->sum += n;
    return s->rows == 20000 ? MU_E_LIMIT : MU_OK;
}

static void a_big_result_comes_in_portions(void **state)
{
    struct pg *pg = open_pg();
    struct sum s = { .pg = pg };
    (void)state;

    assert_int_equal(pg_begin(pg, PG_READ), MU_OK);
    assert_int_equal(pg_each_big(pg, "SELECT * FROM generate_series(1, $1::int4)", PG_VALUES(pg_int(12345)), add, &s),
                     MU_OK);
    assert_int_equal(s.rows, 12345);
    assert_int_equal(s.sum, 12345 * 12346 / 2);
    s = (struct sum){ .pg = pg };
    assert_int_equal(pg_each_big(pg, "SELECT generate_series(1, 40000)", NULL, 0, add, &s), MU_E_LIMIT);
    assert_int_equal(s.rows, 20000);
    pg_end_read(pg);
    s = (struct sum){ .pg = pg };
    assert_int_equal(pg_each(pg, "SELECT generate_series(1, 10)", NULL, 0, add, &s), MU_OK);
    assert_int_equal(s.sum, 55);
    pg_close(pg);
}

static enum mu_err add_inner(void *ctx, struct pg_row *row)
{
    struct sum *s = ctx;
    return pg_each_big(s->pg, "SELECT $1::int8", PG_VALUES(pg_int(pg_col_int(row))), add, s);
}

static void any_number_of_big_results_come_while_another_one_does(void **state)
{
    struct pg *pg = open_pg();
    struct sum s = { .pg = pg };
    (void)state;

    assert_int_equal(pg_begin(pg, PG_READ), MU_OK);
    assert_int_equal(pg_each_big(pg, "SELECT generate_series(1, 1500)::int8", NULL, 0, add_inner, &s), MU_OK);
    assert_int_equal(s.rows, 1500);
    pg_end_read(pg);
    pg_close(pg);
}

static void two_big_results_are_read_side_by_side(void **state)
{
    struct pg *pg = open_pg();
    struct pg_cursor a, b;
    struct pg_row of_a, of_b;
    bool any_a, any_b;
    (void)state;

    assert_int_equal(pg_begin(pg, PG_READ), MU_OK);
    assert_int_equal(pg_cursor_open(&a, pg, "SELECT generate_series(1, 12000)", NULL, 0), MU_OK);
    assert_int_equal(pg_cursor_open(&b, pg, "SELECT generate_series(1, $1::int4)", PG_VALUES(pg_int(7000))), MU_OK);
    for (int i = 1; i <= 12001; i++) {
        assert_int_equal(pg_cursor_next(&a, &of_a, &any_a), MU_OK);
        assert_int_equal(pg_cursor_next(&b, &of_b, &any_b), MU_OK);
        assert_true(any_a == (i <= 12000) && any_b == (i <= 7000));
        assert_true(!any_a || pg_col_int(&of_a) == i);
        assert_true(!any_b || pg_col_int(&of_b) == i);
    }
    assert_int_equal(pg_cursor_close(&a), MU_OK);
    assert_int_equal(pg_cursor_close(&b), MU_OK);
    assert_int_equal(pg_cursor_open(&a, pg, "SELECT 1 / generate_series(0, 1)", NULL, 0), MU_OK);
    assert_int_equal(pg_cursor_next(&a, &of_a, &any_a), MU_E_VALUE);
    assert_false(any_a);
    assert_int_equal(pg_cursor_close(&a), MU_OK);
    pg_rollback(pg);
    pg_close(pg);
}

static void a_long_read_has_no_time_limit_and_only_itself(void **state)
{
    static const char limit[] = "SELECT extract(epoch FROM current_setting('statement_timeout')::interval)::bigint";
    struct pg *pg = open_pg();
    (void)state;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(pg_begin(pg, PG_READ_LONG), MU_OK);
        assert_int_equal(count(pg, limit), 0);
        i ? pg_rollback(pg) : pg_end_read(pg);
        assert_int_equal(count(pg, limit), 20);
        assert_int_equal(pg_begin(pg, PG_READ), MU_OK);
        assert_int_equal(count(pg, limit), 20);
        pg_rollback(pg);
    }
    pg_close(pg);
}

static void plans_are_not_compiled_and_warnings_are_told_whatever_the_database_says(void **state)
{
    struct pg *pg;
    (void)state;

    pg_fixture_sql(uri,
                   "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET jit = on', current_database());"
                   "EXECUTE format('ALTER DATABASE %I SET client_min_messages = error', current_database()); END$$");
    pg = open_pg();
    assert_int_equal(count(pg, "SELECT (current_setting('jit') = 'off')::int4"), 1);
    assert_null(pg_warning(pg));
    exec(pg, "DO $$BEGIN RAISE NOTICE 'first'; RAISE WARNING 'second'; RAISE NOTICE 'third'; END$$");
    assert_string_equal(pg_warning(pg), "second");
    assert_null(pg_warning(pg));
    pg_close(pg);
}

struct read_row {
    int64_t n, twice;
};

static void read_pair(struct pg_row *row, void *out)
{
    struct read_row *r = out;

    r->n = pg_col_int(row);
    r->twice = pg_col_int(row);
}

static void expect_pair(struct pg *pg, const char *sql, int64_t n, int64_t twice)
{
    struct read_row r;

    assert_int_equal(pg_get(pg, sql, PG_VALUES(pg_int(n), pg_text("t")), read_pair, &r, NULL), MU_OK);
    assert_true(r.n == n && r.twice == twice);
}

/* Another connection changes the rows meanwhile: what is asked for then is the new state. */
static void what_was_read_ahead_is_not_asked_for_again(void **state)
{
    static const char sql[] = "SELECT n, m FROM t WHERE n = $1 AND name = $2";
    struct pg *pg = open_pg(), *other = open_pg();
    struct read_row r;
    (void)state;

    exec(pg, "CREATE TABLE t AS SELECT n, 2 * n AS m, 't' AS name FROM generate_series(1, 300) n WHERE n <> 7");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    for (int i = 0; i < 512; i++) /* each twice */
        assert_int_equal(pg_ahead(pg, sql, PG_VALUES(pg_int(i / 2 + 1), pg_text("t"))), MU_OK);
    assert_int_equal(pg_queue(pg, "CREATE TEMPORARY TABLE u (n int)", NULL, 0), MU_OK);
    assert_int_equal(pg_flush(pg), MU_OK);
    exec(other, "UPDATE t SET m = 0");
    /* In any order, and again; with another value it is asked for. */
    for (int i = 256; i > 0; i--) {
        if (i != 7)
            expect_pair(pg, sql, i, 2 * i);
    }
    expect_pair(pg, sql, 101, 202);
    assert_int_equal(pg_get(pg, sql, PG_VALUES(pg_int(7), pg_text("t")), read_pair, &r, NULL), MU_E_NOT_FOUND);
    expect_pair(pg, sql, 257, 0);
    /* More is added; what is queued before it keeps its place. */
    assert_int_equal(pg_queue(pg, "UPDATE t SET m = 5 WHERE n = 258", NULL, 0), MU_OK);
    assert_int_equal(pg_ahead(pg, sql, PG_VALUES(pg_int(258), pg_text("t"))), MU_OK);
    assert_int_equal(pg_queue(pg, "UPDATE t SET m = 6 WHERE n = 258", NULL, 0), MU_OK);
    expect_pair(pg, sql, 258, 5);
    expect_pair(pg, sql, 102, 204);
    pg_forget_ahead(pg);
    expect_pair(pg, sql, 102, 0);
    expect_pair(pg, sql, 258, 6);
    /* Forgotten before it was read, and with the transaction. */
    assert_int_equal(pg_ahead(pg, sql, PG_VALUES(pg_int(103), pg_text("t"))), MU_OK);
    pg_forget_ahead(pg);
    assert_int_equal(pg_ahead(pg, sql, PG_VALUES(pg_int(104), pg_text("t"))), MU_OK);
    expect_pair(pg, sql, 104, 0);
    pg_rollback(pg);
    pg_close(pg);
    pg_close(other);
}

static void a_read_sees_one_moment(void **state)
{
    struct pg *pg = open_pg(), *other = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (n int)");
    assert_int_equal(pg_begin(pg, PG_READ), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 0);
    exec(other, "INSERT INTO t VALUES (1)");
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 0);
    pg_end_read(pg);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 1);
    pg_close(pg);
    pg_close(other);
}

static void queued_statements_run_before_the_next(void **state)
{
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (n int PRIMARY KEY)");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    for (int i = 0; i < 2500; i++)
        assert_int_equal(pg_queue(pg, "INSERT INTO t VALUES ($1)", PG_VALUES(pg_int(i))), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 2500);
    assert_int_equal(pg_commit(pg), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 2500);
    pg_close(pg);
}

static void a_queued_statement_that_fails_ends_its_transaction(void **state)
{
    struct pg *pg = open_pg();
    int64_t n;
    (void)state;

    exec(pg, "CREATE TABLE t (n int PRIMARY KEY)");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_queue(pg, "INSERT INTO t VALUES (1)", NULL, 0), MU_OK);
    assert_int_equal(pg_queue(pg, "INSERT INTO t VALUES (1)", NULL, 0), MU_OK);
    assert_int_equal(pg_get(pg, "SELECT count(*) FROM t", NULL, 0, pg_read_int, &n, NULL), MU_E_EXISTS);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (2)", NULL, 0, NULL), MU_E_EXISTS);
    assert_int_equal(pg_commit(pg), MU_E_EXISTS);
    assert_false(pg_in_transaction(pg));
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 0);
    pg_close(pg);
}

static void a_savepoint_keeps_what_was_before(void **state)
{
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (n int PRIMARY KEY)");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_queue(pg, "INSERT INTO t VALUES (1)", NULL, 0), MU_OK);
    assert_int_equal(pg_queue(pg, "SAVEPOINT one", NULL, 0), MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (1)", NULL, 0, NULL), MU_E_EXISTS);
    assert_int_equal(pg_queue(pg, "ROLLBACK TO one", NULL, 0), MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (2)", NULL, 0, NULL), MU_OK);
    assert_int_equal(pg_commit(pg), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 2);
    pg_close(pg);
}

static void a_commit_of_a_failed_transaction_is_an_error(void **state)
{
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (n int PRIMARY KEY)");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (1)", NULL, 0, NULL), MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (1)", NULL, 0, NULL), MU_E_EXISTS);
    assert_int_equal(pg_commit(pg), MU_E_IO);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 0);
    pg_close(pg);
}

/* --- COPY -----------------------------------------------------------------------------------------*/

static void copy_takes_many_rows(void **state)
{
    struct pg *pg = open_pg();
    struct buf rows;
    uint64_t copied = 0;
    (void)state;

    exec(pg, "CREATE TABLE t (a int2, b int4, c int8, d bytea)");
    buf_init(&rows, 64 << 20);
    for (int i = 0; i < 100000; i++) {
        pg_put_row(&rows, 4);
        pg_put_int2(&rows, (int16_t)(i % 7 - 3));
        pg_put_int4(&rows, -i);
        pg_put_int8(&rows, 1ll << 40);
        if (i % 2)
            pg_put_bytes(&rows, "\0\1\2", 3);
        else
            pg_put_null(&rows);
    }
    assert_int_equal(rows.err, MU_OK);
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_copy_begin(pg, "COPY t FROM STDIN (FORMAT binary)"), MU_OK);
    assert_int_equal(pg_copy_rows(pg, rows.data, rows.len), MU_OK);
    assert_int_equal(pg_copy_end(pg, &copied), MU_OK);
    assert_int_equal(copied, 100000);
    assert_int_equal(pg_commit(pg), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t WHERE c = 1::int8 << 40 AND b = -99999 AND d = '\\x000102'"), 1);
    assert_int_equal(count(pg, "SELECT count(*) FROM t WHERE d IS NULL"), 50000);
    buf_free(&rows);
    pg_close(pg);
}

static void a_copy_that_fails_leaves_nothing(void **state)
{
    struct pg *pg = open_pg();
    struct buf rows;
    (void)state;

    exec(pg, "CREATE TABLE t (a int4 PRIMARY KEY)");
    buf_init(&rows, 1 << 20);
    for (int i = 0; i < 2; i++) {
        pg_put_row(&rows, 1);
        pg_put_int4(&rows, 7);
    }
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_copy_begin(pg, "COPY missing FROM STDIN (FORMAT binary)"), MU_E_SCHEMA);
    pg_rollback(pg);
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_copy_begin(pg, "COPY t FROM STDIN (FORMAT binary)"), MU_OK);
    assert_int_equal(pg_copy_rows(pg, rows.data, rows.len), MU_OK);
    assert_int_equal(pg_copy_end(pg, NULL), MU_E_EXISTS);
    pg_rollback(pg);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 0);
    buf_free(&rows);
    pg_close(pg);
}

/* --- errors ---------------------------------------------------------------------------------------*/

static void errors_have_their_meanings(void **state)
{
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE a (n int PRIMARY KEY CHECK (n < 10)); CREATE TABLE b (n int REFERENCES a);"
             "INSERT INTO a VALUES (1)");
    assert_int_equal(pg_exec(pg, "INSERT INTO a VALUES (1)"), MU_E_EXISTS);
    assert_int_equal(pg_exec(pg, "INSERT INTO b VALUES (2)"), MU_E_NOT_FOUND);
    assert_int_equal(pg_exec(pg, "INSERT INTO a VALUES (10)"), MU_E_VALUE);
    assert_int_equal(pg_exec(pg, "SELECT 1 / 0"), MU_E_VALUE);
    assert_int_equal(pg_exec(pg, "SELECT * FROM missing"), MU_E_SCHEMA);
    exec(pg, "SET statement_timeout TO 1");
    assert_int_equal(pg_exec(pg, "SELECT pg_sleep(5)"), MU_E_TIMEOUT);
    exec(pg, "SELECT 1");
    pg_close(pg);
}

static void what_cannot_be_connected_to_is_told_without_its_password(void **state)
{
    struct pg *pg;
    struct pg_settings settings = { .schema = "public", .event = "pg_failed" };
    (void)state;

    settings.uri = "postgresql://muster:hunter2@127.0.0.1:1/db?sslmode=disable&password=hunter2";
    assert_int_equal(pg_open(&pg, &settings, why, sizeof(why)), MU_E_CLOSED);
    assert_non_null(strstr(why, "cannot connect to postgresql://muster@127.0.0.1:1/db: "));
    assert_null(strstr(why, "hunter2"));
}

static void a_database_that_is_not_utf8_is_refused(void **state)
{
    struct pg *pg;
    struct pg_settings settings = { .uri = uri, .schema = "public", .event = "pg_failed" };
    (void)state;

    pg_fixture_sql(uri, "CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0");
    char *name = strstr(uri, "/test"), tail[PG_FIXTURE_URI];
    snprintf(tail, sizeof(tail), "%s", strchr(name, '?'));
    snprintf(name, sizeof(uri) - (size_t)(name - uri), "/latin%s", tail);
    assert_int_equal(pg_open(&pg, &settings, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "encoding is LATIN1, and muster needs UTF8"));
}

/* --- a server that goes away ----------------------------------------------------------------------*/

static void a_connection_is_opened_again_but_not_in_a_transaction(void **state)
{
    struct pg *pg = open_pg();
    int64_t n;
    (void)state;

    exec(pg, "CREATE TABLE t (n int)");
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (1)", NULL, 0, NULL), MU_OK);
    pg_fixture_kill();
    assert_int_equal(pg_get(pg, "SELECT count(*) FROM t", NULL, 0, pg_read_int, &n, NULL), MU_E_CLOSED);
    pg_fixture_restart();
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (2)", NULL, 0, NULL), MU_E_CLOSED);
    assert_int_equal(pg_commit(pg), MU_E_CLOSED);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 0);

    /* One that was not used meanwhile is found closed before anything is sent. */
    pg_fixture_restart();
    assert_int_equal(pg_begin(pg, PG_WRITE), MU_OK);
    assert_int_equal(pg_run(pg, "INSERT INTO t VALUES (1)", NULL, 0, NULL), MU_OK);
    assert_int_equal(pg_commit(pg), MU_OK);
    assert_int_equal(count(pg, "SELECT count(*) FROM t"), 1);
    pg_close(pg);
}

static void a_server_that_takes_no_writes_is_left(void **state)
{
    struct pg *pg = open_pg();
    (void)state;

    exec(pg, "CREATE TABLE t (n int); SET default_transaction_read_only TO on");
    assert_int_equal(pg_exec(pg, "INSERT INTO t VALUES (1)"), MU_E_CLOSED);
    /* The new connection does not have the setting. */
    exec(pg, "INSERT INTO t VALUES (1)");
    pg_close(pg);
}

/* --- versions -------------------------------------------------------------------------------------*/

static const char *const steps[] = { "CREATE TABLE a (n int)", "CREATE TABLE b (n int); INSERT INTO b VALUES (1)",
                                     "ALTER TABLE b ADD COLUMN m int NOT NULL DEFAULT 5" };
static const struct pg_schema of_2 = { "public", steps, 2 }, of_3 = { "public", steps, 3 };

static void a_schema_is_made_and_updated(void **state)
{
    struct pg *pg = open_pg();
    unsigned from = 9;
    (void)state;

    assert_int_equal(pg_schema_check(pg, &of_2, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "has no schema public: run muster migrate"));
    assert_int_equal(pg_schema_migrate(pg, &of_2, &from, why, sizeof(why)), MU_OK);
    assert_int_equal(from, 0);
    assert_int_equal(pg_schema_check(pg, &of_2, why, sizeof(why)), MU_OK);
    assert_int_equal(pg_schema_check(pg, &of_3, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "(it is 2, and 3 is needed): run muster migrate"));
    assert_int_equal(pg_schema_migrate(pg, &of_3, &from, why, sizeof(why)), MU_OK);
    assert_int_equal(from, 2);
    assert_int_equal(pg_schema_migrate(pg, &of_3, &from, why, sizeof(why)), MU_OK);
    assert_int_equal(from, 3);
    assert_int_equal(pg_schema_check(pg, &of_3, why, sizeof(why)), MU_OK);
    assert_int_equal(count(pg, "SELECT sum(m)::int FROM b"), 5);
    assert_int_equal(pg_schema_check(pg, &of_2, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "newer version of muster (it is 3, this muster knows 2)"));
    assert_int_equal(pg_schema_migrate(pg, &of_2, &from, why, sizeof(why)), MU_E_SCHEMA);
    pg_close(pg);
}

static void a_step_that_fails_leaves_the_schema_as_it_was(void **state)
{
    static const char *const bad[] = { "CREATE TABLE a (n int)", "CREATE TABLE b (n int); SELECT 1 / 0" };
    struct pg *pg = open_pg();
    unsigned from;
    (void)state;

    assert_int_equal(pg_schema_migrate(pg, &(struct pg_schema){ "public", bad, 2 }, &from, why, sizeof(why)),
                     MU_E_VALUE);
    assert_int_equal(count(pg, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), 0);
    assert_int_equal(pg_schema_migrate(pg, &of_2, &from, why, sizeof(why)), MU_OK);
    pg_close(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_type_comes_back_as_it_was, fresh),
        cmocka_unit_test_setup(an_empty_text_is_not_null, fresh),
        cmocka_unit_test_setup(a_text_that_the_server_would_refuse_is_not_sent, fresh),
        cmocka_unit_test_setup(lists_are_rows_by_unnest, fresh),
        cmocka_unit_test_setup(a_big_result_comes_in_portions, fresh),
        cmocka_unit_test_setup(two_big_results_are_read_side_by_side, fresh),
        cmocka_unit_test_setup(a_long_read_has_no_time_limit_and_only_itself, fresh),
        cmocka_unit_test_setup(plans_are_not_compiled_and_warnings_are_told_whatever_the_database_says, fresh),
        cmocka_unit_test_setup(any_number_of_big_results_come_while_another_one_does, fresh),
        cmocka_unit_test_setup(what_was_read_ahead_is_not_asked_for_again, fresh),
        cmocka_unit_test_setup(a_read_sees_one_moment, fresh),
        cmocka_unit_test_setup(queued_statements_run_before_the_next, fresh),
        cmocka_unit_test_setup(a_queued_statement_that_fails_ends_its_transaction, fresh),
        cmocka_unit_test_setup(a_savepoint_keeps_what_was_before, fresh),
        cmocka_unit_test_setup(a_commit_of_a_failed_transaction_is_an_error, fresh),
        cmocka_unit_test_setup(copy_takes_many_rows, fresh),
        cmocka_unit_test_setup(a_copy_that_fails_leaves_nothing, fresh),
        cmocka_unit_test_setup(errors_have_their_meanings, fresh),
        cmocka_unit_test_setup(what_cannot_be_connected_to_is_told_without_its_password, fresh),
        cmocka_unit_test_setup(a_database_that_is_not_utf8_is_refused, fresh),
        cmocka_unit_test_setup(a_connection_is_opened_again_but_not_in_a_transaction, fresh),
        cmocka_unit_test_setup(a_server_that_takes_no_writes_is_left, fresh),
        cmocka_unit_test_setup(a_schema_is_made_and_updated, fresh),
        cmocka_unit_test_setup(a_step_that_fails_leaves_the_schema_as_it_was, fresh),
    };

    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}

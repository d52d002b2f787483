/* Bare COPY, the least that PostgreSQL does for the journal's messages, through one connection and without anything of
 * muster's:
 *
 *     copy_bench URI BATCH
 *
 * Reads the newest messages of the journal in this database into memory, makes an empty table with the same columns and
 * the same index, and prints "ready". A line of the input lets it write them, BATCH rows in a transaction, each once, for
 * SECONDS at most. It prints a line of JSON: rows per second, its own CPU per row, the time of a transaction, the bytes of
 * the table with its index per row. A second line of the input ends it. */
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS_MAX = 1000000, HEADER = 19, SECONDS = 5, TRAILER = 2 };

static const char table[] =
    "DROP TABLE IF EXISTS bare_copy;"
    "CREATE TABLE bare_copy (device bigint NOT NULL, ts bigint NOT NULL, record bytea NOT NULL);"
    "CREATE INDEX bare_copy_place ON bare_copy (device, ts)";
/* In the order in which the node wrote them. */
static const char newest[] = "COPY (SELECT * FROM (SELECT device, ts, record FROM journal.message"
                             " ORDER BY ts DESC LIMIT 1000000) AS newest ORDER BY ts) TO STDOUT (FORMAT binary)";

static struct {
    PGconn *connection;
    char *bytes; /* the header, then the rows */
    size_t len, count;
    size_t *end; /* of each row */
    double *took_ms;
} all;

static void fail(const char *what)
{
    fprintf(stderr, "copy_bench: %s: %s\n", what, PQerrorMessage(all.connection));
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* state: what the last statement must have come to. */
static double ask(const char *sql, ExecStatusType state)
{
    PGresult *result = PQexec(all.connection, sql);

    if (PQresultStatus(result) != state)
        fail(sql);
    double number = state == PGRES_TUPLES_OK ? atof(PQgetvalue(result, 0, 0)) : 0;
    PQclear(result);
    return number;
}

static void end_copy(void)
{
    PGresult *result;

    while ((result = PQgetResult(all.connection))) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fail("COPY");
        PQclear(result);
    }
}

/* The header comes with the first row, and the trailer as a row of its own. */
static void read_rows(void)
{
    size_t room = 0;
    char *row;
    int len;

    ask(newest, PGRES_COPY_OUT);
    while ((len = PQgetCopyData(all.connection, &row, 0)) > 0) {
        if (all.len + (size_t)len > room && !(all.bytes = realloc(all.bytes, room = 2 * (all.len + (size_t)len))))
            fail("memory");
        memcpy(all.bytes + all.len, row, (size_t)len);
        PQfreemem(row);
        all.len += (size_t)len;
        if (len > TRAILER && all.count < ROWS_MAX)
            all.end[all.count++] = all.len;
    }
    end_copy();
}

static void put(const char *bytes, size_t len)
{
    if (PQputCopyData(all.connection, bytes, (int)len) != 1)
        fail("COPY");
}

static void write_batch(size_t first, size_t end)
{
    size_t from = first ? all.end[first - 1] : HEADER;

    ask("COPY bare_copy FROM STDIN (FORMAT binary)", PGRES_COPY_IN);
    put(all.bytes, HEADER);
    put(all.bytes + from, all.end[end - 1] - from);
    put("\xff\xff", TRAILER);
    if (PQputCopyEnd(all.connection, NULL) != 1)
        fail("COPY");
    end_copy();
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void write_all(size_t batch)
{
    size_t written = 0, batches = 0;
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), now = began;

    while (written < all.count && now - began < SECONDS) {
        size_t end = written + batch < all.count ? written + batch : all.count;
        write_batch(written, end);
        written = end;
        double ended = seconds_of(CLOCK_MONOTONIC);
        all.took_ms[batches++] = (ended - now) * 1e3;
        now = ended;
    }
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    qsort(all.took_ms, batches, sizeof(*all.took_ms), by_time);
    printf("{\"rows\":%zu,\"per_second\":%.0f,\"client_us\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"bytes\":%.2f}\n",
           written, (double)written / (now - began), cpu * 1e6 / (double)written, all.took_ms[batches / 2],
           all.took_ms[batches * 99 / 100],
           ask("SELECT pg_total_relation_size('bare_copy')", PGRES_TUPLES_OK) / (double)written);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char line[16];
    size_t batch = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

    if (!batch) {
        fprintf(stderr, "usage: copy_bench URI BATCH\n");
        return 2;
    }
    all.connection = PQconnectdb(argv[1]);
    all.end = calloc(ROWS_MAX, sizeof(*all.end));
    all.took_ms = calloc(ROWS_MAX, sizeof(*all.took_ms));
    if (PQstatus(all.connection) != CONNECTION_OK || !all.end || !all.took_ms)
        fail(argv[1]);
    read_rows();
    if (!all.count)
        fail("no messages");
    ask("SET client_min_messages = error", PGRES_COMMAND_OK);
    ask(table, PGRES_COMMAND_OK);
    printf("ready\n");
    fflush(stdout);
    if (fgets(line, sizeof(line), stdin))
        write_all(batch);
    (void)!fgets(line, sizeof(line), stdin); /* whoever looks at its CPU does so before it ends */
    PQfinish(all.connection);
    free(all.bytes);
    free(all.end);
    free(all.took_ms);
    return 0;
}

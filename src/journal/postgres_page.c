/* Pages. The running numbers are in the records, so the total of a window is the difference of two numbers, and the
 * number of a page's first row is known before any row is read. Its place is found by search, as in RocksDB
 * (rocks_read.c): order grows with time, so a number between those of two known records lies near the moment between
 * theirs. Here a step of the search is a round trip, so each one asks at several moments at once. A window with a turn is
 * counted and skipped by the server. */
#include "journal/postgres_internal.h"

#include <stdlib.h>

/* So many records are read and passed over rather than searched for. */
enum { NEAR = 200 };
/* Rows that one statement returns at most; a window may hold a year. */
enum { CHUNK = 2000 };
/* Moments that one step of a search asks at: around the one where the number is expected, and evenly. */
enum { AIMED = 6, EVEN = 4, PROBES = AIMED + EVEN };

/* The place of a record; `order` is the number by which pages are counted (struct rocks_spot). */
struct postgres_spot {
    int64_t ts_us;
    uint64_t number, order;
    bool counted;
};

struct postgres_page {
    struct pg *pg;
    const struct journal_window *w;
    uint32_t device;
    enum record_kind kind;
    bool decoded_only;
    int64_t from_us, to_us;
    struct postgres_spot first, last; /* of the window */
    size_t found;                     /* of the two */
    bool turned;
    journal_message_fn message;
    journal_session_fn session;
    void *ctx;

    uint64_t target, rows;     /* the order of the next row, and how many are left */
    struct postgres_spot here; /* the record that was read last */
    uint64_t read, told;       /* of a chunk */
    enum mu_err told_err;      /* what a row returned */
};

/* The same statement for either table. */
#define FOR_TABLE(p, sql_of) ((p)->kind == RECORD_MESSAGE ? sql_of("message") : sql_of("session"))

static enum mu_err look(const struct postgres_page *p, struct pg_row *row, struct postgres_spot *out,
                        struct bytes *whole)
{
    struct record_head head;
    int64_t ts_us = pg_col_int(row);
    struct bytes record = postgres_col_bytes(row);

    if (whole)
        *whole = record;
    enum mu_err err = postgres_head_decode(&record, ts_us, p->kind, &head);
    *out = (struct postgres_spot){ .ts_us = ts_us,
                                   .number = head.number,
                                   .order = p->decoded_only ? head.decoded_number : head.number,
                                   .counted = !p->decoded_only || head.decoded };
    return err;
}

static enum mu_err tell(struct postgres_page *p, struct bytes record, int64_t ts_us)
{
    enum mu_err err = p->kind == RECORD_MESSAGE ? postgres_tell_message(record, ts_us, p->message, p->ctx)
                                                : postgres_tell_session(record, ts_us, p->session, p->ctx);
    p->told_err = err;
    return err;
}

/* --- the ends ------------------------------------------------------------------------------------------ */

#define ENDS(table)                                                                                                \
    "(SELECT 0 AS what, ts, record FROM " table " WHERE device = $1 AND ts BETWEEN $2 AND $3 ORDER BY ts LIMIT 1)" \
    " UNION ALL "                                                                                                  \
    "(SELECT 1, ts, record FROM " table " WHERE device = $1 AND ts BETWEEN $2 AND $3 ORDER BY ts DESC LIMIT 1)"    \
    " UNION ALL "                                                                                                  \
    "(SELECT 2, 0, spans FROM turn WHERE device = $1 AND kind = $4)"

static enum mu_err on_end(void *ctx, struct pg_row *row)
{
    struct postgres_page *p = ctx;
    struct turn_spans spans;
    int64_t what = pg_col_int(row);

    if (what < 2) {
        p->found++;
        return look(p, row, what == 0 ? &p->first : &p->last, NULL);
    }
    pg_col_int(row);
    enum mu_err err = turn_spans_decode(postgres_col_bytes(row), &spans);
    p->turned = err == MU_OK && p->found == 2 && turn_spans_touch(&spans, p->first.ts_us, p->last.ts_us);
    return err;
}

/* --- searching ----------------------------------------------------------------------------------------- */

#define PROBE(table)                                                                                    \
    "SELECT at, r.ts, r.record FROM unnest($2::bigint[]) AS at, LATERAL (SELECT ts, record FROM " table \
    " WHERE device = $1 AND ts BETWEEN at AND $3 ORDER BY ts LIMIT 1) AS r"

/* low's order is below the target and high's not; everything from `end` on has an order of the target or above. */
struct postgres_search {
    struct postgres_page *p;
    struct postgres_spot low, high;
    int64_t end;
};

static enum mu_err on_probe(void *ctx, struct pg_row *row)
{
    struct postgres_search *s = ctx;
    struct postgres_spot at;
    int64_t asked = pg_col_int(row);
    enum mu_err err = look(s->p, row, &at, NULL);

    if (err != MU_OK)
        return err;
    if (at.order < s->p->target) {
        if (at.ts_us > s->low.ts_us)
            s->low = at;
    } else if (asked < s->end) {
        s->high = at;
        s->end = asked;
    }
    return MU_OK;
}

/* The moments to ask at, all of them between low and end. */
static void aim(const struct postgres_search *s, int64_t at[PROBES])
{
    double span = (double)(s->end - s->low.ts_us), records = (double)(s->high.order - s->low.order);
    double expected = (double)(s->p->target - s->low.order) / records, width = NEAR / 4 / records;
    static const int around[AIMED] = { -16, -4, -1, 1, 4, 16 };

    for (int i = 0; i < PROBES; i++) {
        double part = i < AIMED ? expected + around[i] * width : (i - AIMED + 1) / (double)(EVEN + 1);
        int64_t moment = s->low.ts_us + (int64_t)(part * span);
        at[i] = moment <= s->low.ts_us ? s->low.ts_us + 1 : moment >= s->end ? s->end - 1 : moment;
    }
}

/* Brings low and high so near to the target that the records between them can be read. */
static enum mu_err search(struct postgres_search *s)
{
    int64_t at[PROBES];
    enum mu_err err = MU_OK;

    s->end = s->high.ts_us;
    while (err == MU_OK && s->high.number - s->low.number > NEAR && s->end - s->low.ts_us > 1) {
        aim(s, at);
        err = pg_each(s->p->pg, FOR_TABLE(s->p, PROBE),
                      PG_VALUES(pg_int(s->p->device), pg_ints(at, PROBES), pg_int(s->high.ts_us)), on_probe, s);
    }
    return err;
}

/* The moment to read the target from, between two records that are known. */
static enum mu_err find(struct postgres_page *p, struct postgres_spot low, struct postgres_spot high, int64_t *at)
{
    struct postgres_search s = { .p = p, .low = low, .high = high };
    enum mu_err err = low.order < p->target && high.order >= p->target ? search(&s) : MU_OK;

    *at = p->w->newest_first ? s.high.ts_us : s.low.ts_us;
    return err;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

#define UP(table) "SELECT ts, record FROM " table " WHERE device = $1 AND ts BETWEEN $2 AND $3 ORDER BY ts LIMIT $4"
#define DOWN(table) \
    "SELECT ts, record FROM " table " WHERE device = $1 AND ts BETWEEN $2 AND $3 ORDER BY ts DESC LIMIT $4"

static enum mu_err on_row(void *ctx, struct pg_row *row)
{
    struct postgres_page *p = ctx;
    struct bytes record;
    enum mu_err err = look(p, row, &p->here, &record);
    bool reached = p->w->newest_first ? p->here.order <= p->target : p->here.order >= p->target;

    p->read++;
    if (err != MU_OK || !reached || !p->here.counted || !p->rows)
        return err;
    p->rows--;
    p->told++;
    p->target = p->w->newest_first ? p->here.order - 1 : p->here.order + 1;
    return tell(p, record, p->here.ts_us);
}

static enum mu_err read_chunk(struct postgres_page *p, int64_t at, uint64_t limit)
{
    bool down = p->w->newest_first;
    const char *sql = down ? FOR_TABLE(p, DOWN) : FOR_TABLE(p, UP);

    p->read = p->told = 0;
    return pg_each(p->pg, sql,
                   PG_VALUES(pg_int(p->device), pg_int(down ? p->from_us : at), pg_int(down ? at : p->to_us),
                             pg_int((int64_t)limit)),
                   on_row, p);
}

/* Where records that do not count lie between those that do, the next one is searched for, too. */
static enum mu_err read_rows(struct postgres_page *p)
{
    bool down = p->w->newest_first;
    int64_t at = down ? p->last.ts_us : p->first.ts_us;
    enum mu_err err = p->w->skip > NEAR ? find(p, p->first, p->last, &at) : MU_OK;

    while (err == MU_OK && p->rows) {
        uint64_t limit = p->rows < CHUNK - NEAR ? p->rows + NEAR : CHUNK;
        if ((err = read_chunk(p, at, limit)) != MU_OK || p->read < limit || !p->rows)
            break;
        at = down ? p->here.ts_us - 1 : p->here.ts_us + 1;
        if (p->told < p->read / 8)
            err = down ? find(p, p->first, p->here, &at) : find(p, p->here, p->last, &at);
    }
    return err;
}

/* --- windows with a turn ------------------------------------------------------------------------------- */

#define COUNT(table)              \
    "SELECT count(*) FROM " table \
    " WHERE device = $1 AND ts BETWEEN $2 AND $3 AND (NOT $4::bool OR " POSTGRES_IS_DECODED ")"
#define WALK_UP(table)                                                                      \
    "SELECT ts, record FROM " table                                                         \
    " WHERE device = $1 AND ts BETWEEN $2 AND $3 AND (NOT $4::bool OR " POSTGRES_IS_DECODED \
    ") ORDER BY ts, record OFFSET $5 LIMIT $6"
#define WALK_DOWN(table)                                                                    \
    "SELECT ts, record FROM " table                                                         \
    " WHERE device = $1 AND ts BETWEEN $2 AND $3 AND (NOT $4::bool OR " POSTGRES_IS_DECODED \
    ") ORDER BY ts DESC, record DESC OFFSET $5 LIMIT $6"

static enum mu_err on_walked(void *ctx, struct pg_row *row)
{
    int64_t ts_us = pg_col_int(row);
    return tell(ctx, postgres_col_bytes(row), ts_us);
}

static enum mu_err walk(struct postgres_page *p, uint64_t *total)
{
    const struct journal_window *w = p->w;
    struct pg_value values[] = { pg_int(p->device),       pg_int(p->from_us), pg_int(p->to_us),
                                 pg_int(p->decoded_only), pg_int(0),          pg_int(0) };
    enum mu_err err;

    if ((err = pg_begin(p->pg, PG_READ)) != MU_OK ||
        (err = pg_get(p->pg, FOR_TABLE(p, COUNT), values, 4, pg_read_int, total, NULL)) != MU_OK || w->skip >= *total)
        return err;
    values[4] = pg_int((int64_t)w->skip);
    values[5] = pg_int((int64_t)(w->limit < *total ? w->limit : *total));
    return pg_each_big(p->pg, w->newest_first ? FOR_TABLE(p, WALK_DOWN) : FOR_TABLE(p, WALK_UP), values, 6, on_walked,
                       p);
}

/* --- a page ---------------------------------------------------------------------------------------------- */

static enum mu_err read_window(struct postgres_page *p, uint64_t *total)
{
    const struct journal_window *w = p->w;
    enum mu_err err =
        pg_each(p->pg, FOR_TABLE(p, ENDS),
                PG_VALUES(pg_int(p->device), pg_int(p->from_us), pg_int(p->to_us), pg_int(p->kind)), on_end, p);

    if (err != MU_OK || p->found < 2)
        return err;
    if (p->turned)
        return walk(p, total);
    /* Counted records of the device before the window, and up to its end. */
    uint64_t before = p->first.order - p->first.counted;
    if (p->last.order < before)
        return MU_E_CORRUPT;
    *total = p->last.order - before;
    if (w->skip >= *total)
        return MU_OK;
    p->from_us = p->first.ts_us;
    p->to_us = p->last.ts_us;
    p->rows = w->limit < *total - w->skip ? w->limit : *total - w->skip;
    p->target = w->newest_first ? before + *total - w->skip : before + 1 + w->skip;
    return read_rows(p);
}

static enum mu_err read_page(struct postgres_page *p, struct journal *port, uint64_t *total)
{
    struct postgres_journal *j = postgres_of(port);

    *total = 0;
    p->from_us = p->w->from_us > 0 ? p->w->from_us : 0;
    p->to_us = p->w->to_us;
    p->decoded_only = p->w->decoded_only && p->kind == RECORD_MESSAGE;
    if (p->from_us > p->to_us)
        return MU_OK;
    if (!(p->pg = postgres_take(j)))
        return MU_E_NOMEM;
    enum mu_err err = read_window(p, total);
    postgres_give_back(j, p->pg);
    return p->told_err != MU_OK ? p->told_err : postgres_error(err);
}

enum mu_err postgres_messages(struct journal *port, uint32_t device, const struct journal_window *w,
                              journal_message_fn row, void *ctx, uint64_t *total)
{
    struct postgres_page p = { .w = w, .device = device, .kind = RECORD_MESSAGE, .message = row, .ctx = ctx };
    return read_page(&p, port, total);
}

enum mu_err postgres_sessions(struct journal *port, uint32_t device, const struct journal_window *w,
                              journal_session_fn row, void *ctx, uint64_t *total)
{
    struct postgres_page p = { .w = w, .device = device, .kind = RECORD_SESSION, .session = row, .ctx = ctx };
    return read_page(&p, port, total);
}

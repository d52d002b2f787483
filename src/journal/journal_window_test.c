#include "journal/journal_fixture.h"

#include <rocksdb/c.h>
#include <time.h>

/* Windows against a naive model: every record in an array, every answer counted from the start. */

enum { DEVICES = 7, DAYS = 4, PER_DEVICE = 4000, WINDOWS = 1500 };

struct model_record {
    int64_t ts_us;
    uint64_t number, decoded_number;
    bool decoded;
};

struct model_device {
    struct model_record records[PER_DEVICE];
    size_t count;
};

struct answer {
    struct model_record rows[PER_DEVICE];
    size_t count;
};

static struct model_device model[DEVICES];
static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 20) % n;
}

/* How devices differ: when they report, and what of it decodes. */
static int64_t next_gap(unsigned device, size_t i)
{
    switch (device % 4) {
    case 0:  return 86 * SECOND;                                        /* like clockwork */
    case 1:  return (int64_t)random_below(172 * SECOND) + 1;            /* at random */
    case 2:  return i % 1000 ? 1 : 20 * 3600 * SECOND;                  /* in bursts of a microsecond each */
    default: return (int64_t)UINT64_C(1) << random_below(39);           /* everything between */
    }
}

static bool next_decoded(unsigned device, size_t i)
{
    switch (device) {
    case 0:  return true;
    case 1:  return false;
    case 2:  return i % 700 == 699;
    case 3:  return i < 500 || i > 3500;
    default: return random_below(2) == 0;
    }
}

static void fill_model(void)
{
    for (unsigned d = 0; d < DEVICES; d++) {
        int64_t ts = DAY_ZERO + (int64_t)random_below(3600 * SECOND);
        uint64_t decoded = random_below(100);
        uint64_t number = decoded + random_below(100);
        size_t i = 0;
        for (; i < PER_DEVICE && ts < DAY_ZERO + DAYS * DAY; i++) {
            bool is = next_decoded(d, i);
            decoded += is;
            model[d].records[i] = (struct model_record){ ts, ++number, decoded, is };
            ts += next_gap(d, i);
        }
        model[d].count = i;
    }
}

static void put_record(struct journal_batch *b, unsigned device, const struct model_record *r, bool session)
{
    if (session) {
        struct journal_session s = { .ts_us = r->ts_us, .number = r->number, .end = r->number % 2 };
        journal_batch_session(b, device, &s);
        return;
    }
    struct journal_message m = { .ts_us = r->ts_us, .decoded = r->decoded, .number = r->number,
                                 .decoded_number = r->decoded_number,
                                 .payload = (const uint8_t *)&r->number, .payload_len = sizeof r->number };
    journal_batch_message(b, device, &m);
}

/* Interleaved as a committer would, in many batches, with an opening in the middle: some of it lies
 * in tables, some in memory. */
static struct journal *fill_journal(const char *dir)
{
    struct journal *j = open_journal(dir);
    struct journal_batch *b = make_batch(j);

    for (size_t i = 0; i < PER_DEVICE; i++) {
        for (unsigned d = 0; d < DEVICES; d++) {
            if (i < model[d].count) {
                put_record(b, d, &model[d].records[i], false);
                put_record(b, d, &model[d].records[i], true);
            }
        }
        if (i % 500 == 499)
            commit(j, b);
        if (i == PER_DEVICE / 2) {
            commit(j, b);
            journal_batch_destroy(b);
            journal_close(j);
            j = open_journal(dir);
            b = make_batch(j);
        }
    }
    commit(j, b);
    journal_batch_destroy(b);
    return j;
}

static uint64_t expect(struct answer *out, const struct model_device *d, const struct journal_window *w)
{
    uint64_t total = 0;

    out->count = 0;
    for (size_t k = 0; k < d->count; k++) {
        const struct model_record *r = &d->records[w->newest_first ? d->count - 1 - k : k];
        if (r->ts_us < w->from_us || r->ts_us > w->to_us || (w->decoded_only && !r->decoded))
            continue;
        if (total >= w->skip && out->count < w->limit)
            out->rows[out->count++] = *r;
        total++;
    }
    return total;
}

static enum mu_err take_message(void *ctx, const struct journal_message *m)
{
    struct answer *a = ctx;
    assert_true(a->count < PER_DEVICE);
    assert_int_equal(m->payload_len, sizeof m->number);
    assert_memory_equal(m->payload, &m->number, sizeof m->number);
    a->rows[a->count++] = (struct model_record){ m->ts_us, m->number, m->decoded_number, m->decoded };
    return MU_OK;
}

static enum mu_err take_session(void *ctx, const struct journal_session *s)
{
    struct answer *a = ctx;
    assert_true(a->count < PER_DEVICE);
    assert_int_equal(s->end, s->number % 2);
    a->rows[a->count++] = (struct model_record){ .ts_us = s->ts_us, .number = s->number };
    return MU_OK;
}

/* A moment that is a record's, next to one, or any. */
static int64_t random_moment(const struct model_device *d)
{
    if (random_below(3) == 0)
        return DAY_ZERO - DAY + (int64_t)random_below((DAYS + 2) * DAY);
    return d->records[random_below(d->count)].ts_us + (int64_t)random_below(3) - 1;
}

static uint64_t random_skip(void)
{
    static const uint64_t most[] = { 1, 10, 200, PER_DEVICE, 2 * PER_DEVICE };
    return random_below(most[random_below(5)]);
}

static struct journal_window random_window(const struct model_device *d)
{
    int64_t a = random_moment(d), b = random_moment(d);
    struct journal_window w = { .from_us = a < b ? a : b, .to_us = a < b ? b : a,
                                .newest_first = random_below(2), .decoded_only = random_below(2),
                                .skip = random_skip(), .limit = random_skip() };
    if (random_below(4) == 0)
        w.from_us = random_below(2) ? 0 : INT64_MIN;
    if (random_below(4) == 0)
        w.to_us = INT64_MAX;
    return w;
}

static void check_window(struct journal *j, unsigned device, struct journal_window w)
{
    static struct answer got, wanted;
    uint64_t total;
    bool sessions = random_below(4) == 0;

    if (sessions)
        w.decoded_only = false;
    got.count = 0;
    if (sessions)
        assert_int_equal(journal_sessions(j, device, &w, take_session, &got, &total), MU_OK);
    else
        assert_int_equal(journal_messages(j, device, &w, take_message, &got, &total), MU_OK);

    assert_int_equal(total, expect(&wanted, &model[device], &w));
    assert_int_equal(got.count, wanted.count);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.rows[i].ts_us, wanted.rows[i].ts_us);
        assert_int_equal(got.rows[i].number, wanted.rows[i].number);
        if (!sessions)
            assert_int_equal(got.rows[i].decoded_number, wanted.rows[i].decoded_number);
    }
}

static void every_window_answers_as_a_naive_count_would(void **state)
{
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    fill_model();
    struct journal *j = fill_journal(*state);

    for (int i = 0; i < WINDOWS; i++) {
        unsigned device = (unsigned)random_below(DEVICES);
        check_window(j, device, random_window(&model[device]));
    }
    journal_close(j);
}

static void expired_days_change_neither_numbers_nor_pages_of_the_rest(void **state)
{
    random_state = 1;
    fill_model();
    struct journal *j = fill_journal(*state);

    /* Two of the four days go. */
    assert_int_equal(journal_roll(j, DAY_ZERO + 9 * DAY), MU_OK);
    for (unsigned d = 0; d < DEVICES; d++) {
        size_t gone = 0;
        while (gone < model[d].count && model[d].records[gone].ts_us < DAY_ZERO + 2 * DAY)
            gone++;
        model[d].count -= gone;
        memmove(&model[d].records[0], &model[d].records[gone], model[d].count * sizeof model[d].records[0]);
    }
    for (int i = 0; i < WINDOWS / 4; i++) {
        unsigned device = (unsigned)random_below(DEVICES);
        if (model[device].count > 0)
            check_window(j, device, random_window(&model[device]));
    }
    journal_close(j);
}

static enum mu_err take_numbered(void *ctx, const struct journal_message *m)
{
    struct answer *a = ctx;
    a->rows[a->count++].number = m->number;
    return MU_OK;
}

static void missing_records_leave_the_other_rows_in_place(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    static struct answer got;
    uint64_t total;

    /* Every tenth record is there, of both kinds of numbers; and none of 3,000 to 6,000. */
    for (uint64_t n = 10; n <= 9000; n += 10)
        if (n < 3000 || n > 6000)
            put_message(b, 1, DAY_ZERO + (int64_t)n * SECOND, n);
    commit(j, b);

    for (int order = 0; order < 4; order++) {
        struct journal_window w = { .from_us = DAY_ZERO, .to_us = DAY_ZERO + DAY, .skip = 4495, .limit = 100,
                                    .newest_first = order & 1, .decoded_only = order & 2 };
        got.count = 0;
        assert_int_equal(journal_messages(j, 1, &w, take_numbered, &got, &total), MU_OK);
        assert_int_equal(got.count, 100);
        for (size_t i = 0; i < got.count; i++)
            assert_int_equal(got.rows[i].number, w.newest_first ? 2990 - 10 * i : 6010 + 10 * i);
    }
    journal_batch_destroy(b);
    journal_close(j);
}

/* Steps and seeks of this thread inside RocksDB. */
static uint64_t moves(void)
{
    rocksdb_perfcontext_t *context = rocksdb_perfcontext_create();
    uint64_t n = rocksdb_perfcontext_metric(context, rocksdb_internal_key_skipped_count);
    rocksdb_perfcontext_destroy(context);
    return n;
}

static void a_deep_page_does_not_walk_over_what_it_skips(void **state)
{
    enum { RECORDS = 50000 };
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    static struct answer got;
    uint64_t total;

    /* One record a second, every thousandth decoded. */
    for (uint64_t n = 1; n <= RECORDS; n++) {
        struct journal_message m = { .ts_us = DAY_ZERO + (int64_t)n * SECOND, .decoded = n % 1000 == 0,
                                     .number = n, .decoded_number = n / 1000 };
        journal_batch_message(b, 1, &m);
    }
    commit(j, b);
    rocksdb_set_perf_level(rocksdb_enable_count);

    for (int order = 0; order < 4; order++) {
        struct journal_window w = { .to_us = INT64_MAX, .newest_first = order & 1, .decoded_only = order & 2,
                                    .limit = 10 };
        w.skip = w.decoded_only ? RECORDS / 1000 / 2 : RECORDS / 2;
        uint64_t before = moves();
        got.count = 0;
        assert_int_equal(journal_messages(j, 1, &w, take_numbered, &got, &total), MU_OK);
        assert_int_equal(got.count, 10);
        /* Ten rows of a thousand records each would be 10,000. */
        assert_true(moves() > before);
        assert_true(moves() - before < 2000);
    }
    rocksdb_set_perf_level(rocksdb_disable);
    journal_batch_destroy(b);
    journal_close(j);
}

static enum mu_err stop_at_third(void *ctx, const struct journal_message *m)
{
    (void)m;
    return ++*(int *)ctx == 3 ? MU_E_CLOSED : MU_OK;
}

static void an_error_of_the_row_function_ends_the_page(void **state)
{
    struct journal *j = open_journal(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_window w = { .to_us = INT64_MAX, .limit = 10 };
    uint64_t total;
    int rows = 0;

    for (uint64_t n = 1; n <= 5; n++)
        put_message(b, 1, DAY_ZERO + (int64_t)n, n);
    commit(j, b);
    assert_int_equal(journal_messages(j, 1, &w, stop_at_third, &rows, &total), MU_E_CLOSED);
    assert_int_equal(rows, 3);
    journal_batch_destroy(b);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_window_answers_as_a_naive_count_would, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(expired_days_change_neither_numbers_nor_pages_of_the_rest,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(missing_records_leave_the_other_rows_in_place, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_deep_page_does_not_walk_over_what_it_skips, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(an_error_of_the_row_function_ends_the_page, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

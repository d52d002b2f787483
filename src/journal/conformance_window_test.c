#include "journal/conformance.h"

#include <time.h>

/* Windows against a naive model: every record in an array, every answer counted from the start. */

enum { DEVICES = 7, DAYS = 4, PER_DEVICE = 4000, WINDOWS = 1500 };

struct model_record {
    int64_t ts_us;
    uint64_t number, decoded_number;
    bool decoded;
};

struct window_device {
    struct model_record records[PER_DEVICE];
    size_t count;
};

struct window_answer {
    struct model_record rows[PER_DEVICE];
    size_t count;
};

static struct window_device model[DEVICES];
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
    case 0: return 86 * SECOND;                               /* like clockwork */
    case 1: return (int64_t)random_below(172 * SECOND) + 1;   /* at random */
    case 2: return i % 1000 ? 1 : 20 * 3600 * SECOND;         /* in bursts, a microsecond apart */
    default: return (int64_t)UINT64_C(1) << random_below(39); /* everything between */
    }
}

static bool next_decoded(unsigned device, size_t i)
{
    switch (device) {
    case 0: return true;
    case 1: return false;
    case 2: return i % 700 == 699;
    case 3: return i < 500 || i > 3500;
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

/* The clock runs ahead now and then, by minutes or days, and is set right after a while: into a time that
 * has records, or into one that has none, once or before it has caught up with the last time. */
static void turn_model(void)
{
    for (unsigned d = 0; d < DEVICES; d++) {
        struct window_device *m = &model[d];
        int64_t ahead = 0, before = 0;
        size_t i = 0;
        for (; i < m->count; i++) {
            if (random_below(400) == 0)
                ahead = random_below(3) ? (int64_t)random_below(2 * DAY) : 0;
            if (d == 0)
                ahead -= ahead % (86 * SECOND); /* so that moments come twice */
            int64_t ts = m->records[i].ts_us + ahead;
            if (ts <= before && ts > before - 60 * SECOND)
                ts = before + 1;
            m->records[i].ts_us = before = ts;
        }
    }
}

/* Records of one moment: RocksDB has them in the order of their keys, in which the low seven bits of a number come
 * first; the others by number. */
static uint64_t key_byte(uint64_t number)
{
    return (number & 0x7f) | (number > 0x7f ? 0x80 : 0);
}

static int by_time(const void *left, const void *right)
{
    const struct model_record *a = left, *b = right;

    if (a->ts_us != b->ts_us)
        return a->ts_us < b->ts_us ? -1 : 1;
    uint64_t m = a->number, n = b->number;
    if (conformance_store != STORE_ROCKS)
        return m < n ? -1 : 1;
    while (key_byte(m) == key_byte(n)) {
        m >>= 7;
        n >>= 7;
    }
    return key_byte(m) < key_byte(n) ? -1 : 1;
}

/* As the committer does. */
static void turn_back(struct journal *j, struct journal_batch *b, unsigned device, size_t i)
{
    int64_t last = i ? model[device].records[i - 1].ts_us : 0, ts = model[device].records[i].ts_us;

    if (ts > last)
        return;
    commit(j, b);
    journal_batch_turn(b, device, LIST_MESSAGES, ts, last);
    journal_batch_turn(b, device, LIST_SESSIONS, ts, last);
}

static void put_record(struct journal_batch *b, unsigned device, const struct model_record *r, bool session)
{
    if (session) {
        struct journal_session s = { .ts_us = r->ts_us, .number = r->number, .end = r->number % 2 };
        journal_batch_session(b, device, &s);
        return;
    }
    struct journal_message m = { .ts_us = r->ts_us,
                                 .decoded = r->decoded,
                                 .number = r->number,
                                 .decoded_number = r->decoded_number,
                                 .payload = (const uint8_t *)&r->number,
                                 .payload_len = sizeof(r->number) };
    journal_batch_message(b, device, &m);
}

/* Interleaved as a committer would, in many batches, with an opening in the middle: some of it lies
 * in tables, some in memory. */
static struct journal *fill_journal(const char *place)
{
    struct journal *j = open_store(place);
    struct journal_batch *b = make_batch(j);

    for (size_t i = 0; i < PER_DEVICE; i++) {
        for (unsigned d = 0; d < DEVICES; d++) {
            if (i < model[d].count) {
                turn_back(j, b, d, i);
                put_record(b, d, &model[d].records[i], false);
                put_record(b, d, &model[d].records[i], true);
            }
        }
        if (i % 500 == 499)
            commit(j, b);
        if (i == PER_DEVICE / 2) {
            commit(j, b);
            journal_batch_destroy(b);
            close_store(j);
            j = open_store(place);
            b = make_batch(j);
        }
    }
    commit(j, b);
    journal_batch_destroy(b);
    return j;
}

static uint64_t expect(struct window_answer *out, const struct window_device *d, const struct journal_window *w)
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
    struct window_answer *a = ctx;
    assert_true(a->count < PER_DEVICE);
    assert_int_equal(m->payload_len, sizeof(m->number));
    assert_memory_equal(m->payload, &m->number, sizeof(m->number));
    a->rows[a->count++] = (struct model_record){ m->ts_us, m->number, m->decoded_number, m->decoded };
    return MU_OK;
}

static enum mu_err take_session(void *ctx, const struct journal_session *s)
{
    struct window_answer *a = ctx;
    assert_true(a->count < PER_DEVICE);
    assert_int_equal(s->end, s->number % 2);
    a->rows[a->count++] = (struct model_record){ .ts_us = s->ts_us, .number = s->number };
    return MU_OK;
}

/* A moment that is a record's, next to one, or any. */
static int64_t random_moment(const struct window_device *d)
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

static struct journal_window random_window(const struct window_device *d)
{
    int64_t a = random_moment(d), b = random_moment(d);
    struct journal_window w = { .from_us = a < b ? a : b,
                                .to_us = a < b ? b : a,
                                .newest_first = random_below(2),
                                .decoded_only = random_below(2),
                                .skip = random_skip(),
                                .limit = random_skip() };
    if (random_below(4) == 0)
        w.from_us = random_below(2) ? 0 : INT64_MIN;
    if (random_below(4) == 0)
        w.to_us = INT64_MAX;
    return w;
}

static void check_window(struct journal *j, unsigned device, struct journal_window w)
{
    static struct window_answer got, wanted;
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

static void check_windows(struct journal *j)
{
    for (int i = 0; i < WINDOWS; i++) {
        unsigned device = (unsigned)random_below(DEVICES);
        check_window(j, device, random_window(&model[device]));
    }
}

static void every_window_answers_as_a_naive_count_would(void **state)
{
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    fill_model();
    struct journal *j = fill_journal(*state);

    check_windows(j);
    close_store(j);
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
        memmove(model[d].records, model[d].records + gone, model[d].count * sizeof(*model[d].records));
    }
    for (int i = 0; i < WINDOWS / 4; i++) {
        unsigned device = (unsigned)random_below(DEVICES);
        if (model[device].count > 0)
            check_window(j, device, random_window(&model[device]));
    }
    close_store(j);
}

static void a_clock_that_was_ahead_and_is_set_right_changes_no_window(void **state)
{
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    fill_model();
    turn_model();
    struct journal *j = fill_journal(*state);
    for (unsigned d = 0; d < DEVICES; d++)
        qsort(model[d].records, model[d].count, sizeof(*model[d].records), by_time);
    check_windows(j);
    close_store(j);
    j = open_store(*state);
    check_windows(j);
    close_store(j);
}

/* Ten a minute, from DAY_ZERO on; the last ten a year ahead; then ten a minute again. */
static void between_a_turn_and_what_lies_ahead_numbers_follow_each_other(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    for (uint64_t n = 1; n <= 30; n++) {
        int64_t ts = DAY_ZERO + (int64_t)n * 6 * SECOND + (n > 10 && n <= 20 ? 365 * DAY : 0);
        if (n == 21) {
            commit(j, b);
            journal_batch_turn(b, 1, LIST_MESSAGES, ts, DAY_ZERO + 120 * SECOND + 365 * DAY);
        }
        put_message(b, 1, ts, n);
    }
    commit(j, b);
    journal_batch_destroy(b);
    int64_t turn = DAY_ZERO + 126 * SECOND, ahead = DAY_ZERO + 66 * SECOND + 365 * DAY;
    assert_true(journal_turned(j, 1, LIST_MESSAGES, DAY_ZERO, turn));
    assert_false(journal_turned(j, 1, LIST_MESSAGES, DAY_ZERO, turn - 1));
    assert_false(journal_turned(j, 1, LIST_MESSAGES, turn + 1, ahead - 1));
    assert_true(journal_turned(j, 1, LIST_MESSAGES, turn + 1, ahead));
    assert_false(journal_turned(j, 1, LIST_SESSIONS, 0, INT64_MAX));
    assert_false(journal_turned(j, 2, LIST_MESSAGES, 0, INT64_MAX));

    b = make_batch(j);
    journal_batch_forget_device(b, 1);
    commit(j, b);
    journal_batch_destroy(b);
    assert_false(journal_turned(j, 1, LIST_MESSAGES, 0, INT64_MAX));
    close_store(j);
}

static enum mu_err take_since(void *ctx, uint32_t device, const struct journal_message *m)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 200 - len, "%u:%u ", device, (unsigned)m->number);
    return m->number == 99 ? MU_E_VALUE : MU_OK;
}

static void messages_of_many_devices_are_told_each_from_its_own_moment_on(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    char text[200] = "";

    for (uint32_t device = 1; device <= 4; device++)
        for (uint64_t n = 1; n <= 3; n++)
            put_message(b, device, DAY_ZERO + (int64_t)n * DAY, n);
    put_message(b, 9, DAY_ZERO + DAY, 99);
    commit(j, b);
    const struct journal_since since[] = {
        { 1, DAY_ZERO + 2 * DAY }, { 2, DAY_ZERO + 4 * DAY }, { 3, 0 }, { 8, 0 }, { 9, DAY_ZERO }
    };
    assert_int_equal(journal_messages_since(j, since, 4, DAY_ZERO + 3 * DAY - 1, take_since, text), MU_OK);
    assert_string_equal(text, "1:2 3:1 3:2 ");
    assert_int_equal(journal_messages_since(j, since, 0, INT64_MAX, take_since, text), MU_OK);
    assert_int_equal(journal_messages_since(j, since, 5, INT64_MAX, take_since, text), MU_E_VALUE);
    assert_string_equal(text, "1:2 3:1 3:2 1:2 1:3 3:1 3:2 3:3 9:99 ");
    journal_batch_destroy(b);
    close_store(j);
}

static enum mu_err stop_at_third(void *ctx, const struct journal_message *m)
{
    (void)m;
    return ++*(int *)ctx == 3 ? MU_E_CLOSED : MU_OK;
}

static void an_error_of_the_row_function_ends_the_page(void **state)
{
    struct journal *j = open_store(*state);
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
    close_store(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(a_clock_that_was_ahead_and_is_set_right_changes_no_window),
        IN_STORE(between_a_turn_and_what_lies_ahead_numbers_follow_each_other),
        IN_STORE(messages_of_many_devices_are_told_each_from_its_own_moment_on),
        IN_STORE(an_error_of_the_row_function_ends_the_page),
        IN_STORE(every_window_answers_as_a_naive_count_would),
        IN_STORE(expired_days_change_neither_numbers_nor_pages_of_the_rest),
    };
    return conformance_run(tests, sizeof(tests) / sizeof(*tests));
}

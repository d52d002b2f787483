#include "journal/journal_copy.h"
#include "base/buf.h"
#include "journal/postgres_fixture.h"

/* Copying from RocksDB into PostgreSQL and into RocksDB again. */

/* --- a journal as text ------------------------------------------------------------------------------*/
#define NOTE(...)                                                 \
    do {                                                          \
        char line[400];                                           \
        int line_len = snprintf(line, sizeof(line), __VA_ARGS__); \
        buf_append(ctx, line, (size_t)line_len);                  \
    } while (0)

static void on_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    NOTE("state %u %lld %lld %llu %llu %llu %llu %d %.*s\n", device, (long long)s->last_ts_us,
         (long long)s->last_session_us, (unsigned long long)s->messages, (unsigned long long)s->decoded,
         (unsigned long long)s->sessions, (unsigned long long)s->session_boot, s->followed, (int)s->image_len,
         (const char *)s->image);
}

static void on_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    NOTE("versions %u %s %s\n", device, v->text[0], v->text[1]);
}

static void on_active(void *ctx, int32_t day, uint32_t device)
{
    NOTE("active %d %u\n", day, device);
}

static void on_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    NOTE("set %d %.*s\n", day, (int)len, (const char *)set);
}

static void on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    NOTE("event %u %lld %lld %.*s\n", device, (long long)e->opened_us, (long long)e->resolved_us, (int)e->name.len,
         e->name.at);
}

static void on_message(void *ctx, uint32_t device, const struct journal_message *m)
{
    NOTE("message %u %lld %llu %.*s\n", device, (long long)m->ts_us, (unsigned long long)m->number, (int)m->payload_len,
         (const char *)m->payload);
}

static void on_session(void *ctx, uint32_t device, const struct journal_session *s)
{
    NOTE("session %u %lld %llu %llu\n", device, (long long)s->ts_us, (unsigned long long)s->number,
         (unsigned long long)s->boot);
}

static enum mu_err on_control(void *ctx, const struct journal_control *c)
{
    NOTE("control %lld %llu %.*s\n", (long long)c->ts_us, (unsigned long long)c->request, (int)c->did.len, c->did.at);
    return MU_OK;
}

static void write_down(struct journal *j, struct buf *out)
{
    struct journal_reader reader = { out,           on_state, on_versions, on_active,
                                     on_active_set, on_event, on_message,  on_session };
    int64_t since_us;

    buf_init(out, 16 * 1024 * 1024);
    assert_int_equal(journal_check(j, &reader, &no_mistakes), MU_OK);
    assert_int_equal(journal_controls(j, 0, 0, INT64_MAX, on_control, out), MU_OK);
    struct buf *ctx = out;
    assert_true(journal_boot_is_over(j, 1, &since_us));
    NOTE("start 1 %lld\n", (long long)since_us);
    NOTE("turned %d %d\n", journal_turned(j, 1, LIST_MESSAGES, DAY_ZERO, DAY_ZERO + DAY),
         journal_turned(j, 1, LIST_MESSAGES, DAY_ZERO + 40 * SECOND, DAY_ZERO + 41 * SECOND));
    NOTE("followed until %lld\n", (long long)journal_followed_until_us(j));
    assert_int_equal(out->err, MU_OK);
}

/* --- copying ----------------------------------------------------------------------------------------*/
static void fill(const char *dir)
{
    struct journal *j = open_journal(dir);
    struct journal_batch *b = make_batch(j);

    journal_batch_session(b, 1, &(struct journal_session){ .ts_us = DAY_ZERO, .number = 1, .boot = 1 });
    journal_batch_state(b, 1,
                        &(struct journal_state){ .last_session_us = DAY_ZERO,
                                                 .last_ts_us = DAY_ZERO + 30 * SECOND,
                                                 .sessions = 1,
                                                 .messages = 3,
                                                 .session_boot = 1,
                                                 .followed = true,
                                                 .image = (const uint8_t *)"image",
                                                 .image_len = 5 });
    journal_batch_followed(b, DAY_ZERO + 99 * SECOND);
    journal_batch_versions(b, 1, &(struct journal_versions){ .text = { "hard", "soft" } });
    journal_batch_active_set(b, 19999, "a set", 5);
    journal_batch_active(b, 20000, 1);
    journal_batch_event(b, 1, &(struct journal_event){ .opened_us = DAY_ZERO + 5, .name = STR("leak") });
    journal_batch_control(b,
                          &(struct journal_control){
                              .ts_us = DAY_ZERO, .request = UINT64_MAX, .enterprise_id = STR("e"), .did = STR("d") });
    put_message(b, 1, DAY_ZERO + 20 * SECOND, 1);
    put_message(b, 1, DAY_ZERO + 30 * SECOND, 2);
    assert_int_equal(journal_commit(j, b, DAY_ZERO + 77), MU_OK);
    /* The clock was ahead. */
    journal_batch_turn(b, 1, LIST_MESSAGES, DAY_ZERO + 10 * SECOND, DAY_ZERO + 30 * SECOND);
    put_message(b, 1, DAY_ZERO + 10 * SECOND, 3);
    assert_int_equal(journal_commit(j, b, DAY_ZERO + 88), MU_OK);
    for (uint64_t i = 1; i <= 100000; i++) /* more than a batch */
        put_message(b, 2 + (uint32_t)(i % 3), DAY_ZERO + (int64_t)i * 1000000, i);
    commit(j, b);
    journal_batch_destroy(b);
    journal_close(j);
    journal_close(open_journal(dir));
}

static void copy(struct journal *from, struct journal *to)
{
    struct journal_copying c = { .from = from, .to = to, .step = on_step };
    char why[300] = "";

    if (journal_copy(&c, why, sizeof(why)) != MU_OK || journal_compare(&c, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    assert_int_equal(c.counts[JOURNAL_MESSAGES], 100003);
    assert_int_equal(journal_boot(to).number, journal_boot(from).number + 1);
}

static struct journal *open_unchanged(const char *dir)
{
    struct journal *j;
    char why[300] = "";

    if (rocks_journal_open_unchanged(&j, dir, NULL, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return j;
}

/* The texts are too long to be shown as a whole. */
static void same_texts(const struct buf *a, const struct buf *b)
{
    size_t i = 0, line = 0;

    for (; i < a->len && i < b->len && a->data[i] == b->data[i]; i++)
        if (a->data[i] == '\n')
            line = i + 1;
    if (a->len != b->len || i < a->len)
        fail_msg("%.80s\ninstead of\n%.80s", (const char *)a->data + line, (const char *)b->data + line);
}

static void a_copy_tells_all_that_the_source_tells(void **state)
{
    struct buf expected, found;
    char second[100];
    struct journal *from, *to;

    fill(*state);
    from = open_unchanged(*state);
    write_down(from, &expected);
    assert_non_null(memmem(expected.data, expected.len, "turned 1 0\n", 11));

    make_database(NULL);
    to = open_postgres(uri);
    copy(from, to);
    journal_close(from);
    journal_close(to);

    char why[300];
    assert_int_equal(postgres_journal_open_unchanged(&from, uri, why, sizeof(why)), MU_OK);
    assert_int_equal(postgres_journal_hold(from), MU_OK);
    write_down(from, &found);
    same_texts(&found, &expected);
    buf_free(&found);
    snprintf(second, sizeof(second), "%s/second", (const char *)*state);
    assert_int_equal(mkdir(second, 0700), 0);
    to = open_journal(second);
    copy(from, to);
    write_down(to, &found);
    same_texts(&found, &expected);
    journal_close(from);
    journal_close(to);
    journal_close(open_journal(second)); /* all that it says of itself agrees */
    buf_free(&found);
    buf_free(&expected);
}

static void a_target_is_emptied(void **state)
{
    bool empty;

    (void)state;
    struct journal *j = open_postgres(uri);
    struct journal_batch *b = make_batch(j);
    assert_int_equal(postgres_journal_is_empty(j, &empty), MU_OK);
    assert_true(empty);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(postgres_journal_is_empty(j, &empty), MU_OK);
    assert_false(empty);
    assert_int_equal(postgres_journal_clear(j), MU_OK);
    assert_int_equal(postgres_journal_is_empty(j, &empty), MU_OK);
    assert_true(empty);
    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b); /* this start is still there */
    journal_batch_destroy(b);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = { IN_DIRECTORY(a_copy_tells_all_that_the_source_tells),
                                        IN_DATABASE(a_target_is_emptied) };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}

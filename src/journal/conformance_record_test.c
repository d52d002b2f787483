#include "journal/conformance.h"

#include <pthread.h>
#include <stdatomic.h>

/* Starts, records, states, batches, and what a visit or a check shows. */

/* --- starts ---------------------------------------------------------------------------------------*/
static void starts_are_counted_and_the_earlier_ones_are_over(void **state)
{
    int64_t since_us;
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    assert_int_equal(journal_boot(j).number, 1);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_OK);
    assert_int_equal(journal_commit(j, b, DAY_ZERO + 5), MU_OK);
    journal_batch_destroy(b);
    close_store(j);
    close_store(open_store(*state)); /* the second start lives too short for a commit */

    j = open_store(*state);
    assert_int_equal(journal_boot(j).number, 3);
    assert_false(journal_boot_is_over(j, 3, &since_us));
    assert_true(journal_boot_is_over(j, 2, &since_us));
    assert_true(journal_boot_is_over(j, 4, &since_us));
    assert_int_equal(since_us, 0);
    assert_true(journal_boot_is_over(j, 1, &since_us));
    assert_int_equal(since_us, DAY_ZERO + 5);
    close_store(j);
}

/* --- records --------------------------------------------------------------------------------------*/
static const struct journal_message sent = {
    .ts_us = DAY_ZERO + 1,
    .kind = MESSAGE_APP2DEV,
    .definition = UINT32_MAX,
    .number = UINT64_MAX,
    .decoded_number = 0,
    .enterprise = UINT32_MAX,
    .request = UINT64_C(0x0123456789abcdef),
    .payload = (const uint8_t *)"\0\0\0\3",
    .payload_len = 4,
};
static const struct journal_message reported = {
    .ts_us = DAY_ZERO + 2,
    .kind = MESSAGE_DEV2APP,
    .decoded = true,
    .definition = 0,
    .number = 300,
    .decoded_number = 300,
    .payload = (const uint8_t *)"",
    .payload_len = 0,
};
static const struct journal_session login = {
    .ts_us = DAY_ZERO + 3,
    .again = true,
    .number = 1,
    .keep_alive = 125,
    .boot = UINT64_MAX,
};
static const struct journal_session logout = {
    .ts_us = DAY_ZERO + 4,
    .end = true,
    .number = 2,
    .duration = UINT32_MAX,
    .reason = END_DATA_SIZE,
    .heartbeat = { .count = 1, .max = 2, .min = 3, .avg = UINT32_MAX, .last = 5 },
};

static enum mu_err check_message(void *ctx, const struct journal_message *m)
{
    const struct journal_message *expected = ctx;
    assert_int_equal(m->ts_us, expected->ts_us);
    assert_int_equal(m->kind, expected->kind);
    assert_int_equal(m->decoded, expected->decoded);
    assert_int_equal(m->definition, expected->definition);
    assert_true(m->number == expected->number);
    assert_true(m->decoded_number == expected->decoded_number);
    assert_int_equal(m->enterprise, expected->enterprise);
    assert_true(m->request == expected->request);
    assert_int_equal(m->payload_len, expected->payload_len);
    assert_memory_equal(m->payload, expected->payload, m->payload_len);
    return MU_OK;
}

static enum mu_err check_session(void *ctx, const struct journal_session *s)
{
    const struct journal_session *expected = ctx;
    assert_int_equal(s->ts_us, expected->ts_us);
    assert_int_equal(s->end, expected->end);
    assert_int_equal(s->again, expected->again);
    assert_true(s->number == expected->number);
    assert_int_equal(s->keep_alive, expected->keep_alive);
    assert_true(s->boot == expected->boot);
    assert_int_equal(s->duration, expected->duration);
    assert_int_equal(s->reason, expected->reason);
    assert_memory_equal(&s->heartbeat, &expected->heartbeat, sizeof(s->heartbeat));
    return MU_OK;
}

static void records_come_back_as_they_were_written(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_window w = { .to_us = INT64_MAX, .limit = UINT64_MAX };
    uint64_t total;

    journal_batch_message(b, UINT32_MAX, &sent);
    journal_batch_message(b, 0, &reported);
    journal_batch_session(b, UINT32_MAX, &login);
    journal_batch_session(b, 0, &logout);
    commit(j, b);
    journal_batch_destroy(b);
    close_store(j);

    j = open_store(*state);
    assert_int_equal(journal_messages(j, UINT32_MAX, &w, check_message, (void *)&sent, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_messages(j, 0, &w, check_message, (void *)&reported, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_sessions(j, UINT32_MAX, &w, check_session, (void *)&login, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_sessions(j, 0, &w, check_session, (void *)&logout, &total), MU_OK);
    assert_int_equal(total, 1);
    assert_int_equal(journal_messages(j, 7, &w, check_message, NULL, &total), MU_OK);
    assert_int_equal(total, 0);
    close_store(j);
}

/* --- devices --------------------------------------------------------------------------------------*/
static const struct journal_state full_state = {
    .last_ts_us = DAY_ZERO,
    .last_session_us = -1,
    .messages = UINT64_MAX,
    .decoded = 2,
    .sessions = 3,
    .activated_at = 1505789918,
    .online_latest = INT64_MAX,
    .last_report = INT64_MIN,
    .active_day = INT32_MIN,
    .session_boot = 9,
    .definition = UINT32_MAX,
    .numbers_reports = true,
    .image = (const uint8_t *)"image",
    .image_len = 5,
};
static const struct journal_versions full_versions = { .text = { "1.0", "", "WIFI", "04020034" } };

struct visit_order {
    char order[100];
};

static enum mu_err visit_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct visit_order *v = ctx;
    char text[20];

    snprintf(text, sizeof(text), "s%u ", device);
    strcat(v->order, text);
    if (device != 256)
        return MU_OK;
    struct journal_state got = *s;
    assert_int_equal(got.image_len, full_state.image_len);
    assert_memory_equal(got.image, full_state.image, got.image_len);
    assert_int_equal(got.last_ts_us, full_state.last_ts_us);
    assert_int_equal(got.last_session_us, full_state.last_session_us);
    assert_true(got.messages == full_state.messages);
    assert_int_equal(got.decoded, full_state.decoded);
    assert_int_equal(got.sessions, full_state.sessions);
    assert_int_equal(got.activated_at, full_state.activated_at);
    assert_int_equal(got.online_latest, full_state.online_latest);
    assert_int_equal(got.last_report, full_state.last_report);
    assert_int_equal(got.active_day, full_state.active_day);
    assert_int_equal(got.session_boot, full_state.session_boot);
    assert_int_equal(got.definition, full_state.definition);
    assert_true(got.numbers_reports);
    return MU_OK;
}

static enum mu_err visit_versions(void *ctx, uint32_t device, const struct journal_versions *versions)
{
    struct visit_order *v = ctx;
    char text[20];

    snprintf(text, sizeof(text), "v%u ", device);
    strcat(v->order, text);
    assert_memory_equal(versions, &full_versions, sizeof(full_versions));
    return MU_OK;
}

static void a_visit_sees_the_last_state_of_every_device_in_order(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_state other = { 0 };
    struct visit_order visit = { "" };
    struct journal_visitor visitor = { .ctx = &visit, .state = visit_state, .versions = visit_versions };

    journal_batch_state(b, 256, &other);
    journal_batch_state(b, 70000, &other);
    journal_batch_versions(b, 70000, &full_versions);
    commit(j, b);
    journal_batch_state(b, 256, &full_state);
    journal_batch_state(b, 3, &other);
    journal_batch_versions(b, 5, &full_versions);
    journal_batch_versions(b, UINT32_MAX, &full_versions);
    journal_batch_active(b, 20000, 256);
    commit(j, b);

    assert_int_equal(journal_visit(j, &visitor), MU_OK);
    assert_string_equal(visit.order, "s3 v5 s256 s70000 v70000 v4294967295 ");
    journal_batch_destroy(b);
    close_store(j);
}

static void of_one_device_the_last_state_in_a_batch_counts(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_state other = { 0 };
    struct visit_order visit = { "" };
    struct journal_visitor visitor = { .ctx = &visit, .state = visit_state, .versions = visit_versions };

    journal_batch_forget_device(b, 256);
    journal_batch_state(b, 256, &other);
    journal_batch_state(b, 7, &other);
    journal_batch_versions(b, 256, &(struct journal_versions){ .text = { "0.1" } });
    journal_batch_state(b, 256, &full_state);
    journal_batch_versions(b, 256, &full_versions);
    commit(j, b);
    assert_int_equal(journal_visit(j, &visitor), MU_OK);
    assert_string_equal(visit.order, "s7 s256 v256 ");
    journal_batch_destroy(b);
    close_store(j);
}

/* --- batches --------------------------------------------------------------------------------------*/
static void a_batch_is_empty_after_its_commit_and_after_being_cleared(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    size_t empty = journal_batch_bytes(b);

    put_message(b, 1, DAY_ZERO, 1);
    assert_true(journal_batch_bytes(b) > empty + 7);
    journal_batch_clear(b);
    assert_int_equal(journal_batch_bytes(b), empty);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(journal_batch_bytes(b), empty);
    journal_batch_destroy(b);
    close_store(j);
}

static void a_record_too_large_fails_its_batch_and_only_that(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_message huge = { .ts_us = DAY_ZERO + 1, .number = 2, .payload_len = LIMIT_INTAKE };

    huge.payload = calloc(1, huge.payload_len);
    put_message(b, 1, DAY_ZERO, 1);
    journal_batch_message(b, 1, &huge);
    assert_int_equal(journal_commit(j, b, DAY_ZERO), MU_E_LIMIT);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 0);

    put_message(b, 1, DAY_ZERO, 1);
    commit(j, b);
    assert_int_equal(count_messages(j, 1, 0, INT64_MAX), 1);
    free((void *)huge.payload);
    journal_batch_destroy(b);
    close_store(j);
}

static void until_when_states_may_be_followed_is_kept(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    assert_true(journal_followed_until_us(j) == INT64_MAX);
    journal_batch_followed(b, DAY_ZERO + DAY);
    commit(j, b);
    journal_batch_followed(b, DAY_ZERO);
    commit(j, b);
    journal_batch_destroy(b);
    close_store(j);
    j = open_store(*state);
    assert_int_equal(journal_followed_until_us(j), DAY_ZERO);
    close_store(j);
}

/* --- all of it -------------------------------------------------------------------------------------*/
struct turmoil {
    struct journal *journal;
    atomic_bool stop;
};

/* States of every third device come and go. */
static void *write_states(void *ctx)
{
    struct turmoil *t = ctx;
    struct journal_batch *b = make_batch(t->journal);

    for (uint64_t round = 1; !atomic_load(&t->stop); round++) {
        for (uint32_t device = 1; device <= 300; device++) {
            if (device % 3 == 0 && round % 2)
                journal_batch_forget_device(b, device);
            else
                journal_batch_state(b, device, &(struct journal_state){ .messages = round });
        }
        commit(t->journal, b);
    }
    journal_batch_destroy(b);
    return NULL;
}

struct steady_visit {
    uint32_t last, steady;
};

static enum mu_err see_in_order(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct steady_visit *v = ctx;

    (void)s;
    assert_true(device > v->last);
    v->last = device;
    v->steady += device % 3 != 0;
    return MU_OK;
}

static void a_visit_keeps_its_order_while_commits_go_on(void **state)
{
    struct turmoil t = { .journal = open_store(*state) };
    struct journal_batch *b = make_batch(t.journal);
    pthread_t thread;

    for (uint32_t device = 1; device <= 300; device++)
        journal_batch_state(b, device, &(struct journal_state){ .messages = 0 });
    commit(t.journal, b);
    assert_int_equal(pthread_create(&thread, NULL, write_states, &t), 0);
    for (int i = 0; i < 30; i++) {
        struct steady_visit seen = { 0 };
        struct journal_visitor v = { .ctx = &seen, .state = see_in_order };
        assert_int_equal(journal_visit(t.journal, &v), MU_OK);
        assert_int_equal(seen.steady, 200);
    }
    atomic_store(&t.stop, true);
    pthread_join(thread, NULL);
    journal_batch_destroy(b);
    close_store(t.journal);
}

static enum mu_err refuse_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    (void)ctx, (void)s;
    return device == 2 ? MU_E_VALUE : MU_OK;
}

static void an_error_of_a_function_ends_the_visit_and_is_returned(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_visitor v = { .state = refuse_state };

    journal_batch_state(b, 1, &(struct journal_state){ .messages = 1 });
    journal_batch_state(b, 2, &(struct journal_state){ .messages = 1 });
    commit(j, b);
    assert_int_equal(journal_visit(j, &v), MU_E_VALUE);
    journal_batch_destroy(b);
    close_store(j);
}

struct checked {
    char order[200];
    unsigned steps, mistakes;
};

static void add(void *ctx, const char *kind, uint32_t device, int64_t n)
{
    struct checked *c = ctx;
    size_t len = strlen(c->order);
    snprintf(c->order + len, sizeof(c->order) - len, "%s%u/%lld ", kind, device, (long long)n);
}

static void check_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    add(ctx, "s", device, (int64_t)s->messages);
}
static void check_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    add(ctx, "v", device, v->text[0][0] - '0');
}
static void check_active(void *ctx, int32_t day, uint32_t device)
{
    add(ctx, "a", device, day);
}
static void check_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    (void)set;
    add(ctx, "set", (uint32_t)len, day);
}
static void check_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    add(ctx, "e", device, e->opened_us);
}
static void check_one_message(void *ctx, uint32_t device, const struct journal_message *m)
{
    add(ctx, "m", device, (int64_t)m->number);
}
static void check_one_session(void *ctx, uint32_t device, const struct journal_session *s)
{
    add(ctx, "x", device, (int64_t)s->number);
}
static void count_step(void *ctx)
{
    ((struct checked *)ctx)->steps++;
}
static void count_mistake(void *ctx, const char *text)
{
    print_message("%s\n", text);
    ((struct checked *)ctx)->mistakes++;
}

static void a_check_reads_each_record_once_and_a_devices_own_in_order(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct checked c = { .order = "" };
    struct journal_reader reader = { &c,          check_state,       check_versions,   check_active, check_active_set,
                                     check_event, check_one_message, check_one_session };
    struct findings findings = { .ctx = &c, .mistake = count_mistake, .step = count_step };

    put_message(b, 2, DAY_ZERO + DAY, 2);
    put_message(b, 2, DAY_ZERO, 1);
    put_message(b, 4, DAY_ZERO, 1);
    for (uint32_t device = 1; device <= 3; device++)
        journal_batch_session(b, device, &(struct journal_session){ .ts_us = DAY_ZERO + 5, .number = 1 });
    journal_batch_state(b, 2, &(struct journal_state){ .messages = 2 });
    journal_batch_versions(b, 1, &full_versions);
    journal_batch_active_set(b, 9, "set", 3);
    journal_batch_active(b, 10, 2);
    journal_batch_event(b, 3, &(struct journal_event){ .opened_us = 7, .name = STR("x") });
    commit(j, b);
    assert_int_equal(journal_check(j, &reader, &findings), MU_OK);
    assert_int_equal(c.mistakes, 0);
    assert_in_range(c.steps, 6, 100);
    char *records = strstr(c.order, "x1/1"), before[200];
    assert_non_null(records);
    snprintf(before, sizeof(before), "%.*s", (int)(records - c.order), c.order);
    for (size_t i = 0; i < 2; i++) /* states and versions: side by side or one after the other */
        assert_non_null(strstr(before, i ? "v1/1 " : "s2/2 "));
    assert_non_null(strstr(before, "set3/9 a2/10 e3/7 "));
    assert_string_equal(records, "x1/1 m2/1 m2/2 x2/1 x3/1 m4/1 ");
    journal_batch_destroy(b);
    close_store(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(starts_are_counted_and_the_earlier_ones_are_over),
        IN_STORE(until_when_states_may_be_followed_is_kept),
        IN_STORE(records_come_back_as_they_were_written),
        IN_STORE(a_visit_sees_the_last_state_of_every_device_in_order),
        IN_STORE(of_one_device_the_last_state_in_a_batch_counts),
        IN_STORE(a_visit_keeps_its_order_while_commits_go_on),
        IN_STORE(an_error_of_a_function_ends_the_visit_and_is_returned),
        IN_STORE(a_check_reads_each_record_once_and_a_devices_own_in_order),
        IN_STORE(a_batch_is_empty_after_its_commit_and_after_being_cleared),
        IN_STORE(a_record_too_large_fails_its_batch_and_only_that),
    };
    return conformance_run(tests, sizeof(tests) / sizeof(*tests));
}

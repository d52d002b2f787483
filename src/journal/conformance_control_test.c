#include "journal/conformance.h"

/* The audit log of controls, and what is forgotten of a device. */

struct seen_controls {
    char text[1000];
    size_t rows, stop_after;
    int64_t last_us;
    uint64_t last_request;
};

static enum mu_err see(void *ctx, const struct journal_control *c)
{
    struct seen_controls *s = ctx;
    size_t len = strlen(s->text);
    size_t kept = c->frame_len < JOURNAL_CONTROL_FRAME ? c->frame_len : JOURNAL_CONTROL_FRAME;

    if (s->stop_after && s->rows == s->stop_after)
        return MU_E_LIMIT;
    snprintf(s->text + len, sizeof(s->text) - len, "%lld/%llu %.*s %.*s %u%s [%.*s]%zu; ",
             (long long)(c->ts_us - DAY_ZERO), (unsigned long long)c->request, (int)c->enterprise_id.len,
             c->enterprise_id.at, (int)c->did.len, c->did.at, c->error, c->last ? " last" : "", (int)kept,
             kept ? (const char *)c->frame : "", c->frame_len);
    s->rows++;
    s->last_us = c->ts_us;
    s->last_request = c->request;
    return MU_OK;
}

static void put_control(struct journal_batch *b, int64_t ts, uint64_t request, uint32_t error, const char *frame)
{
    journal_batch_control(b, &(struct journal_control){ .ts_us = DAY_ZERO + ts,
                                                        .request = request,
                                                        .enterprise_id = STR("ent"),
                                                        .did = STR("did"),
                                                        .error = error,
                                                        .last = error == 5405,
                                                        .frame = (const uint8_t *)frame,
                                                        .frame_len = strlen(frame) });
}

static const char four[] = "5/1 ent did 0 [on]2; 5/2 ent did 5305 []0; 7/1 ent did 5405 last []0; "
                           "8/9 ent did 0 [off]3; ";

static void put_four(struct journal *j, struct journal_batch *b)
{
    put_control(b, 8, 9, 0, "off");
    put_control(b, 5, 2, 5305, "");
    put_control(b, 7, 1, 5405, "");
    put_control(b, 5, 1, 0, "on");
    commit(j, b);
}

static void expect(struct journal *j, int64_t before, const char *expected)
{
    struct seen_controls s = { .text = "" };
    assert_int_equal(journal_controls(j, 0, 0, before, see, &s), MU_OK);
    assert_string_equal(s.text, expected);
}

static void controls_come_in_the_order_of_their_moments_also_after_a_new_start(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    put_four(j, b);
    expect(j, INT64_MAX, four);
    expect(j, DAY_ZERO + 7, "5/1 ent did 0 [on]2; 5/2 ent did 5305 []0; ");
    journal_batch_destroy(b);
    close_store(j);
    j = open_store(*state);
    expect(j, INT64_MAX, four);
    close_store(j);
}

static void moment_and_request_identify_a_control(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    put_control(b, 5, UINT64_MAX, 0, "last");
    put_control(b, 5, 1, 0, "first");
    commit(j, b);
    put_control(b, 5, 1, 5305, "");
    put_control(b, 6, 1, 0, "other");
    commit(j, b);
    expect(j, INT64_MAX, "5/1 ent did 5305 []0; 5/18446744073709551615 ent did 0 [last]4; 6/1 ent did 0 [other]5; ");
    journal_batch_destroy(b);
    close_store(j);
}

static void a_visit_goes_on_behind_a_control(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct seen_controls s = { .text = "" };
    enum mu_err err;

    put_four(j, b);
    do {
        s.stop_after = s.rows + 1;
        err = journal_controls(j, s.last_us, s.last_request, INT64_MAX, see, &s);
    } while (err == MU_E_LIMIT);
    assert_int_equal(err, MU_OK);
    assert_string_equal(s.text, four);
    journal_batch_destroy(b);
    close_store(j);
}

static void what_is_older_is_forgotten(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);

    put_four(j, b);
    journal_batch_forget_controls(b, DAY_ZERO + 7);
    commit(j, b);
    expect(j, INT64_MAX, "7/1 ent did 5405 last []0; 8/9 ent did 0 [off]3; ");
    journal_batch_destroy(b);
    close_store(j);
}

static void of_a_long_frame_the_beginning_is_kept(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    char frame[200], expected[300];

    memset(frame, 'x', sizeof(frame));
    frame[sizeof(frame) - 1] = '\0';
    put_control(b, 1, 1, 0, frame);
    commit(j, b);
    snprintf(expected, sizeof(expected), "1/1 ent did 0 [%.64s]199; ", frame);
    expect(j, INT64_MAX, expected);
    journal_batch_destroy(b);
    close_store(j);
}

static enum mu_err see_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    (void)s;
    *(uint32_t *)ctx += device;
    return MU_OK;
}

static enum mu_err see_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    (void)v;
    *(uint32_t *)ctx += 100 * device;
    return MU_OK;
}

static void a_forgotten_device_has_no_state_and_no_versions(void **state)
{
    struct journal *j = open_store(*state);
    struct journal_batch *b = make_batch(j);
    struct journal_versions versions = { .text = { "1.0" } };
    uint32_t sum = 0;

    for (uint32_t device = 1; device <= 3; device++) {
        journal_batch_state(b, device, &(struct journal_state){ .messages = 1 });
        journal_batch_versions(b, device, &versions);
    }
    commit(j, b);
    journal_batch_forget_device(b, 2);
    journal_batch_forget_device(b, 9);
    commit(j, b);
    struct journal_visitor v = { .ctx = &sum, .state = see_state, .versions = see_versions };
    assert_int_equal(journal_visit(j, &v), MU_OK);
    assert_int_equal(sum, 4 + 400);
    journal_batch_destroy(b);
    close_store(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(controls_come_in_the_order_of_their_moments_also_after_a_new_start),
        IN_STORE(moment_and_request_identify_a_control),
        IN_STORE(a_visit_goes_on_behind_a_control),
        IN_STORE(what_is_older_is_forgotten),
        IN_STORE(of_a_long_frame_the_beginning_is_kept),
        IN_STORE(a_forgotten_device_has_no_state_and_no_versions),
    };
    return conformance_run(tests, sizeof(tests) / sizeof(*tests));
}

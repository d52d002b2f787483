/* What journal_nodes.h promises, in the stores that several nodes can open. A test's nodes are threads of this process,
 * each with a start of its own. */
#include "journal/conformance.h"

#include <unistd.h>

#include "journal/journal_nodes.h"

struct two_nodes {
    struct journal *a, *b;
    struct journal_batch *of_a, *of_b;
};

static struct two_nodes open_two(const char *place)
{
    struct two_nodes n = { .a = open_node(place), .b = open_node(place) };

    /* The committer does this before it claims. */
    assert_int_equal(journal_roll(n.a, DAY_ZERO), MU_OK);
    assert_int_equal(journal_roll(n.b, DAY_ZERO), MU_OK);
    n.of_a = make_batch(n.a);
    n.of_b = make_batch(n.b);
    return n;
}

static void close_two(const struct two_nodes *n)
{
    journal_batch_destroy(n->of_a);
    journal_batch_destroy(n->of_b);
    journal_close(n->a);
    journal_close(n->b);
}

static uint64_t boot_of(struct journal *j)
{
    return journal_boot(j).number;
}

/* --- which starts live -----------------------------------------------------------------------------*/

struct node_list {
    struct journal_node at[4];
    size_t count;
};

static enum mu_err see_node(void *ctx, const struct journal_node *node)
{
    struct node_list *seen = ctx;

    assert_true(node->name.len > 0);
    assert_true(!seen->count || seen->at[seen->count - 1].boot < node->boot);
    seen->at[seen->count++] = *node;
    return MU_OK;
}

static struct node_list see_nodes(struct journal *j)
{
    struct node_list seen = { .count = 0 };

    assert_int_equal(journal_nodes(j, see_node, &seen), MU_OK);
    return seen;
}

/* Commits of one start are never at the same moment. */
static void commit_at(struct journal *j, struct journal_batch *b, int64_t alive_us)
{
    usleep(1000);
    assert_int_equal(journal_commit(j, b, alive_us), MU_OK);
}

static void a_commit_is_a_sign_of_life_and_says_how_far_a_node_is(void **state)
{
    struct two_nodes n = open_two(*state);

    assert_true(journal_is_shared(n.a));
    commit_at(n.a, n.of_a, DAY_ZERO);
    commit_at(n.b, n.of_b, DAY_ZERO);
    struct node_list before = see_nodes(n.b);
    assert_int_equal(before.count, 2);
    assert_true(before.at[0].boot == boot_of(n.a) && before.at[1].boot == boot_of(n.b));
    journal_note_registry(n.a, 77, 5);
    journal_batch_delta(n.of_a, "delta", 5);
    commit_at(n.a, n.of_a, DAY_ZERO + 1);
    struct node_list after = see_nodes(n.b);
    assert_true(after.at[0].alive_us != before.at[0].alive_us && after.at[1].alive_us == before.at[1].alive_us);
    assert_int_equal(after.at[0].registry, 77);
    assert_true(after.at[0].delta == journal_last_delta(n.a) && after.at[0].delta > before.at[0].delta);
    close_two(&n);
}

static void a_start_gives_signs_of_life_before_its_first_commit_makes_it_ready(void **state)
{
    struct two_nodes n = open_two(*state);
    struct node_list before = see_nodes(n.b);

    assert_false(before.at[0].ready || before.at[1].ready);
    usleep(1000);
    assert_int_equal(journal_stay_alive(n.a), MU_OK);
    struct node_list after = see_nodes(n.b);
    assert_true(after.at[0].alive_us != before.at[0].alive_us && after.at[1].alive_us == before.at[1].alive_us);
    assert_false(after.at[0].ready);
    assert_int_equal(journal_end_boot(n.b, boot_of(n.a), before.at[0].alive_us), MU_E_EXISTS);
    commit_at(n.a, n.of_a, DAY_ZERO);
    assert_true(see_nodes(n.b).at[0].ready && !see_nodes(n.b).at[1].ready);
    assert_int_equal(journal_end_boot(n.a, boot_of(n.b), after.at[1].alive_us), MU_OK);
    assert_int_equal(journal_stay_alive(n.b), MU_E_OVER);
    close_two(&n);
}

static void a_start_is_over_only_if_it_has_given_no_later_sign_of_life(void **state)
{
    struct two_nodes n = open_two(*state);
    int64_t since_us;

    commit_at(n.a, n.of_a, DAY_ZERO);
    commit_at(n.b, n.of_b, DAY_ZERO);
    int64_t seen_us = see_nodes(n.b).at[0].alive_us;
    commit_at(n.a, n.of_a, DAY_ZERO + 1);
    assert_int_equal(journal_end_boot(n.b, boot_of(n.a), seen_us), MU_E_EXISTS);
    assert_false(journal_boot_is_over(n.b, boot_of(n.a), &since_us));

    seen_us = see_nodes(n.b).at[0].alive_us;
    assert_int_equal(journal_end_boot(n.b, boot_of(n.a), seen_us), MU_OK);
    assert_int_equal(journal_end_boot(n.b, boot_of(n.a), seen_us), MU_OK);
    assert_true(journal_boot_is_over(n.b, boot_of(n.a), &since_us));
    assert_int_equal(since_us, DAY_ZERO + 1);
    assert_int_equal(see_nodes(n.b).count, 1);
    close_two(&n);
}

static void a_start_that_is_over_commits_nothing(void **state)
{
    struct two_nodes n = open_two(*state);

    commit_at(n.a, n.of_a, DAY_ZERO);
    uint64_t last = journal_last_delta(n.a);
    assert_int_equal(journal_end_boot(n.b, boot_of(n.a), see_nodes(n.b).at[0].alive_us), MU_OK);
    put_message(n.of_a, 1, DAY_ZERO, 1);
    journal_batch_delta(n.of_a, "delta", 5);
    assert_int_equal(journal_commit(n.a, n.of_a, DAY_ZERO + 1), MU_E_OVER);
    assert_int_equal(journal_commit(n.a, n.of_a, DAY_ZERO + 2), MU_E_OVER);
    assert_int_equal(count_messages(n.b, 1, 0, INT64_MAX), 0);
    assert_int_equal(journal_last_delta(n.a), last);
    close_two(&n);
}

/* --- claims ----------------------------------------------------------------------------------------*/

struct claim_told {
    uint32_t device, held; /* the last of each; 0 = none */
    unsigned count;
    bool known;
    struct journal_state s;
    uint64_t boot, login;
};

static enum mu_err on_claimed(void *ctx, uint32_t device, const struct journal_state *s)
{
    struct claim_told *told = ctx;

    told->device = device;
    told->count++;
    told->known = s != NULL;
    if (s)
        told->s = *s;
    return MU_OK;
}

static enum mu_err on_held(void *ctx, uint32_t device, uint64_t boot, uint64_t login)
{
    struct claim_told *told = ctx;

    told->held = device;
    told->boot = boot;
    told->login = login;
    return MU_OK;
}

static struct claim_told claim(struct journal_batch *b, const uint32_t *devices, size_t count)
{
    struct claim_told told = { 0 };
    struct journal_claimant to = { .ctx = &told, .claimed = on_claimed, .held = on_held };

    assert_int_equal(journal_batch_claim(b, devices, count, &to), MU_OK);
    return told;
}

static struct claim_told claim_one(struct journal_batch *b, uint32_t device)
{
    return claim(b, &device, 1);
}

/* The login of that number; 0 of it: its end, after one login. */
static void put_login(struct journal *j, struct journal_batch *b, uint32_t device, uint64_t number)
{
    struct journal_state s = { .sessions = number ? number : 2,
                               .activated_at = 5000,
                               .online_latest = 6000,
                               .last_report = 7000,
                               .session_boot = number ? boot_of(j) : 0 };
    struct journal_session at = {
        .ts_us = DAY_ZERO + (int64_t)s.sessions, .end = !number, .number = s.sessions, .boot = s.session_boot
    };

    journal_batch_session(b, device, &at);
    journal_batch_state(b, device, &s);
}

static void a_device_is_claimed_unless_another_start_that_lives_holds_it(void **state)
{
    struct two_nodes n = open_two(*state);
    const uint32_t devices[] = { 3, 5, UINT32_MAX };

    struct claim_told told = claim(n.of_a, devices, 3);
    assert_true(told.count == 3 && told.device == UINT32_MAX && !told.known && !told.held);
    put_login(n.a, n.of_a, 5, 1);
    commit_at(n.a, n.of_a, DAY_ZERO);

    told = claim(n.of_b, devices, 3);
    assert_true(told.count == 2 && told.held == 5 && told.boot == boot_of(n.a) && told.login == 1);
    commit_at(n.b, n.of_b, DAY_ZERO);
    assert_true(claim_one(n.of_a, 5).known); /* whoever holds it may claim it */
    journal_batch_clear(n.of_a);

    assert_int_equal(journal_end_boot(n.b, boot_of(n.a), see_nodes(n.b).at[0].alive_us), MU_OK);
    told = claim_one(n.of_b, 5);
    assert_true(told.known && !told.held && told.s.sessions == 1 && told.s.session_boot == boot_of(n.a));
    close_two(&n);
}

/* Device 5, at a. */
static void log_in_and_out(struct two_nodes *n)
{
    claim_one(n->of_a, 5);
    put_login(n->a, n->of_a, 5, 1);
    commit_at(n->a, n->of_a, DAY_ZERO);
    put_login(n->a, n->of_a, 5, 0);
    commit_at(n->a, n->of_a, DAY_ZERO);
}

static void a_device_whose_session_has_ended_is_claimed_with_what_is_on_record(void **state)
{
    struct two_nodes n = open_two(*state);

    log_in_and_out(&n);
    struct claim_told told = claim_one(n.of_b, 5);
    assert_true(told.known && !told.held && told.s.sessions == 2 && !told.s.session_boot &&
                told.s.online_latest == 6000);
    close_two(&n);
}

/* Nor does it wait: whoever stands still in the middle of a batch would hold everybody up. */
static void a_device_that_is_being_claimed_is_not_claimed_by_another_node(void **state)
{
    for (int commits = 0; commits < 2; commits++) {
        struct two_nodes n = open_two(*state);

        log_in_and_out(&n);
        assert_true(claim_one(n.of_a, 5).known);
        struct claim_told told = claim_one(n.of_b, 5);
        assert_true(told.held == 5 && !told.count && !told.boot && !told.login);
        journal_batch_clear(n.of_b);
        put_login(n.a, n.of_a, 5, 3);
        if (commits)
            commit_at(n.a, n.of_a, DAY_ZERO);
        else
            journal_batch_clear(n.of_a);
        told = claim_one(n.of_b, 5);
        assert_true(commits ? told.held == 5 && told.boot == boot_of(n.a) && told.login == 3 : told.known);
        close_two(&n);
    }
}

static void of_the_past_the_earlier_activation_and_the_later_login_and_report_count(void **state)
{
    struct two_nodes n = open_two(*state);

    journal_batch_past(n.of_b, 5, 100, 0, 9000);
    commit_at(n.b, n.of_b, DAY_ZERO);
    struct claim_told told = claim_one(n.of_a, 5);
    assert_true(told.known && told.s.activated_at == 100 && !told.s.online_latest && told.s.last_report == 9000);
    told.s.online_latest = 200;
    journal_batch_state(n.of_a, 5, &told.s);
    commit_at(n.a, n.of_a, DAY_ZERO);
    journal_batch_past(n.of_b, 5, 8000, 8000, 0);
    commit_at(n.b, n.of_b, DAY_ZERO);
    told = claim_one(n.of_a, 5);
    assert_true(told.s.activated_at == 100 && told.s.online_latest == 8000 && told.s.last_report == 9000);
    close_two(&n);
}

struct versions_list {
    uint32_t devices[4];
    struct journal_versions at[4];
    size_t count;
};

static enum mu_err see_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    struct versions_list *seen = ctx;

    seen->devices[seen->count] = device;
    seen->at[seen->count++] = *v;
    return MU_OK;
}

static void expect_versions(struct journal *j, const char *first, const char *second)
{
    const uint32_t devices[] = { 4, 5, UINT32_MAX };
    struct versions_list seen = { .count = 0 };

    assert_int_equal(journal_device_versions(j, devices, 3, see_versions, &seen), MU_OK);
    assert_true(seen.count == 2 && seen.devices[0] == 5 && seen.devices[1] == UINT32_MAX);
    assert_string_equal(seen.at[0].text[0], first);
    assert_string_equal(seen.at[0].text[1], second);
    assert_string_equal(seen.at[0].text[2], "");
    assert_string_equal(seen.at[1].text[3], "only");
}

static void of_versions_what_the_device_told_last_counts_and_the_rest_stays(void **state)
{
    struct two_nodes n = open_two(*state);
    struct versions_list seen = { .count = 0 };
    struct journal_visitor visitor = { .ctx = &seen, .versions = see_versions };

    journal_batch_merge_versions(n.of_a, UINT32_MAX, &(struct journal_versions){ .text = { "", "", "", "only" } },
                                 true);
    journal_batch_merge_versions(n.of_a, 5, &(struct journal_versions){ .text = { "1.0" } }, true);
    journal_batch_merge_versions(n.of_a, 5, &(struct journal_versions){ .text = { "0.9", "past" } }, false);
    commit_at(n.a, n.of_a, DAY_ZERO);
    expect_versions(n.b, "1.0", "past");
    /* no node overwrites what it does not tell */
    journal_batch_merge_versions(n.of_b, 5, &(struct journal_versions){ .text = { "", "2.0" } }, true);
    commit_at(n.b, n.of_b, DAY_ZERO);
    expect_versions(n.a, "1.0", "2.0");
    journal_batch_merge_versions(n.of_a, 5, &(struct journal_versions){ .text = { "0.8", "0.8" } }, false);
    commit_at(n.a, n.of_a, DAY_ZERO + 1);
    expect_versions(n.a, "1.0", "2.0");
    journal_batch_merge_versions(n.of_a, 5, &(struct journal_versions){ .text = { "1.1" } }, true);
    commit_at(n.a, n.of_a, DAY_ZERO + 2);
    expect_versions(n.b, "1.1", "2.0");
    assert_int_equal(journal_visit(n.b, &visitor), MU_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.at[0].text[1], "2.0");
    /* nor what a batch that is not committed has heard */
    journal_batch_merge_versions(n.of_a, 5, &(struct journal_versions){ .text = { "1.2" } }, true);
    journal_batch_clear(n.of_a);
    commit_at(n.a, n.of_a, DAY_ZERO + 3);
    expect_versions(n.b, "1.1", "2.0");
    close_two(&n);
}

/* --- what others have changed ----------------------------------------------------------------------*/

struct seen_deltas {
    uint64_t last;
    char text[40];
};

static enum mu_err see_delta(void *ctx, uint64_t number, const void *bytes, size_t len)
{
    struct seen_deltas *seen = ctx;

    assert_true(number > seen->last);
    seen->last = number;
    strncat(seen->text, bytes, len);
    return MU_OK;
}

static struct seen_deltas see_deltas(struct journal *j, uint64_t boot, uint64_t after)
{
    struct seen_deltas seen = { .last = after };

    assert_int_equal(journal_deltas(j, boot, after, see_delta, &seen), MU_OK);
    return seen;
}

static void deltas_of_a_start_come_in_order_and_none_of_a_batch_that_was_not_committed(void **state)
{
    struct two_nodes n = open_two(*state);
    uint64_t before = journal_last_delta(n.a), first;

    assert_string_equal(see_deltas(n.b, boot_of(n.a), before).text, "");
    journal_batch_delta(n.of_a, "one ", 4);
    commit_at(n.a, n.of_a, DAY_ZERO);
    first = journal_last_delta(n.a);
    journal_batch_delta(n.of_a, "cleared", 7);
    journal_batch_clear(n.of_a);
    commit_at(n.a, n.of_a, DAY_ZERO); /* one without a delta */
    journal_batch_delta(n.of_b, "of another", 10);
    commit_at(n.b, n.of_b, DAY_ZERO);
    journal_batch_delta(n.of_a, "two ", 4);
    commit_at(n.a, n.of_a, DAY_ZERO);
    assert_string_equal(see_deltas(n.b, boot_of(n.a), before).text, "one two ");
    assert_string_equal(see_deltas(n.b, boot_of(n.a), first).text, "two ");
    assert_int_equal(see_deltas(n.b, boot_of(n.a), first).last, journal_last_delta(n.a));
    assert_string_equal(see_deltas(n.a, boot_of(n.b), 0).text, "of another");
    close_two(&n);
}

static enum mu_err see_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    char *text = ctx;
    size_t len = strlen(text);

    snprintf(text + len, 100 - len, "%u:%.*s ", device, (int)e->name.len, e->name.at);
    return MU_OK;
}

static void see_state(void *ctx, const struct journal_state *s)
{
    ((struct claim_told *)ctx)->s = *s;
}

static void events_and_states_of_single_devices_are_read(void **state)
{
    struct two_nodes n = open_two(*state);
    const uint32_t devices[] = { 3, 5, 9 };
    struct claim_told told = { 0 };
    char text[100] = "";

    for (uint32_t device = 9; device >= 3; device -= 2) {
        struct journal_event e = { .opened_us = DAY_ZERO, .name = STR("fault") };
        journal_batch_event(n.of_a, device, &e);
        e = (struct journal_event){ .opened_us = DAY_ZERO + 1, .alert = true, .name = STR("alert") };
        journal_batch_event(n.of_a, device, &e);
    }
    put_login(n.a, n.of_a, 5, 1);
    commit_at(n.a, n.of_a, DAY_ZERO);
    assert_int_equal(journal_device_events(n.b, devices, 3, see_event, text), MU_OK);
    assert_string_equal(text, "3:fault 3:alert 5:fault 5:alert 9:fault 9:alert ");
    assert_int_equal(journal_device_state(n.b, 5, see_state, &told), MU_OK);
    assert_true(told.s.sessions == 1 && told.s.session_boot == boot_of(n.a));
    assert_int_equal(journal_device_state(n.b, 7, see_state, &told), MU_E_NOT_FOUND);
    close_two(&n);
}

/* --- calls of an enterprise --------------------------------------------------------------------------*/

static struct journal_grant grant(struct journal *j, uint32_t hour, int64_t wanted)
{
    struct journal_grant g = { .enterprise = 3, .hour = hour, .limit = 100, .wanted = wanted };

    assert_int_equal(journal_grant_calls(j, &g), MU_OK);
    return g;
}

static void nodes_together_get_as_many_calls_as_the_limit_says(void **state)
{
    struct two_nodes n = open_two(*state);

    assert_int_equal(grant(n.a, 7, 60).calls, 60);
    struct journal_grant rest = grant(n.b, 7, 60);
    assert_true(rest.calls == 40 && rest.total == 100);
    assert_int_equal(grant(n.a, 7, 1).calls, 0);
    assert_int_equal(grant(n.a, 7, -10).total, 90);
    assert_int_equal(grant(n.b, 7, 60).calls, 10);
    rest = grant(n.a, 8, 60);
    assert_true(rest.calls == 60 && rest.total == 60);
    close_two(&n);
}

static void what_is_given_back_late_does_not_touch_the_next_hour(void **state)
{
    struct two_nodes n = open_two(*state);
    struct journal_grant late = { .enterprise = 3, .hour = 7, .limit = 100, .wanted = -30 };

    assert_int_equal(grant(n.a, 7, 60).calls, 60);
    assert_int_equal(grant(n.b, 8, 50).total, 50);
    assert_int_equal(journal_grant_calls(n.a, &late), MU_E_NOT_FOUND);
    struct journal_grant rest = grant(n.a, 8, 1000);
    assert_true(rest.calls == 50 && rest.total == 100);
    close_two(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_STORE(a_commit_is_a_sign_of_life_and_says_how_far_a_node_is),
        IN_STORE(a_start_gives_signs_of_life_before_its_first_commit_makes_it_ready),
        IN_STORE(a_start_is_over_only_if_it_has_given_no_later_sign_of_life),
        IN_STORE(a_start_that_is_over_commits_nothing),
        IN_STORE(a_device_is_claimed_unless_another_start_that_lives_holds_it),
        IN_STORE(a_device_whose_session_has_ended_is_claimed_with_what_is_on_record),
        IN_STORE(a_device_that_is_being_claimed_is_not_claimed_by_another_node),
        IN_STORE(of_the_past_the_earlier_activation_and_the_later_login_and_report_count),
        IN_STORE(of_versions_what_the_device_told_last_counts_and_the_rest_stays),
        IN_STORE(deltas_of_a_start_come_in_order_and_none_of_a_batch_that_was_not_committed),
        IN_STORE(events_and_states_of_single_devices_are_read),
        IN_STORE(nodes_together_get_as_many_calls_as_the_limit_says),
        IN_STORE(what_is_given_back_late_does_not_touch_the_next_hour),
    };
    return conformance_run_shared(tests, sizeof(tests) / sizeof(*tests));
}

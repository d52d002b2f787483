/* Starts of nodes: how long they are waited for, when they are over, and what they know when they answer. */
#include "nodes/nodes_member_fixture.h"

/* --- starting ---------------------------------------------------------------------------------------*/

static enum mu_err find_boot(void *ctx, const struct journal_node *node)
{
    struct journal_node *wanted = ctx;

    if (node->boot == wanted->boot)
        *wanted = *node;
    return MU_OK;
}

/* Its last sign of life; -1: it is over. */
static int64_t alive_us(uint64_t boot)
{
    struct journal_node node = { .boot = boot, .alive_us = -1 };

    assert_int_equal(journal_nodes(a.j, find_boot, &node), MU_OK);
    return node.alive_us;
}

static bool lives(uint64_t boot)
{
    return alive_us(boot) >= 0;
}

static void a_start_that_takes_longer_than_a_lease_is_not_over(void **state)
{
    struct member late;
    int64_t began_ms = clock_mono_ms();

    (void)state;
    begin_start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    WAIT_UNTIL(clock_mono_ms() - began_ms > SHORT_LEASE_MS + NODES_ALIVE_MS);
    assert_true(lives(late.boot));
    end_start(&late);
    assert_int_equal(login(&late, 3), MU_OK);
    WAIT_UNTIL(device(&a, 3).is_online);
    stop(&late);
}

static void a_start_that_dies_before_it_is_ready_is_over_after_its_lease(void **state)
{
    (void)state;
    struct journal *j = open_next(FIRST_START + 2);

    assert_true(lives(FIRST_START + 2));
    WAIT_UNTIL(!lives(FIRST_START + 2));
    journal_close(j);
}

static void end_boot(uint64_t boot)
{
    while (lives(boot))
        (void)!journal_end_boot(a.j, boot, alive_us(boot));
}

static void a_start_that_others_have_ended_learns_it_before_it_is_ready(void **state)
{
    struct member late;

    (void)state;
    begin_start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    end_boot(late.boot);
    WAIT_UNTIL(atomic_load(&late.over));
    stop(&late);
}

/* As behind a lock on a table. What keeps this node from committing may keep the others, too. */
static void a_node_that_cannot_commit_declares_nobody_over(void **state)
{
    int64_t began_ms = clock_mono_ms();

    (void)state;
    be_silent(&a);
    be_silent(&b);
    WAIT_UNTIL(clock_mono_ms() - began_ms > SHORT_LEASE_MS + 3 * NODES_ALIVE_MS || !lives(a.boot) || !lives(b.boot));
    be_heard(&a);
    be_heard(&b);
    assert_int_equal(login(&a, 1), MU_OK);
    assert_int_equal(login(&b, 2), MU_OK);
}

static size_t known_to(const struct member *m)
{
    struct node_view seen[NODES_SHOWN];

    return nodes_view(m->nodes, seen, NODES_SHOWN);
}

static void a_write_does_not_wait_for_a_node_that_still_starts(void **state)
{
    struct device_row row = fake_device(NODES_DEVICES, 1);
    struct member late;

    (void)state;
    begin_start(&late, FIRST_START + 2, open_next(FIRST_START + 2));
    WAIT_UNTIL(known_to(&a) == 3);
    int64_t began_ms = clock_mono_ms();
    fake_put_device(reg, &row);
    assert_int_equal(committer_follow_registry(a.c), MU_OK);
    assert_true(clock_mono_ms() - began_ms < LEASE_MS / 2);
    end_start(&late);
    stop(&late);
}

struct registrations {
    _Atomic bool stop;
    _Atomic uint32_t acknowledged; /* the device that was registered last */
};

static void *register_devices(void *ctx)
{
    struct registrations *w = ctx;

    for (uint32_t no = NODES_DEVICES; !atomic_load(&w->stop); no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
        assert_int_equal(committer_follow_registry(a.c), MU_OK);
        atomic_store(&w->acknowledged, no);
    }
    return NULL;
}

static void a_node_that_has_started_knows_all_that_others_have_acknowledged(void **state)
{
    struct registrations w = { 0 };
    struct fleet_device d;
    struct member late;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, register_devices, &w), 0);
    WAIT_UNTIL(atomic_load(&w.acknowledged));
    for (uint64_t boot = FIRST_START + 2; boot < FIRST_START + 5; boot++) {
        start(&late, boot, open_next(boot));
        for (int64_t until_ms = clock_mono_ms() + 300; clock_mono_ms() < until_ms;) {
            uint32_t no = atomic_load(&w.acknowledged);
            assert_true(fleet_device_by_no(late.f, no, &d));
        }
        stop(&late);
        end_boot(boot);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
}

struct starter {
    struct member *own;
    struct journal *journal;
    uint64_t boot;
    uint32_t first;             /* of the devices that it registers */
    _Atomic bool answers, done; /* it has started; it answers nothing more */
    struct starter *beside;
};

/* What one of them acknowledges, the other knows as soon as it answers. */
static void *start_and_register(void *ctx)
{
    struct starter *s = ctx;
    struct fleet_device d;

    start(s->own, s->boot, s->journal);
    atomic_store(&s->answers, true);
    for (uint32_t no = s->first; no < s->first + 30; no++) {
        struct device_row row = fake_device(no, 1);
        fake_put_device(reg, &row);
        assert_int_equal(committer_follow_registry(s->own->c), MU_OK);
        assert_true(!atomic_load(&s->beside->answers) || fleet_device_by_no(s->beside->own->f, no, &d));
    }
    atomic_store(&s->done, true);
    WAIT_UNTIL(atomic_load(&s->beside->done));
    return NULL;
}

static void two_that_start_together_know_what_each_acknowledges(void **state)
{
    struct member members[2];
    struct starter s[2] = { { .boot = FIRST_START + 2, .first = NODES_DEVICES },
                            { .boot = FIRST_START + 3, .first = 1000 } };
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        s[i].own = &members[i];
        s[i].beside = &s[1 - i];
        s[i].journal = open_next(s[i].boot);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start_and_register, &s[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        stop(&members[i]);
        end_boot(s[i].boot);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_SHORT_LEASE(a_start_that_takes_longer_than_a_lease_is_not_over),
        TEST_SHORT_LEASE(a_start_that_dies_before_it_is_ready_is_over_after_its_lease),
        TEST(a_start_that_others_have_ended_learns_it_before_it_is_ready),
        TEST_SHORT_LEASE(a_node_that_cannot_commit_declares_nobody_over),
        TEST(a_write_does_not_wait_for_a_node_that_still_starts),
        TEST(two_that_start_together_know_what_each_acknowledges),
        TEST(a_node_that_has_started_knows_all_that_others_have_acknowledged),
    };
    return run_over_both(tests, sizeof(tests) / sizeof(*tests));
}

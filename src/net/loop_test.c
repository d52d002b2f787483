#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/net_testing.h"

enum { SENDERS = 4, LETTERS = 20000 };

struct letter {
    struct mail mail;
    unsigned sender, number;
};

static unsigned next_number[SENDERS];
static unsigned out_of_order, delivered, dropped; /* the loop's, until it has been joined */

static void read_letter(struct mail *m, struct loop *loop)
{
    struct letter *l = (struct letter *)m;
    if (l->number != next_number[l->sender]++ || !loop_is_current(loop))
        out_of_order++;
    delivered++;
    free(l);
}

static void drop_letter(struct mail *m)
{
    dropped++;
    free(m);
}

static void send_letter(struct loop *loop, unsigned sender, unsigned number)
{
    struct letter *l = malloc(sizeof(*l));
    *l = (struct letter){ { NULL, read_letter, drop_letter }, sender, number };
    loop_post(loop, &l->mail);
}

struct sender {
    pthread_t thread;
    struct loop *loop;
    unsigned index;
};

static void *send_letters(void *arg)
{
    struct sender *s = arg;
    for (unsigned i = 0; i < LETTERS; i++)
        send_letter(s->loop, s->index, i);
    return NULL;
}

static void mail_of_four_threads_arrives_in_each_ones_order(void **state)
{
    (void)state;
    struct loop *loop = testing_loop();
    struct sender senders[SENDERS];

    memset(next_number, 0, sizeof(next_number));
    out_of_order = delivered = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ .loop = loop, .index = i };
        assert_int_equal(pthread_create(&senders[i].thread, NULL, send_letters, &senders[i]), 0);
    }
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    loop_stop(loop);
    loop_join(loop);
    assert_int_equal(delivered, SENDERS * LETTERS); /* all was posted before the stop */
    assert_int_equal(out_of_order, 0);
    loop_destroy(loop);
}

static void mail_to_a_loop_that_has_ended_is_dropped(void **state)
{
    (void)state;
    struct loop *loop = testing_loop();

    delivered = dropped = 0;
    loop_stop(loop);
    loop_join(loop);
    send_letter(loop, 0, 0);
    send_letter(loop, 0, 1);
    loop_destroy(loop);
    assert_int_equal(delivered, 0);
    assert_int_equal(dropped, 2);
}

struct chain {
    struct mail mail;
    unsigned left, rounds_at_end;
    const unsigned *rounds;
};

static void post_again(struct mail *m, struct loop *loop)
{
    struct chain *c = (struct chain *)m;
    if (--c->left) {
        loop_post(loop, m);
        return;
    }
    c->rounds_at_end = *c->rounds;
    loop_stop(loop);
}

struct counting_hook {
    struct loop_hook hook;
    unsigned rounds;
};

static void count_round(struct loop_hook *h, struct loop *loop)
{
    (void)loop;
    ((struct counting_hook *)h)->rounds++;
}

static void mail_to_itself_comes_in_the_next_round_and_hooks_run_in_each(void **state)
{
    (void)state;
    struct loop *loop;
    struct counting_hook first = { .hook.run = count_round }, second = { .hook.run = count_round };
    struct chain c = { .mail.deliver = post_again, .left = 100, .rounds = &first.rounds };

    assert_int_equal(loop_create(&loop, 3), MU_OK);
    assert_int_equal(loop_index(loop), 3);
    assert_false(loop_is_current(loop));
    loop_add_hook(loop, &first.hook);
    loop_add_hook(loop, &second.hook);
    loop_post(loop, &c.mail);
    assert_int_equal(loop_start(loop), MU_OK);
    loop_join(loop);
    assert_true(c.rounds_at_end >= 99);
    assert_int_equal(first.rounds, second.rounds);
    loop_destroy(loop);
}

struct event {
    struct loop_fd io;
    struct loop *loop;
    struct event *other;
    unsigned calls;
};

static void remove_both(struct loop_fd *io, uint32_t events)
{
    struct event *e = (struct event *)io;
    (void)events;

    e->calls++;
    loop_fd_remove(e->loop, &e->io);
    loop_fd_remove(e->loop, &e->other->io);
    loop_stop(e->loop);
}

static void a_removed_descriptor_is_not_called_though_it_was_ready(void **state)
{
    (void)state;
    struct loop *loop;
    struct event e[2];

    assert_int_equal(loop_create(&loop, 0), MU_OK);
    for (int i = 0; i < 2; i++) {
        e[i] = (struct event){ .io = { .fd = eventfd(1, EFD_NONBLOCK), .ready = remove_both },
                               .loop = loop, .other = &e[1 - i] };
        assert_int_equal(loop_fd_add(loop, &e[i].io, EPOLLIN), MU_OK);
    }
    assert_int_equal(loop_start(loop), MU_OK);
    loop_join(loop);
    assert_int_equal(e[0].calls + e[1].calls, 1);
    for (int i = 0; i < 2; i++)
        close(e[i].io.fd);
    loop_destroy(loop);
}

struct alarm {
    struct timer timer;
    struct loop *loop;
    int64_t due_ms;
    unsigned early, left;
};

static void ring(struct timer *t)
{
    struct alarm *a = (struct alarm *)t;

    if (loop_now_ms(a->loop) < a->due_ms)
        a->early++;
    if (--a->left == 0) {
        loop_stop(a->loop);
        return;
    }
    a->due_ms = loop_now_ms(a->loop) + 3;
    timer_start(a->loop, t, 3);
}

static void a_sleeping_loop_wakes_for_its_timers(void **state)
{
    (void)state;
    struct loop *loop;
    assert_int_equal(loop_create(&loop, 0), MU_OK);
    struct alarm a = { .timer.fire = ring, .loop = loop, .left = 5, .due_ms = loop_now_ms(loop) + 15 };

    timer_start(loop, &a.timer, 15);
    assert_int_equal(loop_start(loop), MU_OK);
    loop_join(loop);
    assert_int_equal(a.left, 0);
    assert_int_equal(a.early, 0);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_of_four_threads_arrives_in_each_ones_order),
        cmocka_unit_test(mail_to_a_loop_that_has_ended_is_dropped),
        cmocka_unit_test(mail_to_itself_comes_in_the_next_round_and_hooks_run_in_each),
        cmocka_unit_test(a_removed_descriptor_is_not_called_though_it_was_ready),
        cmocka_unit_test(a_sleeping_loop_wakes_for_its_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

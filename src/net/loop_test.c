#include "base/unit_test.h"

#include <stdlib.h>

#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/loop_private.h"
#include "net/net_testing.h"

/* The event loop: timers, mail, descriptors, hooks, and the ones that may wait. */

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

struct loop_sender {
    pthread_t thread;
    struct loop *loop;
    unsigned index;
};

static void *send_letters(void *arg)
{
    struct loop_sender *s = arg;
    for (unsigned i = 0; i < LETTERS; i++)
        send_letter(s->loop, s->index, i);
    return NULL;
}

static void mail_of_four_threads_arrives_in_each_ones_order(void **state)
{
    (void)state;
    struct loop *loop = testing_loop();
    struct loop_sender senders[SENDERS];

    memset(next_number, 0, sizeof(next_number));
    out_of_order = delivered = 0;
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct loop_sender){ .loop = loop, .index = i };
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

struct loop_event {
    struct loop_fd io;
    struct loop *loop;
    struct loop_event *other;
    unsigned calls;
};

static void remove_both(struct loop_fd *io, uint32_t events)
{
    struct loop_event *e = (struct loop_event *)io;
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
    struct loop_event e[2];

    assert_int_equal(loop_create(&loop, 0), MU_OK);
    for (int i = 0; i < 2; i++) {
        e[i] = (struct loop_event){ .io = { .fd = eventfd(1, EFD_NONBLOCK), .ready = remove_both },
                                    .loop = loop,
                                    .other = &e[1 - i] };
        assert_int_equal(loop_fd_add(loop, &e[i].io, EPOLLIN), MU_OK);
    }
    assert_int_equal(loop_start(loop), MU_OK);
    loop_join(loop);
    assert_int_equal(e[0].calls + e[1].calls, 1);
    for (int i = 0; i < 2; i++)
        close(e[i].io.fd);
    loop_destroy(loop);
}

/* --- patient descriptors ---------------------------------------------------------------------------- */

struct loop_device {
    struct loop_fd io;
    unsigned calls;
};

static void count_call(struct loop_fd *io, uint32_t events)
{
    uint64_t value;
    (void)events;

    assert_int_equal(read(io->fd, &value, sizeof(value)), sizeof(value));
    ((struct loop_device *)io)->calls++;
}

enum { PATIENT = 8 };
struct patients {
    struct loop *loop;
    struct loop_device device[PATIENT], prompt;
};

static void patients_open(struct patients *p)
{
    assert_int_equal(loop_create(&p->loop, 0), MU_OK);
    for (int i = 0; i <= PATIENT; i++) {
        struct loop_device *d = i < PATIENT ? &p->device[i] : &p->prompt;
        *d = (struct loop_device){ .io = { .fd = eventfd(0, EFD_NONBLOCK), .ready = count_call } };
        assert_int_equal(loop_fd_add(p->loop, &d->io, EPOLLIN | (i < PATIENT ? LOOP_PATIENT : 0)), MU_OK);
    }
}

static void patients_close(struct patients *p)
{
    for (int i = 0; i <= PATIENT; i++) {
        struct loop_fd *io = i < PATIENT ? &p->device[i].io : &p->prompt.io;
        loop_fd_remove(p->loop, io);
        close(io->fd);
    }
    loop_destroy(p->loop);
}

static void let_report(struct loop_device *d)
{
    uint64_t one = 1;
    assert_int_equal(write(d->io.fd, &one, sizeof(one)), sizeof(one));
}

static unsigned patient_calls(const struct patients *p)
{
    unsigned calls = 0;
    for (int i = 0; i < PATIENT; i++)
        calls += p->device[i].calls;
    return calls;
}

/* All of them report as often as it takes. */
static void report_until_spaced(struct patients *p)
{
    while (!p->loop->patience.spaced) {
        for (int i = 0; i < PATIENT; i++)
            let_report(&p->device[i]);
        loop_turn(p->loop);
    }
}

/* Whether the loop would not sleep now. */
static bool is_woken(const struct patients *p)
{
    struct epoll_event e;
    return epoll_wait(p->loop->prompt.epoll, &e, 1, 0) > 0;
}

static void many_patient_descriptors_are_looked_at_and_do_not_wake_the_loop(void **state)
{
    (void)state;
    struct patients p;

    patients_open(&p);
    report_until_spaced(&p);
    unsigned before = patient_calls(&p);
    let_report(&p.device[0]);
    assert_false(is_woken(&p));
    let_report(&p.prompt);
    assert_true(is_woken(&p));
    while (patient_calls(&p) == before)
        loop_turn(p.loop);
    assert_int_equal(p.prompt.calls, 1);
    patients_close(&p);
}

static void few_patient_descriptors_wake_the_loop(void **state)
{
    (void)state;
    struct patients p;

    patients_open(&p);
    let_report(&p.device[0]);
    assert_true(is_woken(&p));
    report_until_spaced(&p);
    while (p.loop->patience.spaced) /* silence */
        loop_turn(p.loop);
    let_report(&p.device[0]);
    assert_true(is_woken(&p));
    patients_close(&p);
}

static void nobody_is_patient_while_one_hurries(void **state)
{
    (void)state;
    struct patients p;

    patients_open(&p);
    report_until_spaced(&p);
    while (p.loop->patience.spaced) {
        loop_hurry(p.loop);
        for (int i = 0; i < PATIENT; i++)
            let_report(&p.device[i]);
        loop_turn(p.loop);
    }
    let_report(&p.device[0]);
    assert_true(is_woken(&p));
    patients_close(&p);
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
        cmocka_unit_test(many_patient_descriptors_are_looked_at_and_do_not_wake_the_loop),
        cmocka_unit_test(few_patient_descriptors_wake_the_loop),
        cmocka_unit_test(nobody_is_patient_while_one_hurries),
        cmocka_unit_test(a_sleeping_loop_wakes_for_its_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/net_testing.h"
#include "net/workers.h"

/* ---- mail -----------------------------------------------------------------------------------*/

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

/* ---- descriptors and timers -----------------------------------------------------------------*/

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

/* ---- listeners ------------------------------------------------------------------------------*/

struct accepted {
    atomic_uint by_loop[2];
};

static void accept_and_greet(void *ctx, struct loop *loop, int fd, struct tls_context *tls,
                             const struct sockaddr *peer)
{
    struct accepted *a = ctx;
    struct ip_addr ip;

    (void)tls;
    ip_of_sockaddr(peer, &ip);
    char hello = loop_is_current(loop) && ip_is_loopback(&ip) ? 'h' : '?';
    atomic_fetch_add(&a->by_loop[loop_index(loop)], 1);
    (void)!send(fd, &hello, 1, MSG_NOSIGNAL);
    close(fd);
}

static struct net_address address_of(const char *text)
{
    struct net_address a;
    assert_int_equal(net_address_parse(str_of(text), &a), MU_OK);
    return a;
}

static void greet(uint16_t port)
{
    char hello;
    int fd = testing_connect(port);
    assert_int_equal(testing_read(fd, &hello, 1), 1);
    assert_int_equal(hello, 'h');
    close(fd);
}

static void two_loops_share_a_port_that_the_kernel_chose(void **state)
{
    (void)state;
    struct loop *loops[2];
    struct listener *l;
    struct net_address address = address_of("127.0.0.1:0");
    struct accepted a = { { 0 } };
    char why[200];

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(loop_create(&loops[i], i), MU_OK);
    assert_int_equal(listener_open(&l, &address, loops, 2, NULL, accept_and_greet, &a, why, sizeof(why)),
                     MU_OK);
    assert_int_not_equal(net_address_port(&address), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(loop_start(loops[i]), MU_OK);
    /* The kernel spreads them by their ports: 60 on one loop alone would be a one in 2^60 chance. */
    for (int i = 0; i < 60; i++)
        greet(net_address_port(&address));
    assert_true(atomic_load(&a.by_loop[0]) > 0);
    assert_true(atomic_load(&a.by_loop[1]) > 0);
    for (unsigned i = 0; i < 2; i++) {
        loop_stop(loops[i]);
        loop_join(loops[i]);
    }
    listener_close(l);
    for (unsigned i = 0; i < 2; i++)
        loop_destroy(loops[i]);
}

static void an_address_in_use_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct loop *loop;
    struct listener *first, *second;
    struct net_address address = address_of("127.0.0.1:0");
    struct accepted a = { { 0 } };
    char why[200] = "";

    assert_int_equal(loop_create(&loop, 0), MU_OK);
    assert_int_equal(listener_open(&first, &address, &loop, 1, NULL, accept_and_greet, &a, why,
                                   sizeof(why)), MU_OK);
    assert_int_equal(listener_open(&second, &address, &loop, 1, NULL, accept_and_greet, &a, why,
                                   sizeof(why)), MU_E_IO);
    assert_null(second);
    assert_non_null(strstr(why, "127.0.0.1:"));
    assert_non_null(strstr(why, "in use"));
    listener_close(first);
    loop_destroy(loop);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static void a_connection_that_finds_no_descriptor_is_accepted_later(void **state)
{
    (void)state;
    struct loop *loop;
    struct listener *l;
    struct net_address address = address_of("127.0.0.1:0");
    struct accepted a = { { 0 } };
    struct rlimit limit, none;
    char why[200], hello;

    assert_int_equal(loop_create(&loop, 0), MU_OK);
    assert_int_equal(listener_open(&l, &address, &loop, 1, NULL, accept_and_greet, &a, why, sizeof(why)),
                     MU_OK);
    assert_int_equal(loop_start(loop), MU_OK);

    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address.sa, address.len), 0);
    /* The loop has seen it, and could not accept it. */
    on_loop(loop, do_nothing, NULL);
    on_loop(loop, do_nothing, NULL);
    assert_int_equal(recv(fd, &hello, 1, MSG_DONTWAIT), -1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(testing_read(fd, &hello, 1), 1);
    close(fd);

    loop_stop(loop);
    loop_join(loop);
    listener_close(l);
    loop_destroy(loop);
}

static void addresses_are_read_and_written(void **state)
{
    (void)state;
    static const char *const same[] = { "127.0.0.1:8080", "0.0.0.0:80", "[::1]:8080", "[::]:1883",
                                        "[2001:db8::7]:65535" };
    static const char *const bad[] = { "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                                       "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[::1]", "[]:80",
                                       "[127.0.0.1]:80", "[::1:80", "::1]:80" };
    char text[NET_ADDRESS_TEXT];
    struct net_address a;

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        a = address_of(same[i]);
        net_address_text(&a, text);
        assert_string_equal(text, same[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(net_address_parse(str_of(bad[i]), &a), MU_E_SYNTAX);

    a = address_of("localhost:1883");
    assert_int_equal(net_address_port(&a), 1883);
    net_address_text(&a, text);
    assert_string_equal(text, "127.0.0.1:1883");
}

/* ---- workers --------------------------------------------------------------------------------*/

struct numbered {
    struct job job;
    unsigned number;
    atomic_uint *next, *wrong;
};

static void check_number(struct job *job)
{
    struct numbered *n = (struct numbered *)job;
    if (atomic_fetch_add(n->next, 1) != n->number)
        atomic_fetch_add(n->wrong, 1);
}

/* Returns how many began out of order. */
static unsigned run_jobs(unsigned threads)
{
    enum { JOBS = 5000 };
    struct workers *w;
    struct numbered *jobs = calloc(JOBS, sizeof(*jobs));
    atomic_uint next = 0, wrong = 0;

    assert_non_null(jobs);
    assert_int_equal(workers_create(&w, threads), MU_OK);
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (struct numbered){ { NULL, check_number }, i, &next, &wrong };
        workers_submit(w, &jobs[i].job);
    }
    workers_destroy(w);
    assert_int_equal(atomic_load(&next), JOBS);
    free(jobs);
    return atomic_load(&wrong);
}

static void one_worker_runs_jobs_in_order_and_all_before_it_ends(void **state)
{
    (void)state;
    assert_int_equal(run_jobs(1), 0);
}

static void several_workers_run_every_job_once(void **state)
{
    (void)state;
    run_jobs(4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_of_four_threads_arrives_in_each_ones_order),
        cmocka_unit_test(mail_to_a_loop_that_has_ended_is_dropped),
        cmocka_unit_test(mail_to_itself_comes_in_the_next_round_and_hooks_run_in_each),
        cmocka_unit_test(a_removed_descriptor_is_not_called_though_it_was_ready),
        cmocka_unit_test(a_sleeping_loop_wakes_for_its_timers),
        cmocka_unit_test(two_loops_share_a_port_that_the_kernel_chose),
        cmocka_unit_test(an_address_in_use_is_refused_with_a_reason),
        cmocka_unit_test(a_connection_that_finds_no_descriptor_is_accepted_later),
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(one_worker_runs_jobs_in_order_and_all_before_it_ends),
        cmocka_unit_test(several_workers_run_every_job_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/unit_test.h"

#include <stdlib.h>

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/cidr.h"
#include "net/listener.h"
#include "net/net_testing.h"

/* Listening: addresses, ports that are taken, several loops, and running out of descriptors. */

struct accepted {
    atomic_uint by_loop[2];
};

static void accept_and_greet(void *ctx, struct loop *loop, int fd, const struct transport *via,
                             const struct sockaddr *peer)
{
    struct accepted *a = ctx;
    struct ip_addr ip;

    (void)via;
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
    assert_int_equal(listener_open(&l, &address,
                                   &(struct listener_options){
                                       .loops = loops, .loop_count = 2, .accept = accept_and_greet, .ctx = &a },
                                   why, sizeof(why)),
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
    assert_int_equal(listener_open(&first, &address,
                                   &(struct listener_options){
                                       .loops = &loop, .loop_count = 1, .accept = accept_and_greet, .ctx = &a },
                                   why, sizeof(why)),
                     MU_OK);
    assert_int_equal(listener_open(&second, &address,
                                   &(struct listener_options){
                                       .loops = &loop, .loop_count = 1, .accept = accept_and_greet, .ctx = &a },
                                   why, sizeof(why)),
                     MU_E_IO);
    assert_null(second);
    assert_non_null(strstr(why, "127.0.0.1:"));
    assert_non_null(strstr(why, "in use"));
    listener_close(first);
    loop_destroy(loop);
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
    assert_int_equal(listener_open(&l, &address,
                                   &(struct listener_options){
                                       .loops = &loop, .loop_count = 1, .accept = accept_and_greet, .ctx = &a },
                                   why, sizeof(why)),
                     MU_OK);
    assert_int_equal(loop_start(loop), MU_OK);

    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address.sa, address.len), 0);
    /* The loop has seen it, and could not accept it. */
    on_loop(loop, testing_nothing, NULL);
    on_loop(loop, testing_nothing, NULL);
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
    static const char *const bad[] = {
        "",       ":",     ":80",   "127.0.0.1",      "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
        "::1:80", "[::1]", "[]:80", "[127.0.0.1]:80", "[::1:80",    "::1]:80"
    };
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_loops_share_a_port_that_the_kernel_chose),
        cmocka_unit_test(an_address_in_use_is_refused_with_a_reason),
        cmocka_unit_test(a_connection_that_finds_no_descriptor_is_accepted_later),
        cmocka_unit_test(addresses_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

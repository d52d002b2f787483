#include "access/session_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"

/* A session with its loop and its client, for the session tests. */

enum { LOOPS_MAX = 3 };
struct loop *fixture_loops[LOOPS_MAX];
static unsigned loop_count;
struct access *fixture_access;
static struct listener *listener;
static struct net_address address;

static int set_up(uint32_t packet_max, unsigned loops)
{
    char why[200];
    struct access_options options = { .loops = fixture_loops, .loop_count = loops, .mqtt_packet_max = packet_max };

    log_set_level(LOG_ERROR);
    fake_reset();
    loop_count = loops;
    for (unsigned i = 0; i < loops; i++)
        if (loop_create(&fixture_loops[i], i) != MU_OK)
            return -1;
    if (net_address_parse(STR("127.0.0.1:0"), &address) != MU_OK ||
        access_create(&fixture_access, &options, why, sizeof(why)) != MU_OK ||
        listener_open(
            &listener, &address,
            &(struct listener_options){
                .loops = fixture_loops, .loop_count = loops, .accept = access_mqtt_accept, .ctx = fixture_access },
            why, sizeof(why)) != MU_OK)
        return -1;
    for (unsigned i = 0; i < loops; i++)
        if (loop_start(fixture_loops[i]) != MU_OK)
            return -1;
    return 0;
}

int fixture_setup(void **state)
{
    (void)state;
    return set_up(1024, 1);
}

int fixture_setup_without_limits(void **state)
{
    (void)state;
    return set_up(0, 1);
}

int fixture_setup_loops(unsigned loops)
{
    return set_up(1024, loops);
}

int fixture_teardown(void **state)
{
    (void)state;
    access_shutdown(fixture_access, END_EXCEPTION);
    for (unsigned i = 0; i < loop_count; i++)
        loop_stop(fixture_loops[i]);
    for (unsigned i = 0; i < loop_count; i++)
        loop_join(fixture_loops[i]);
    listener_close(listener);
    access_destroy(fixture_access);
    for (unsigned i = 0; i < loop_count; i++)
        loop_destroy(fixture_loops[i]);
    return 0;
}

struct access_figures fixture_figures(void)
{
    struct access_figures f;
    access_get_figures(fixture_access, &f);
    return f;
}

bool fixture_is_connected(void)
{
    return access_control_port(fixture_access).is_connected(fixture_access, 1);
}

/* --- a client ---------------------------------------------------------------------------------*/

static int open_with_buffer(int bytes)
{
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    if (bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (const struct sockaddr *)&address.sa, address.len), 0);
    return fd;
}

int open_client(void)
{
    return open_with_buffer(0);
}

int open_narrow_client(void)
{
    return open_with_buffer(4096);
}

void say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void hear(int fd, const void *expected, size_t len)
{
    uint8_t bytes[256];
    size_t got = 0;

    while (got < len) {
        ssize_t n = recv(fd, bytes + got, len - got, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(bytes, expected, len);
}

void hear_the_end(int fd)
{
    uint8_t byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    close(fd);
}

int log_in(const void *connect, size_t len)
{
    int fd = open_client();
    say(fd, connect, len);
    HEAR(fd, "\x20\2\0\0");
    return fd;
}

int claim(const void *connect, size_t len, unsigned n, struct fake_commit_event *login)
{
    int fd = open_client();

    say(fd, connect, len);
    *login = fake_event(n);
    assert_int_equal(login->kind, EVENT_LOGIN);
    return fd;
}

void reset_client(int fd)
{
    struct linger at_once = { .l_onoff = 1 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

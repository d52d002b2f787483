#include "access/session_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"

/* A session with its loop and its client, for the session tests. */

static struct loop *loop;
struct access *fixture_access;
static struct listener *listener;
static struct net_address address;

static int set_up(uint32_t packet_max)
{
    char why[200];
    struct access_options options = { .loops = &loop, .loop_count = 1, .mqtt_packet_max = packet_max };

    log_set_level(LOG_ERROR);
    fake_reset();
    if (net_address_parse(STR("127.0.0.1:0"), &address) != MU_OK || loop_create(&loop, 0) != MU_OK ||
        access_create(&fixture_access, &options, why, sizeof(why)) != MU_OK ||
        listener_open(&listener, &address,
                      &(struct listener_options){
                          .loops = &loop, .loop_count = 1, .accept = access_mqtt_accept, .ctx = fixture_access },
                      why, sizeof(why)) != MU_OK)
        return -1;
    return loop_start(loop) == MU_OK ? 0 : -1;
}

int fixture_setup(void **state)
{
    (void)state;
    return set_up(1024);
}

int fixture_setup_without_limits(void **state)
{
    (void)state;
    return set_up(0);
}

int fixture_teardown(void **state)
{
    (void)state;
    access_shutdown(fixture_access, END_EXCEPTION);
    loop_stop(loop);
    loop_join(loop);
    listener_close(listener);
    access_destroy(fixture_access);
    loop_destroy(loop);
    return 0;
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

#include "net/net_testing.h"
#include "base/unit_test.h"

#include <stdlib.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sockets and loops for the tests of this folder. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* --- loops -----------------------------------------------------------------------------------*/

/* One test has one of these loops. */
static unsigned rounds;

static void count_round(struct loop_hook *h, struct loop *loop)
{
    (void)h;
    (void)loop;
    rounds++;
}

struct loop *testing_loop(void)
{
    static struct loop_hook hook = { .run = count_round };
    struct loop *loop;

    assert_int_equal(loop_create(&loop, 0), MU_OK);
    loop_add_hook(loop, &hook);
    assert_int_equal(loop_start(loop), MU_OK);
    return loop;
}

void testing_loop_end(struct loop *loop)
{
    loop_stop(loop);
    loop_join(loop);
    loop_destroy(loop);
}

struct testing_call {
    struct mail mail;
    void (*fn)(void *arg);
    void *arg;
    bool done;
};

static void make_call(struct mail *m, struct loop *loop)
{
    struct testing_call *call = (struct testing_call *)m;
    (void)loop;

    call->fn(call->arg);
    pthread_mutex_lock(&lock);
    call->done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void on_loop(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct testing_call call = { .mail.deliver = make_call, .fn = fn, .arg = arg };

    loop_post(loop, &call.mail);
    pthread_mutex_lock(&lock);
    while (!call.done)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void read_rounds(void *arg)
{
    *(unsigned *)arg = rounds;
}

void testing_assert_sleeps(struct loop *loop)
{
    unsigned before, after;

    on_loop(loop, read_rounds, &before);
    usleep(20 * 1000);
    on_loop(loop, read_rounds, &after);
    /* A loop that spins makes thousands; one that sleeps only those of the two calls, and perhaps
     * of what was on its way. */
    assert_true(after - before < 20);
}

void testing_nothing(void *arg)
{
    (void)arg;
}

/* --- sockets ---------------------------------------------------------------------------------*/

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

uint16_t testing_listen(int *fd)
{
    struct sockaddr_in a = loopback(0);
    socklen_t len = sizeof(a);

    *fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(*fd >= 0);
    assert_int_equal(bind(*fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(*fd, 128), 0);
    assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
    return ntohs(a.sin_port);
}

int testing_connect(uint16_t port)
{
    struct sockaddr_in a = loopback(port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

void testing_tcp_pair(int *client, int *server)
{
    int listening;
    uint16_t port = testing_listen(&listening);

    *client = testing_connect(port);
    *server = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(*server >= 0);
    close(listening);
}

ssize_t testing_read(int fd, void *bytes, size_t len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = recv(fd, (char *)bytes + at, len - at, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        at += (size_t)n;
    }
    return (ssize_t)at;
}

void testing_send(int fd, const void *bytes, size_t len)
{
    size_t at = 0;

    while (at < len) {
        ssize_t n = send(fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += (size_t)n;
    }
}

uint8_t *testing_pattern(size_t len)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    return bytes;
}

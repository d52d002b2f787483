#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/net_testing.h"

enum { IN_MAX = 1000, OUT_MAX = 8 * 1024 * 1024 };

struct fixture {
    char dir[64], cert[96], key[96];
    struct loop *loop;
    struct owner *o;
    struct tls_context *tls;
    SSL_CTX *client_ctx;
    SSL *client;
    int peer;
};

/* ---- certificates ---------------------------------------------------------------------------*/

static EVP_PKEY *write_key(const char *file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *out = fopen(file, "w");

    assert_non_null(key);
    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    return key;
}

static void write_cert(const char *file, EVP_PKEY *key, const char *name)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    FILE *out = fopen(file, "w");

    assert_non_null(out);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(out, cert), 1);
    fclose(out);
    X509_free(cert);
}

static void write_pair(struct fixture *f, const char *name)
{
    EVP_PKEY *key = write_key(f->key);
    write_cert(f->cert, key, name);
    EVP_PKEY_free(key);
}

/* ---- the client -----------------------------------------------------------------------------*/

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char why[200] = "";

    snprintf(f->dir, sizeof(f->dir), "/tmp/muster-tls-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->cert, sizeof(f->cert), "%s/cert.pem", f->dir);
    snprintf(f->key, sizeof(f->key), "%s/key.pem", f->dir);
    write_pair(f, "first");
    assert_int_equal(tls_context_load(&f->tls, f->cert, f->key, why, sizeof(why)), MU_OK);
    f->loop = testing_loop();
    f->o = owner_new(f->loop);
    f->client_ctx = SSL_CTX_new(TLS_client_method());
    f->peer = -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    SSL_free(f->client);
    SSL_CTX_free(f->client_ctx);
    if (f->peer >= 0)
        close(f->peer);
    testing_loop_end(f->loop);
    owner_free(f->o);
    tls_context_free(f->tls);
    unlink(f->cert);
    unlink(f->key);
    rmdir(f->dir);
    free(f);
    return 0;
}

static void open_tls(struct fixture *f, struct owner *o, int *peer)
{
    int fd;
    testing_tcp_pair(peer, &fd);
    assert_int_equal(owner_open(o, fd, f->tls, IN_MAX, OUT_MAX), MU_OK);
}

static SSL *shake_hands(struct fixture *f, int peer)
{
    SSL *client = SSL_new(f->client_ctx);
    SSL_set_fd(client, peer);
    assert_int_equal(SSL_connect(client), 1);
    return client;
}

static void open_both(struct fixture *f)
{
    open_tls(f, f->o, &f->peer);
    f->client = shake_hands(f, f->peer);
}

static void client_send(SSL *client, const void *bytes, size_t len)
{
    size_t n;
    assert_int_equal(SSL_write_ex(client, bytes, len, &n), 1);
    assert_int_equal(n, len);
}

/* Returns how much came before the end. */
static size_t client_read(SSL *client, uint8_t *bytes, size_t len)
{
    size_t at = 0, n;
    while (at < len && SSL_read_ex(client, bytes + at, len - at, &n) == 1)
        at += n;
    return at;
}

static void assert_name(SSL *client, const char *expected)
{
    X509 *cert = SSL_get1_peer_certificate(client);
    char name[64];

    assert_non_null(cert);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name));
    assert_string_equal(name, expected);
    X509_free(cert);
}

static void close_now(void *arg)
{
    conn_close(&((struct owner *)arg)->c);
}

static void pause_now(void *arg)
{
    conn_pause(&((struct owner *)arg)->c);
}

static void resume_now(void *arg)
{
    conn_resume(&((struct owner *)arg)->c);
}

static void end_it(struct fixture *f)
{
    on_loop(f->loop, close_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
}

static size_t echo(struct owner *o, const uint8_t *bytes, size_t len)
{
    (void)!conn_write(&o->c, bytes, len);
    return owner_take(o, bytes, len);
}

/* ---- talking --------------------------------------------------------------------------------*/

static void talk(struct fixture *f, int version)
{
    uint8_t got[5];

    SSL_CTX_set_min_proto_version(f->client_ctx, version);
    SSL_CTX_set_max_proto_version(f->client_ctx, version);
    f->o->on_data = echo;
    open_both(f);
    assert_int_equal(SSL_version(f->client), version);
    client_send(f->client, "hello", 5);
    assert_int_equal(client_read(f->client, got, 5), 5);
    assert_memory_equal(got, "hello", 5);
    assert_true(conn_is_tls(&f->o->c));
    end_it(f);
    assert_true(conn_is_tls(&f->o->c));
}

static void tls_1_2_is_spoken(void **state)
{
    talk(*state, TLS1_2_VERSION);
}

static void tls_1_3_is_spoken(void **state)
{
    talk(*state, TLS1_3_VERSION);
}

struct upload {
    SSL *client;
    const uint8_t *bytes;
    size_t len;
    size_t sent;
};

static void *send_all(void *arg)
{
    struct upload *u = arg;
    SSL_write_ex(u->client, u->bytes, u->len, &u->sent);
    return NULL;
}

static uint8_t *pattern(size_t len)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
    return bytes;
}

static size_t take_some_and_pause(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_pause(&o->c);
    return owner_take(o, bytes, len > 700 ? 700 : len);
}

/* Records of 16 KiB are read in pieces, so most of the time input waits inside TLS, where epoll does
 * not see it. */
static void input_inside_tls_is_not_forgotten_over_a_pause(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 200 * 1000 };
    uint8_t *bytes = pattern(LEN);
    pthread_t thread;

    f->o->on_data = take_some_and_pause;
    open_both(f);
    struct upload u = { .client = f->client, .bytes = bytes, .len = LEN };
    assert_int_equal(pthread_create(&thread, NULL, send_all, &u), 0);
    for (unsigned calls = 1; ; calls++) {
        owner_wait_counter(&f->o->data_calls, calls);
        if (f->o->got.len == LEN)
            break;
        on_loop(f->loop, resume_now, f->o);
    }
    pthread_join(thread, NULL);
    assert_memory_equal(f->o->got.data, bytes, LEN);
    free(bytes);
    end_it(f);
}

static void much_input_goes_through_a_small_cap(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 1000 * 1000 };
    uint8_t *bytes = pattern(LEN);

    open_both(f);
    client_send(f->client, bytes, LEN);
    owner_wait_got(f->o, LEN);
    assert_memory_equal(f->o->got.data, bytes, LEN);
    free(bytes);
    end_it(f);
}

struct writing {
    struct owner *o;
    const uint8_t *bytes;
    size_t len;
    enum mu_err err;
    size_t unsent;
    bool close;
};

static void write_now(void *arg)
{
    struct writing *w = arg;
    for (size_t at = 0; at < w->len && w->err == MU_OK; at += 50000)
        w->err = conn_write(&w->o->c, w->bytes + at, w->len - at > 50000 ? 50000 : w->len - at);
    w->unsent = conn_unsent(&w->o->c);
    if (w->close)
        conn_close_when_sent(&w->o->c);
}

static void a_slow_reader_gets_everything_then_a_proper_end(void **state)
{
    struct fixture *f = *state;
    enum { LEN = 4 * 1000 * 1000 };
    uint8_t *bytes = pattern(LEN), *got = malloc(LEN + 1);
    struct writing w = { .o = f->o, .bytes = bytes, .len = LEN, .close = true };
    int size = 64 * 1024;

    open_both(f);
    setsockopt(f->o->c.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(f->peer, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    on_loop(f->loop, write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_true(w.unsent > 0);
    testing_assert_sleeps(f->loop);
    assert_int_equal(client_read(f->client, got, LEN + 1), LEN);
    assert_memory_equal(got, bytes, LEN);
    assert_int_equal(SSL_get_shutdown(f->client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
    close(f->peer);
    f->peer = -1;
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_WE_CLOSED);
    free(bytes);
    free(got);
}

static void what_is_written_before_the_handshake_goes_after_it(void **state)
{
    struct fixture *f = *state;
    struct writing w = { .o = f->o, .bytes = (const uint8_t *)"503 too many", .len = 12, .close = true };
    uint8_t got[13];

    open_tls(f, f->o, &f->peer);
    on_loop(f->loop, write_now, &w);
    assert_int_equal(w.err, MU_OK);
    assert_int_equal(w.unsent, 12);
    testing_assert_sleeps(f->loop);
    f->client = shake_hands(f, f->peer);
    assert_int_equal(client_read(f->client, got, 13), 12);
    assert_memory_equal(got, "503 too many", 12);
    close(f->peer);
    f->peer = -1;
    owner_wait_closed(f->o);
}

static void a_paused_connection_still_shakes_hands_to_write(void **state)
{
    struct fixture *f = *state;
    struct writing w = { .o = f->o, .bytes = (const uint8_t *)"hi", .len = 2 };
    uint8_t got[2];

    open_tls(f, f->o, &f->peer);
    on_loop(f->loop, pause_now, f->o);
    on_loop(f->loop, write_now, &w);
    f->client = shake_hands(f, f->peer);
    client_send(f->client, "unread", 6);
    assert_int_equal(client_read(f->client, got, 2), 2);
    owner_wait_drained(f->o, 1);
    testing_assert_sleeps(f->loop);
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
    on_loop(f->loop, resume_now, f->o);
    owner_wait_got(f->o, 6);
    end_it(f);
}

/* ---- ends -----------------------------------------------------------------------------------*/

static void a_peer_that_ends_tls_is_told_behind_its_input(void **state)
{
    struct fixture *f = *state;

    open_both(f);
    client_send(f->client, "last words", 10);
    SSL_shutdown(f->client); /* and TCP stays open */
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
    assert_int_equal(f->o->got.len, 10);
}

static size_t take_and_pause(struct owner *o, const uint8_t *bytes, size_t len)
{
    conn_pause(&o->c);
    return owner_take(o, bytes, len);
}

static void an_end_that_tls_has_seen_during_a_pause_is_told_after_it(void **state)
{
    struct fixture *f = *state;

    f->o->on_data = take_and_pause;
    open_tls(f, f->o, &f->peer);
    on_loop(f->loop, pause_now, f->o);
    on_loop(f->loop, resume_now, f->o);
    f->client = shake_hands(f, f->peer);
    client_send(f->client, "last words", 10);
    SSL_shutdown(f->client);
    owner_wait_got(f->o, 10);
    on_loop(f->loop, pause_now, f->o);
    assert_int_equal(owner_counter(&f->o->closed_calls), 0);
    on_loop(f->loop, resume_now, f->o);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void a_peer_that_just_closes_has_closed(void **state)
{
    struct fixture *f = *state;

    open_both(f);
    close(f->peer);
    f->peer = -1;
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_PEER_CLOSED);
}

static void garbage_for_a_handshake_ends_as_tls_failed(void **state)
{
    struct fixture *f = *state;

    open_tls(f, f->o, &f->peer);
    testing_send(f->peer, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_TLS_FAILED);
    assert_int_equal(owner_counter(&f->o->data_calls), 0);
}

static void garbage_after_the_handshake_ends_as_tls_failed(void **state)
{
    struct fixture *f = *state;

    open_both(f);
    client_send(f->client, "hello", 5);
    owner_wait_got(f->o, 5);
    testing_send(f->peer, "\x17\x03\x03\x00\x20" "this is not an encrypted record!", 37);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_TLS_FAILED);
    assert_int_equal(f->o->got.len, 5);
}

static void tls_1_1_is_refused(void **state)
{
    struct fixture *f = *state;

    SSL_CTX_set_security_level(f->client_ctx, 0);
    SSL_CTX_set_min_proto_version(f->client_ctx, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(f->client_ctx, TLS1_1_VERSION);
    open_tls(f, f->o, &f->peer);
    f->client = SSL_new(f->client_ctx);
    SSL_set_fd(f->client, f->peer);
    assert_int_not_equal(SSL_connect(f->client), 1);
    owner_wait_closed(f->o);
    assert_int_equal(f->o->end, CONN_TLS_FAILED);
}

/* ---- certificates in use --------------------------------------------------------------------*/

static void a_reload_is_for_new_connections_and_leaves_living_ones(void **state)
{
    struct fixture *f = *state;
    struct owner *second = owner_new(f->loop);
    char why[200];
    int peer;

    open_both(f);
    assert_name(f->client, "first");
    write_pair(f, "second");
    assert_int_equal(tls_context_reload(f->tls, why, sizeof(why)), MU_OK);
    open_tls(f, second, &peer);
    SSL *client = shake_hands(f, peer);
    assert_name(client, "second");

    client_send(f->client, "still", 5);
    owner_wait_got(f->o, 5);
    SSL_free(client);
    close(peer);
    owner_wait_closed(second);
    owner_free(second);
    end_it(f);
}

static void a_failed_reload_leaves_the_old_certificate_in_use(void **state)
{
    struct fixture *f = *state;
    char why[200] = "";

    EVP_PKEY_free(write_key(f->key)); /* a key that is not the certificate's */
    assert_int_equal(tls_context_reload(f->tls, why, sizeof(why)), MU_E_SYNTAX);
    assert_non_null(strstr(why, f->key));
    unlink(f->cert);
    assert_int_equal(tls_context_reload(f->tls, why, sizeof(why)), MU_E_SYNTAX);
    assert_non_null(strstr(why, f->cert));
    open_both(f);
    assert_name(f->client, "first");
    end_it(f);
}

static void a_key_with_a_passphrase_is_refused_without_asking(void **state)
{
    struct fixture *f = *state;
    struct tls_context *tls;
    char why[200] = "";
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *out = fopen(f->key, "w");

    assert_non_null(out);
    assert_int_equal(PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), (unsigned char *)"secret", 6, NULL,
                                          NULL), 1);
    fclose(out);
    EVP_PKEY_free(key);
    assert_int_equal(tls_context_load(&tls, f->cert, f->key, why, sizeof(why)), MU_E_SYNTAX);
    assert_null(tls);
    assert_non_null(strstr(why, f->key));
    open_both(f);
    end_it(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tls_1_2_is_spoken),
        TEST(tls_1_3_is_spoken),
        TEST(input_inside_tls_is_not_forgotten_over_a_pause),
        TEST(much_input_goes_through_a_small_cap),
        TEST(a_slow_reader_gets_everything_then_a_proper_end),
        TEST(what_is_written_before_the_handshake_goes_after_it),
        TEST(a_paused_connection_still_shakes_hands_to_write),
        TEST(a_peer_that_ends_tls_is_told_behind_its_input),
        TEST(an_end_that_tls_has_seen_during_a_pause_is_told_after_it),
        TEST(a_peer_that_just_closes_has_closed),
        TEST(garbage_for_a_handshake_ends_as_tls_failed),
        TEST(garbage_after_the_handshake_ends_as_tls_failed),
        TEST(tls_1_1_is_refused),
        TEST(a_reload_is_for_new_connections_and_leaves_living_ones),
        TEST(a_failed_reload_leaves_the_old_certificate_in_use),
        TEST(a_key_with_a_passphrase_is_refused_without_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

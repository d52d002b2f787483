#include "net/tls_fixture.h"
#include "base/unit_test.h"

#include <stdlib.h>

#include <stdio.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

/* Certificates, contexts and clients for the TLS tests. */

EVP_PKEY *write_key(const char *file)
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

void write_pair(struct tls_fixture *f, const char *name)
{
    EVP_PKEY *key = write_key(f->key);
    write_cert(f->cert, key, name);
    EVP_PKEY_free(key);
}

int tls_set_up(void **state)
{
    struct tls_fixture *f = calloc(1, sizeof(*f));
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

int tls_tear_down(void **state)
{
    struct tls_fixture *f = *state;

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

void open_tls(struct tls_fixture *f, struct owner *o, int *peer)
{
    int fd;
    testing_tcp_pair(peer, &fd);
    assert_int_equal(owner_open(o, fd, tls_transport(f->tls), TLS_IN_MAX, TLS_OUT_MAX), MU_OK);
}

SSL *shake_hands(struct tls_fixture *f, int peer)
{
    SSL *client = SSL_new(f->client_ctx);
    SSL_set_fd(client, peer);
    assert_int_equal(SSL_connect(client), 1);
    return client;
}

void open_both(struct tls_fixture *f)
{
    open_tls(f, f->o, &f->peer);
    f->client = shake_hands(f, f->peer);
}

void client_send(SSL *client, const void *bytes, size_t len)
{
    size_t n;
    assert_int_equal(SSL_write_ex(client, bytes, len, &n), 1);
    assert_int_equal(n, len);
}

/* Returns how much came before the end. */
size_t client_read(SSL *client, uint8_t *bytes, size_t len)
{
    size_t at = 0, n;
    while (at < len && SSL_read_ex(client, bytes + at, len - at, &n) == 1)
        at += n;
    return at;
}

#ifndef MUSTER_NET_TLS_FIXTURE_H
#define MUSTER_NET_TLS_FIXTURE_H

#include <openssl/ssl.h>

#include "net/net_owner.h"
#include "net/net_testing.h"
#include "net/tls.h"

/* For the tests of TLS: a certificate made for the test, a connection on a loop with its owner, and
 * OpenSSL's own client on a blocking socket. */

enum { TLS_IN_MAX = 1000, TLS_OUT_MAX = 8 * 1024 * 1024 };

struct tls_fixture {
    char dir[64], cert[96], key[96];
    struct loop *loop;
    struct owner *o;
    struct tls_context *tls;
    SSL_CTX *client_ctx;
    SSL *client;
    int peer; /* -1 = closed */
};

int tls_set_up(void **state);
int tls_tear_down(void **state);

EVP_PKEY *write_key(const char *file);
/* Writes a new key and its self-signed certificate over the fixture's files. */
void write_pair(struct tls_fixture *f, const char *name);

void open_tls(struct tls_fixture *f, struct owner *o, int *peer); /* no handshake yet */
SSL *shake_hands(struct tls_fixture *f, int peer);
void open_both(struct tls_fixture *f); /* both of it, for the fixture's own owner */
void client_send(SSL *client, const void *bytes, size_t len);
/* Returns how much came before the end. */
size_t client_read(SSL *client, uint8_t *bytes, size_t len);

#endif

#include "net/tls_private.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

/* A server's certificate and key: loading them, replacing them while connections live, and how long they are valid. */

struct tls_context {
    struct transport via; /* first */
    pthread_mutex_t lock;
    SSL_CTX *current; /* under lock; a connection holds a reference of its own */
    char *cert_file, *key_file;
};

/* The caller gets a reference of its own. */
static SSL_CTX *take_current(struct tls_context *tls)
{
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *ctx = tls->current;
    SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&tls->lock);
    return ctx;
}

/* OpenSSL would ask on the terminal and wait. */
static int no_passphrase(char *out, int size, int writing, void *ctx)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static void explain(char *why, size_t why_size, const char *file)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error)) : ERR_reason_error_string(error);

    snprintf(why, why_size, "%s: %s", file, reason ? reason : "cannot be used");
    ERR_clear_error();
}

static void configure(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* A peer that closes without a TLS goodbye is no error: HTTP and MQTT mark the ends of their messages. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* Resumption by tickets, which the clients keep; nothing is remembered here. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
}

static enum mu_err load(const char *cert_file, const char *key_file, SSL_CTX **out, char *why, size_t why_size)
{
    enum mu_err err = MU_E_SYNTAX;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (!ctx) {
        snprintf(why, why_size, "%s", mu_err_text(MU_E_NOMEM));
        return MU_E_NOMEM;
    }
    configure(ctx);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
        explain(why, why_size, cert_file);
        goto out;
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
        explain(why, why_size, key_file);
        goto out;
    }
    *out = ctx;
    ctx = NULL;
    err = MU_OK;
out:
    SSL_CTX_free(ctx);
    return err;
}

enum mu_err tls_context_load(struct tls_context **out, const char *cert_file, const char *key_file, char *why,
                             size_t why_size)
{
    enum mu_err err = MU_E_NOMEM;
    struct tls_context *tls = calloc(1, sizeof(*tls));

    *out = NULL;
    if (tls) {
        tls->via = transport_tls;
        pthread_mutex_init(&tls->lock, NULL);
        tls->cert_file = strdup(cert_file);
        tls->key_file = strdup(key_file);
    }
    if (!tls || !tls->cert_file || !tls->key_file) {
        snprintf(why, why_size, "%s", mu_err_text(MU_E_NOMEM));
        goto out;
    }
    if ((err = load(cert_file, key_file, &tls->current, why, why_size)) != MU_OK)
        goto out;
    *out = tls;
    tls = NULL;
out:
    tls_context_free(tls);
    return err;
}

enum mu_err tls_context_reload(struct tls_context *tls, char *why, size_t why_size)
{
    SSL_CTX *fresh;
    enum mu_err err = load(tls->cert_file, tls->key_file, &fresh, why, why_size);
    if (err != MU_OK)
        return err;

    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->current;
    tls->current = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return MU_OK;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm;

    return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

static void narrow(struct tls_validity *v, const X509 *cert)
{
    int64_t from_s = seconds_of(X509_get0_notBefore(cert)), until_s = seconds_of(X509_get0_notAfter(cert));

    v->from_s = from_s > v->from_s ? from_s : v->from_s;
    v->until_s = until_s < v->until_s ? until_s : v->until_s;
}

struct tls_validity tls_context_validity(const struct tls_context *tls)
{
    struct tls_validity v = { INT64_MIN, INT64_MAX };
    SSL_CTX *ctx = take_current((struct tls_context *)tls);
    STACK_OF(X509) *chain = NULL;

    narrow(&v, SSL_CTX_get0_certificate(ctx));
    SSL_CTX_get0_chain_certs(ctx, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) /* -1 without a chain */
        narrow(&v, sk_X509_value(chain, i));
    SSL_CTX_free(ctx);
    return v;
}

const struct transport *tls_transport(const struct tls_context *tls)
{
    return &tls->via;
}

struct tls_context *tls_of(const struct transport *via)
{
    return (struct tls_context *)via;
}

void tls_context_free(struct tls_context *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->current);
    free(tls->cert_file);
    free(tls->key_file);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

SSL *tls_accept(struct tls_context *tls, int fd)
{
    SSL_CTX *ctx = take_current(tls);
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        ssl = NULL;
    }
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}

#ifndef MUSTER_NET_TLS_H
#define MUSTER_NET_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/transport.h"

/* A server certificate with its key; TLS 1.2 and 1.3, buffers released when idle. Shared by all
 * loops. */
struct tls_context;

/* PEM files: the certificate with its chain, and the key, without a passphrase. MU_E_SYNTAX if they
 * cannot be read or do not belong together; why gets one sentence (file, reason). */
MU_MUST_USE enum mu_err tls_context_load(struct tls_context **out, const char *cert_file, const char *key_file,
                                         char *why, size_t why_size);

/* Reads both files again; on failure the old pair stays in use. New connections use the new pair,
 * living ones go on. Any thread. */
MU_MUST_USE enum mu_err tls_context_reload(struct tls_context *tls, char *why, size_t why_size);
/* From when until when, in seconds since 1970, all certificates of the chain in use are valid. Any thread. */
struct tls_validity {
    int64_t from_s, until_s;
};
struct tls_validity tls_context_validity(const struct tls_context *tls);
/* As long as the context. */
const struct transport *tls_transport(const struct tls_context *tls);
/* Living connections keep what they need. NULL is a no-op. */
void tls_context_free(struct tls_context *tls);

#endif

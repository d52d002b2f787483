#ifndef MUSTER_NET_TLS_PRIVATE_H
#define MUSTER_NET_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include "net/tls.h"

extern const struct transport transport_tls; /* what tls_transport has been filled with */
struct tls_context *tls_of(const struct transport *via);

/* A server's side of a new connection on fd, by the certificate that is in use now. NULL without
 * memory. Any thread; private to net/. */
SSL *tls_accept(struct tls_context *tls, int fd);

#endif

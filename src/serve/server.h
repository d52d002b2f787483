#ifndef MUSTER_SERVE_SERVER_H
#define MUSTER_SERVE_SERVER_H

#include <pthread.h>

#include "access/access.h"
#include "api/api.h"
#include "debugger/debugger.h"
#include "net/tls.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "ops/stores.h"
#include "serve/health.h"
#include "serve/metrics.h"

/* Everything that runs in `muster serve`, from the settings to the last socket. All zero except stores.data.lock_fd
 * = -1: it owns nothing yet. */

#define SERVER_LOOPS_MAX   64
#define SERVER_PROXIES_MAX 32

enum server_listener { LISTEN_HTTP, LISTEN_HTTPS, LISTEN_MQTT, LISTEN_MQTTS, LISTEN_OPS, LISTENER_COUNT };

struct server {
    const struct settings *settings; /* lives longer than this struct */
    struct stores stores;
    struct tls_context *tls;
    struct loop *loops[SERVER_LOOPS_MAX];
    unsigned loop_count, loops_started;
    struct workers *workers;
    struct listener *listeners[LISTENER_COUNT];
    struct net_address addresses[LISTENER_COUNT];
    struct access *access;
    struct api *api;
    struct debugger *debugger;
    struct metrics *metrics;
    struct http_server *public_http, *ops_http;
    struct health public_health, ops_health;
    struct cidr trusted_proxies[SERVER_PROXIES_MAX];
    size_t trusted_proxy_count;
    struct local_server *local;
    pthread_mutex_t changing; /* held by a command that changes something (ops/operation.h) */
    int64_t started_s;        /* by the monotonic clock */
    char why[512];            /* after a failure: one sentence for the operator, or "" */
};

/* Does first what may need root (ports, keys, descriptors). Then becomes the user that the settings name, opens the
 * stores and starts all threads. MU_E_SYNTAX: a setting cannot be used. After a failure server_stop must still be
 * called. */
MU_MUST_USE enum mu_err server_start(struct server *s);

/* Sessions end and are recorded; loops stop, so nothing new arrives; workers finish their jobs; the committer writes
 * the rest; the stores close. */
void server_stop(struct server *s);

/* Prints the line that says that the server answers, and at which addresses. */
void server_print_ready(const struct server *s);

/* Each reads and checks by itself one thing that the settings name (server_inputs.c, server_listeners.c). Nothing
 * stays open. MU_E_SYNTAX: it cannot be used, and s->why says why. */
MU_MUST_USE enum mu_err server_load_certificate(struct server *s);
MU_MUST_USE enum mu_err server_read_proxies(struct server *s);
MU_MUST_USE enum mu_err server_check_advertised(struct server *s);
MU_MUST_USE enum mu_err server_read_address(struct server *s, enum server_listener which);
MU_MUST_USE enum mu_err server_create_debugger(struct server *s);

/* server_listeners.c: binds every address that was read. */
MU_MUST_USE enum mu_err server_listen(struct server *s);

#endif

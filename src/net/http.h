#ifndef MUSTER_NET_HTTP_H
#define MUSTER_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/cidr.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/workers.h"

/* HTTP/1.1 on net/conn: one request of a connection at a time (a pipelined one waits its turn),
 * routing, and answers that leave in one write.
 *
 * A handler is a plain function from request to response. It runs on the connection's loop, or on
 * the worker pool if its route is SLOW; a route that waits for something else is DEFERRED: its
 * handler returns, and http_finish is called later, from any thread.
 *
 * A broken request gets one of these, and its connection ends:
 *   400  what RFC 9112 forbids in a head, between chunks or in trailers, and whatever two readers could frame
 *        differently: a Transfer-Encoding other than "chunked" alone, a second Content-Length or Host, folded
 *        lines, line ends other than CRLF, blanks where none belong. Also CONNECT: its target is no path.
 *   408  the head or the body comes too slowly
 *   413  the body is over LIMIT_HTTP_BODY
 *   417  an unknown expectation
 *   431  the head is over LIMIT_HTTP_HEAD or LIMIT_HTTP_HEADERS
 *   503  no memory
 * Upgrade is ignored, as RFC 9110 allows. A method that no route has is 405. */

enum http_method { HTTP_M_GET, HTTP_M_POST, HTTP_M_PUT, HTTP_M_DELETE, HTTP_M_OPTIONS, HTTP_M_OTHER };

struct http_header {
    struct str name, value;
};

enum { HTTP_CAPTURES = 4 };

/* Its texts live until the handler returns; in a DEFERRED route, until http_finish. */
struct http_request {
    enum http_method method; /* HEAD is GET with `head` set; the body is cut off when sent */
    bool head;
    struct str path;  /* as sent, still escaped; "*" in OPTIONS * */
    struct str query; /* without '?', still escaped */
    /* Of the Host header (or of the target, if that is a URL), with its port: letters, digits and -._~%:[] only;
     * "" in HTTP/1.0 without one. */
    struct str host;
    const struct http_header *headers;
    size_t header_count;
    struct str body;                    /* chunks joined */
    struct str captures[HTTP_CAPTURES]; /* the {…} of the route's path, unescaped; perhaps not UTF-8 */
    struct ip_addr peer;                /* the client: the connection's peer, or whom a trusted proxy forwards for */
    bool tls;
};

/* The last value of a header, name matched without case; "" if absent. */
struct str http_header_get(const struct http_request *req, const char *name);

struct http_response {
    int status;               /* 200 until set; 200 … 599 */
    const char *content_type; /* static; NULL = none */
    struct buf body;          /* compressed on a worker if it is over 4 KiB and the peer takes gzip */
    struct str constant;      /* instead of body, if set: bytes that outlive the server, not copied (http_static.h) */
    struct buf headers;       /* http_add_header: lines ended by CRLF, besides Date, Connection and Content-… */
    bool close;               /* end the connection after this answer */
};

struct http_route;
struct http_exchange {
    struct http_request req;
    struct http_response res;
    struct arena arena;             /* freed with the exchange */
    const struct http_route *route; /* NULL if none matched */
    void *ctx;                      /* of the route's table */
    struct loop *loop;
    int64_t started_us; /* loop_now_us when the request was complete, or refused */
    int64_t ended_us;   /* monotonic, when it was answered: for http_server's done */
    void *user;         /* the handler's own, e.g. while deferred */
};

/* name is ours; control characters in the value become blanks. */
void http_add_header(struct http_exchange *ex, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sends the answer of a DEFERRED route. Any thread, also inside the handler; exactly once, and before
 * loop_destroy. ex must not be used afterwards. If the connection is gone, the answer is dropped. */
void http_finish(struct http_exchange *ex);

enum http_where { HTTP_FAST, HTTP_SLOW, HTTP_DEFERRED };

struct http_route {
    enum http_method method;
    const char *path; /* "/v1/products/{product_key}/devices"; empty segments of a request's path do not count */
    enum http_where where;
    void (*handle)(struct http_exchange *ex);
    const void *meta; /* the table's own, e.g. the declared parameters */
    unsigned number;  /* set by http_server_add: index among all routes, for metrics */
};

/* What a table's `before` says: the handler runs; it has written the answer itself; or it has given the request to
 * another thread, which runs what the route has and calls http_finish. */
enum http_before { HTTP_GO_ON, HTTP_ANSWERED, HTTP_TAKEN_OVER };

/* Routes under one prefix ("/v1", "/dev", "/"), with what they share. The longest prefix that matches owns the
 * request, even if its table has no route for it. A literal segment is tried before a capture. HEAD is answered
 * by GET's route; OPTIONS, unless it has a route, by 204 with Allow. The table, its routes and their texts outlive
 * the server. */
struct http_table {
    const char *prefix;
    struct http_route *routes;
    size_t count;
    void *ctx;
    /* Writes the body of a failure that has no handler: 404, 405 (Allow is set already, and so is
     * res.status). detail may be NULL. */
    void (*error)(struct http_exchange *ex, int status, const char *detail);
    /* Runs on the loop for every complete request of the table, before the handler; also before a 404, a 405 or
     * the answer to OPTIONS, when ex->route is NULL. For CORS and for checks that all routes share. The headers
     * that it adds stay in those answers too. Optional. */
    enum http_before (*before)(struct http_exchange *ex);
};

struct http_settings {
    /* From the accept, later from the first byte, to the end of the headers; then 408. A peer that sends nothing is
     * closed without an answer. */
    int head_timeout_ms;
    /* Between requests; for the next KiB of a body, then 408; and the time over which a peer must take
     * LIMIT_HTTP_TAKEN bytes a second of its answer. */
    int idle_timeout_ms;
    /* Per loop: unread answers and unfinished bodies of all peers. Over it, those that have stalled longest are
     * ended. 0 = LIMIT_HTTP_HELD. */
    size_t held_max;
    uint32_t max_connections;           /* of all loops; beyond it new ones get 503 and are closed */
    const struct cidr *trusted_proxies; /* whose X-Forwarded-For is believed; they outlive the server */
    size_t trusted_proxy_count;
};

struct http_server;
/* error writes the body of a failure that belongs to no table (400, 404, 408, 413, 417, 431, 500, 503). ex->ctx is
 * ctx, ex->route is NULL, res.status is set, and the request may be filled in only partly. done (optional) is told
 * of every finished exchange, on its loop: for metrics and the request log. bytes_sent is 0 if the connection had
 * gone. workers may be NULL if no route is SLOW. */
MU_MUST_USE enum mu_err http_server_create(struct http_server **out, const struct http_settings *s,
                                           struct workers *workers,
                                           void (*error)(struct http_exchange *ex, int status, const char *detail),
                                           void (*done)(void *ctx, const struct http_exchange *ex, size_t bytes_sent),
                                           void *ctx);
/* Before the loops start. MU_E_EXISTS: two routes are the same; MU_E_VALUE: a path is outside the
 * prefix, has more than HTTP_CAPTURES captures or too many segments, or the method is none. */
MU_MUST_USE enum mu_err http_server_add(struct http_server *s, struct http_table *table);
/* The listener_accept function; ctx is the server. */
void http_server_accept(void *server, struct loop *loop, int fd, const struct transport *via,
                        const struct sockaddr *peer);
/* Every route of every table, in `number` order. */
size_t http_server_route_count(const struct http_server *s);
const struct http_route *http_server_route(const struct http_server *s, size_t number);
/* Peers that were ended, by cause. */
enum http_ended { HTTP_ENDED_SLOW, HTTP_ENDED_CROWD, HTTP_ENDED_COUNT };
struct http_figures {
    uint64_t connections, held_bytes, ended[HTTP_ENDED_COUNT];
};
void http_server_get_figures(const struct http_server *s, struct http_figures *out); /* any thread */
/* After the loops have ended and workers_destroy, before loop_destroy: closes the connections and
 * frees the server. An exchange that is still away is freed when its finish is posted and dropped. */
void http_server_destroy(struct http_server *s);

#endif

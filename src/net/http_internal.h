#ifndef MUSTER_NET_HTTP_INTERNAL_H
#define MUSTER_NET_HTTP_INTERNAL_H

#include "base/log_limit.h"
#include "net/http.h"
#include "net/seats.h"

/* What the files of the HTTP side share:
 *
 *   http_server.c    the server, accepting and refusing connections, the end of it all
 *   http_conn.c      one connection: its life and deadlines
 *   http_input.c     its input: from bytes to requests
 *   http_output.c    its output
 *   http_held.c      what is kept for peers that stall, and who pays for it
 *   http_gather.c    answers that are sent together at the end of a round
 *   http_exchange.c  one request with its answer: pooling, running the handler, threads
 *   http_parse.c     the head of a request
 *   http_body.c      and its body
 *   http_target.c    its target: the forms of RFC 9112, section 3.2
 *   http_route.c     which table and route a path belongs to
 *   http_client.c    who asks, behind proxies
 *   http_answer.c    the bytes of an answer
 *   http_pack.c      and their compression
 *   http_static.c    answers that are always the same
 *
 * A server has one http_loop for each loop, and only that loop's thread uses it and what belongs to it. A SLOW or
 * DEFERRED exchange travels: while it is away it belongs to its handler, and it comes back as mail. */

struct http_conn;
struct exchange;

/* --- routing -----------------------------------------------------------------------------------*/
enum { HTTP_SEGMENTS = 16 }; /* of a path; no route is deeper, so a longer path matches none */

/* One segment in the tree of a table's paths. */
struct http_node {
    struct str segment;                            /* the literal; unused in a capture */
    struct http_node *literals, *next, *capture;   /* children; the next sibling; the {…} child */
    const struct http_route *routes[HTTP_M_OTHER]; /* by method */
    bool is_path;                                  /* some method has a route here */
};

struct http_mount {
    const struct http_table *table;
    struct str prefix[HTTP_SEGMENTS];
    size_t prefix_count;
    struct http_node root;
};

/* Finds the table, the node and the route of x->pub.req.path, and fills in the captures. False if
 * the path has a bad percent-escape or there is no memory. */
bool http_route_find(const struct http_server *s, struct exchange *x);
/* Sets Allow to what the path (or, with node NULL, the server) knows. */
void http_route_allow(struct exchange *x, const struct http_node *node);
void http_routes_free(struct http_server *s);

/* --- server ------------------------------------------------------------------------------------*/
enum {
    HTTP_LOOPS = 256,       /* loops are one per core */
    HTTP_POOL = 64,         /* idle exchanges kept per loop: as many as one core has in hand */
    HTTP_KEEP = 64 * 1024,  /* a buffer larger than this is not kept for the next request */
    HTTP_BATCH = 64 * 1024, /* answers gathered before they are written at last */
    HTTP_SMALL = 4 * 1024,  /* constant answers up to here are copied, other ones not compressed */
    HTTP_GATHERED = 128,    /* connections whose answers wait for the end of a round */
    HTTP_REFUSALS = 64,     /* connections beyond the maximum that are told so, at a time */
};

/* A part of http_loop.gathered and its connection; NULL = the connection is gone. */
struct http_waiting {
    struct http_conn *conn;
    size_t from, len;
};

/* What a server keeps for one loop. */
struct http_loop {
    struct http_server *server;
    struct loop *loop;
    struct conn_owner shared; /* of the connections */
    struct http_conn *conns;
    unsigned refused_count; /* connections beyond the maximum that are being told so */
    struct exchange *pool;
    unsigned pool_count;
    size_t held;                          /* by all connections: http_held.c, as what follows */
    struct http_conn *stalest, *freshest; /* of those that hold something */
    struct log_limit ends;                /* of peers that keep too much */
    struct buf out;                       /* answers of the connection being served, written together */
    int64_t answered_us;                  /* when the last one was ready, monotonic */
    struct loop_hook round;               /* http_gather.c, as what follows */
    struct buf gathered;                  /* answers that wait for the end of the round */
    struct http_waiting waiting[HTTP_GATHERED];
    unsigned waiting_count;
    char date[40]; /* the Date line of this second */
    int64_t date_until_ms;
};

struct http_server {
    struct http_settings settings;
    struct seats seats;
    _Atomic uint64_t held, ended[HTTP_ENDED_COUNT]; /* for http_server_get_figures */
    struct workers *workers;
    void (*error)(struct http_exchange *ex, int status, const char *detail);
    void (*done)(void *ctx, const struct http_exchange *ex, size_t bytes_sent);
    void *ctx;
    struct http_mount **mounts; /* longer prefixes first */
    size_t mount_count;
    uint32_t mount_cap;
    const struct http_route **routes;
    size_t route_count;
    uint32_t route_cap;
    struct http_loop *loops[HTTP_LOOPS]; /* each set and read by its loop's thread */
};

/* --- exchange ----------------------------------------------------------------------------------*/
struct exchange {
    struct http_exchange pub; /* first: what handlers see */
    struct exchange *next;    /* in the pool */
    struct http_loop *home;   /* loop thread only, as all that follows but job and mail */
    struct http_conn *conn;   /* NULL once it is gone */
    struct job job;
    struct mail mail;
    const struct http_table *table;
    const struct http_node *node;

    struct buf head; /* as it came; the texts of pub.req point into it */
    struct buf body;
    struct http_header headers[LIMIT_HTTP_HEADERS];
    size_t body_left;   /* of the body or, in chunks, of this chunk */
    uint64_t body_raw;  /* bytes of the body with its framing */
    uint8_t chunk_step; /* what comes next: http_body.c */
    const char *failed_why;
    bool http10, keep_alive, has_body, chunked, expects;
    bool packed; /* http_pack has seen the answer */
};

struct exchange *http_exchange_new(struct http_loop *home);
void http_exchange_release(struct exchange *x);
/* After its answer: tells the server's done() and releases it. */
void http_exchange_end(struct exchange *x, size_t sent);
void http_exchange_free(struct exchange *x);

/* What happens to an exchange whose request is complete. */
enum exchange_step {
    EXCHANGE_ANSWERED, /* the response is ready */
    EXCHANGE_AWAY,     /* it comes back to http_conn_answer */
};
enum exchange_step http_exchange_run(struct exchange *x);

/* The response is ready. AWAY: a worker compresses it first. */
enum exchange_step http_exchange_ready(struct exchange *x);

/* Makes the response the server's own error `status`; the connection ends with it. */
void http_exchange_fail(struct exchange *x, int status, const char *detail);

/* --- parsing -----------------------------------------------------------------------------------*/
enum http_scan { HTTP_SCAN_MORE, HTTP_SCAN_BAD, HTTP_SCAN_FOUND };

/* Looks for the end of the head that bytes begin with. *at is where the last look ended (0 at first) and, when
 * found, the head's length. BAD at once if a line does not end with CRLF or continues the line before, or if the
 * head cannot be HTTP. */
enum http_scan http_head_scan(const char *bytes, size_t len, uint32_t *at);

/* Reads the complete head. 0, or the status to refuse it with (x->failed_why says why). */
int http_head_parse(struct exchange *x, const char *bytes, size_t len);

/* Reads more of the body. *used: how many of the bytes belong to it. *complete: it has ended. 0 or a status. */
int http_body_parse(struct exchange *x, const char *bytes, size_t len, size_t *used, bool *complete);

/* The body of x comes in chunks. */
void http_body_expect_chunks(struct exchange *x);

/* The request line's target into path, query and (absolute form) host. 0 or a status. */
int http_target_parse(struct http_request *req, struct str target, const char **why);
/* The address that a request comes from: the peer's; if the peer is a trusted proxy, the rightmost forwarded
 * address that is no trusted proxy. */
struct ip_addr http_client(const struct http_request *req, const struct cidr *trusted, size_t trusted_count);
bool http_is_token(struct str s);
/* Without control characters, except tabs. */
bool http_is_field_value(struct str s);
/* uri-host [ ":" port ] (RFC 9110, section 7.2), not empty. */
bool http_is_host(struct str s);
/* Name and value of a field line without its end. False: *why says what is wrong. */
bool http_field_parse(struct str line, struct http_header *out, const char **why);

/* --- answers -----------------------------------------------------------------------------------*/
struct str http_response_body(const struct http_response *res);
/* Appends status line and headers; *body says whether the body follows. */
void http_answer_head(struct exchange *x, bool close, struct buf *out, bool *body);
/* The answer is large and its peer takes gzip: http_pack may compress it. */
bool http_pack_wanted(struct exchange *x);
void http_pack(struct exchange *x);

/* --- connections -------------------------------------------------------------------------------*/
/* Takes fd over, also on failure. refuse: the connection is answered 503 and ends. */
void http_conns_init(struct http_loop *home);
MU_MUST_USE enum mu_err http_conn_open(struct http_loop *home, int fd, const struct transport *via,
                                       const struct sockaddr *peer, bool refuse);
/* The exchange that was away is finished. */
void http_conn_answer(struct http_conn *hc);
void http_gather_init(struct http_loop *home);
/* After the loop has ended. */
void http_conns_close(struct http_loop *home);

#endif

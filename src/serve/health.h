#ifndef MUSTER_SERVE_HEALTH_H
#define MUSTER_SERVE_HEALTH_H

#include "commit/committer.h"
#include "net/http.h"
#include "nodes/nodes.h"

/* GET /healthz, for load balancers and supervisors: 200 {"status":"ok"} while reports are kept, 503
 * {"status":"disk_full"} or {"status":"store_failed"} while they are not. Each HTTP server has its own struct. */
struct health {
    const struct committer *committer;
    const struct nodes *nodes; /* NULL: there are no other ones */
    struct http_route route;
    struct http_table table;
};
void health_init(struct health *h, const struct committer *committer, const struct nodes *nodes);

/* The error() of the operator's tables: writes one line of text. */
void health_write_error(struct http_exchange *ex, int status, const char *detail);

#endif

#ifndef MUSTER_API_API_H
#define MUSTER_API_API_H

#include "commit/committer.h"
#include "commit/control_request.h"
#include "fleet/fleet.h"
#include "journal/journal.h"
#include "net/http.h"
#include "registry/registry.h"

/* The enterprise side: the routes under /v1, and /openapi.json. There is one file for each chapter of the API
 * document; each route is declared beside its handler (route.h). */
struct api;

struct api_options {
    struct fleet *fleet;
    struct registry *registry;
    struct journal *journal;
    struct committer *committer;
    const struct calendar *calendar; /* its days are the days of reports */
    struct workers *workers;         /* must live longer than the calls given to them */
    struct control_port control;
    /* Whether this node has been without the store for so long that another one should be asked; NULL: never. */
    bool (*is_late)(void *nodes);
    /* Where several nodes count an enterprise's calls together: asks for more (model/quota.h). NULL: this process counts
     * alone. Any thread, never blocks. And waits for the answer; false: there was none by then, on the monotonic clock. */
    void (*ask_quota)(void *nodes);
    bool (*await_quota)(void *nodes, const struct quota_share *s, int64_t until_ms);
    void *nodes;             /* for these three */
    const char *cors_origin; /* NULL = off; "*" or one origin; must live as long as the api */
};

/* Copies options, but not what they point to. */
MU_MUST_USE enum mu_err api_create(struct api **out, const struct api_options *options);
/* Writes the tables to add to the HTTP server: "/v1" and "/openapi.json". At most max; 2 is enough. */
size_t api_http_tables(struct api *api, struct http_table **out, size_t max);
void api_destroy(struct api *api); /* after loops and workers have ended */

/* The answer to failures that belong to no table: the same JSON error body, and an X-Request-Id. */
void api_write_error(struct http_exchange *ex, int status, const char *detail);

#endif

#ifndef MUSTER_API_API_H
#define MUSTER_API_API_H

#include "fleet/committer.h"
#include "fleet/control_request.h"
#include "fleet/fleet.h"
#include "journal/journal.h"
#include "net/http.h"
#include "registry/registry.h"

/* The enterprise side: the routes under /v1 and /openapi.json. One file per chapter of the API
 * document; each route is declared beside its handler (route.h). */
struct api;

struct api_options {
    struct fleet *fleet;
    struct registry *registry;
    struct journal *journal;
    struct committer *committer;
    const struct calendar *calendar; /* in whose days reports are cut */
    struct workers *workers;         /* outlive the calls given to them */
    struct control_port control;
    const char *cors_origin; /* NULL = off; "*" or one origin; lives as long as the api */
};

/* options are copied, what they point to is not. */
MU_MUST_USE enum mu_err api_create(struct api **out, const struct api_options *options);
/* The tables to add to the HTTP server: "/v1" and "/openapi.json". At most max, which 2 is enough
 * for. */
size_t api_http_tables(struct api *api, struct http_table **out, size_t max);
void api_destroy(struct api *api); /* after the loops and workers have ended */

/* For failures that belong to no table: the same JSON error body, and an X-Request-Id. */
void api_write_error(struct http_exchange *ex, int status, const char *detail);

#endif

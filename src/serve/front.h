#ifndef MUSTER_SERVE_FRONT_H
#define MUSTER_SERVE_FRONT_H

#include "net/http.h"

/* GET / for people who open a port in a browser. On the operator's port: the list of pages. */
struct http_table *front_ops_table(void);
/* On the public port: redirects to /docs/. error writes the answer for paths that no other table knows. */
struct http_table *front_public_table(void (*error)(struct http_exchange *ex, int status, const char *detail));

#endif

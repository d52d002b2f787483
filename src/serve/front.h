#ifndef MUSTER_SERVE_FRONT_H
#define MUSTER_SERVE_FRONT_H

#include "net/http.h"

/* GET / for whoever opens a port in a browser. On the operator's: which pages there are. */
struct http_table *front_ops_table(void);
/* On the public one: on to /docs/. error words what no other table knows. */
struct http_table *front_public_table(void (*error)(struct http_exchange *ex, int status, const char *detail));

#endif

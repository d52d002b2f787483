#ifndef MUSTER_SERVE_FRONT_H
#define MUSTER_SERVE_FRONT_H

#include "net/http.h"

/* GET / on the operator's port: which pages there are, for whoever opens it in a browser. */
struct http_table *front_http_table(void);

#endif

#ifndef MUSTER_API_CORS_H
#define MUSTER_API_CORS_H

#include "net/http.h"

/* Lets pages of one origin ("*": of any) call the API from a browser. Adds the headers that every answer needs, and
 * those that answer a preflight (OPTIONS). */
void cors_add_headers(struct http_exchange *ex, const char *origin);

#endif

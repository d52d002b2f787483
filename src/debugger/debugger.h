#ifndef MUSTER_DEBUGGER_DEBUGGER_H
#define MUSTER_DEBUGGER_DEBUGGER_H

#include "base/err.h"
#include "base/text.h"
#include "net/http.h"

/* /docs: the page on which people read about the API's calls and send them. It is made of files in the
 * program; what it shows comes from /openapi.json. */

struct debugger;

/* demo: the content of a file with credentials that the page gives away to whoever opens it; at NULL
 * for none. MU_E_SYNTAX: it is not a JSON object with the texts enterprise_id, enterprise_secret,
 * product_key and product_secret; why says what is wrong. */
MU_MUST_USE enum mu_err debugger_create(struct debugger **out, struct str demo, char *why, size_t why_size);

/* Lives as long as the debugger. */
struct http_table *debugger_http_table(struct debugger *d);

/* After the HTTP server's end. NULL is allowed. */
void debugger_destroy(struct debugger *d);

#endif

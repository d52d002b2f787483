#ifndef MUSTER_DEBUGGER_DEBUGGER_H
#define MUSTER_DEBUGGER_DEBUGGER_H

#include "base/err.h"
#include "base/text.h"
#include "net/http.h"

/* /docs: a page on which people read about the API's calls and send them. Its files are part of the program; it
 * shows /openapi.json. */

struct debugger;

/* demo: the content of a file with credentials, which the page gives to everybody who opens it; at NULL: none.
 * MU_E_SYNTAX: it is not a JSON object with the texts enterprise_id, enterprise_secret, product_key and
 * product_secret; why says what is wrong. */
MU_MUST_USE enum mu_err debugger_create(struct debugger **out, struct str demo, char *why, size_t why_size);

/* Lives as long as the debugger. */
struct http_table *debugger_http_table(struct debugger *d);

/* Call it after the HTTP server has ended. NULL is allowed. */
void debugger_destroy(struct debugger *d);

#endif

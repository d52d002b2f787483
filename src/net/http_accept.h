#ifndef MUSTER_NET_HTTP_ACCEPT_H
#define MUSTER_NET_HTTP_ACCEPT_H

#include <stdbool.h>

#include "base/text.h"
#include "net/http.h"

/* Reads the header fields by which a client says what it prefers: Accept-Language: zh-CN,en;q=0.8.
 *
 * Takes the next item off *list; false at its end. *weight is 0 … 1, 1 where the item has none and 0
 * where it cannot be read: RFC 9110, section 12.4.2. */
bool http_accept_next(struct str *list, struct str *item, double *weight);

/* Whether gzip is accepted, and preferred at least as much as no coding: RFC 9110, section 12.5.3. */
bool http_accepts_gzip(const struct http_request *req);

#endif

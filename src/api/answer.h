#ifndef MUSTER_API_ANSWER_H
#define MUSTER_API_ANSWER_H

#include <stdint.h>

#include "base/json_out.h"
#include "model/api_error.h"
#include "net/http.h"

/* Answers of the enterprise side: error bodies, and the headers that every answer has. */

/* Returns the writer of a JSON answer; drops what was written before. */
struct json_out answer_json(struct http_exchange *ex, int status);

extern const char answer_json_type[]; /* application/json; charset=utf-8 */

/* Writes {"error_message", "error_code", "detail_message"} with the status of the error's row; detail NULL = null. */
void answer_error(struct http_exchange *ex, enum api_error error, const char *detail);

/* The same for a failure that HTTP knows only by its status (contract, "other errors"). */
void answer_failure(struct http_exchange *ex, int status, const char *detail);

/* The number of the next request. It differs from those of all other requests of this process; its upper half is
 * random, so it also differs from those of other processes. Any thread. */
uint64_t answer_next_request(void);
void answer_add_request_id(struct http_exchange *ex, uint64_t request);

/* Adds the header "name: value". Like http_add_header, but without printf: every answer has three of these. */
void answer_add_number(struct http_exchange *ex, struct str name, uint64_t value);

#endif

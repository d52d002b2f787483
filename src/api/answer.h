#ifndef MUSTER_API_ANSWER_H
#define MUSTER_API_ANSWER_H

#include <stdint.h>

#include "base/json_out.h"
#include "model/api_error.h"
#include "net/http.h"

/* Answers of the enterprise side: error bodies and the headers that stand on every answer. */

/* The writer of a JSON answer; forgets what was written before. */
struct json_out answer_json(struct http_exchange *ex, int status);

extern const char answer_json_type[]; /* application/json; charset=utf-8 */

/* {"error_message", "error_code", "detail_message"} with the row's status; detail NULL = null. */
void answer_error(struct http_exchange *ex, enum api_error error, const char *detail);

/* The same for a failure that HTTP knows only by its status (contract, "other errors"). */
void answer_failure(struct http_exchange *ex, int status, const char *detail);

/* The number of the next request: different for each of this process, and, since its upper half is
 * random, from those of other processes. Any thread. */
uint64_t answer_next_request(void);
void answer_add_request_id(struct http_exchange *ex, uint64_t request);

/* "name: value"; what http_add_header does, without printf: three of these stand on every answer. */
void answer_add_number(struct http_exchange *ex, struct str name, uint64_t value);

#endif

#ifndef MUSTER_API_PAST_ROWS_H
#define MUSTER_API_PAST_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json_out.h"

/* Rows of histories for periods that are over. They are kept as they were written, until the fleet says that its
 * past has changed (fleet_get_past). Half a million devices are counted for each row; so a history of 53 weeks is
 * counted once. The rows take at most LIMIT_PAST_ROWS bytes; when that is full, all are dropped. Any thread. */
enum past_what { PAST_ACTIVE, PAST_ACTIVATED, PAST_USERS };

struct past_key {
    uint64_t version;       /* of the past, read before the row was counted */
    uint32_t product, part; /* part: a group, or an app for users; 0 = any */
    uint32_t what, cycle;   /* enum past_what, enum cycle */
    int32_t period;
    uint32_t unused; /* 0: keys are compared bytewise */
};

struct past_rows;

MU_MUST_USE enum mu_err past_rows_create(struct past_rows **out); /* MU_E_NOMEM */
void past_rows_destroy(struct past_rows *rows);

/* Writes the row, if it is kept. Returns whether it was. */
bool past_rows_write(struct past_rows *rows, const struct past_key *key, struct json_out *j);
/* Keeps the row that was just written: the object in out behind the first `from` bytes. Does nothing if writing
 * failed or there is no memory. */
void past_rows_keep(struct past_rows *rows, const struct past_key *key, const struct buf *out, size_t from);

#endif

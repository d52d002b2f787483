#ifndef MUSTER_JOURNAL_TURN_SPANS_H
#define MUSTER_JOURNAL_TURN_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

/* Turns: where the numbers of a device's records do not follow each other.
 *
 * Normally a window's total is the difference of two numbers, and a page is found by its number. When a clock that was
 * ahead is set right, a device's records go on at an earlier moment. There the numbers leap over those of the records
 * that lie ahead; later, records with higher numbers come to lie among and behind these. So for each turn two spans of
 * time are kept: the moment of the turn, and the span from the first record ahead of it to the last. A window that
 * touches a span is counted record by record. Between the two spans, which may be a year, numbers follow each other.
 *
 * A store keeps the spans of a device and list as one value. Private to the journal; pure. */
enum { TURN_SPANS_MAX = 16 }; /* of a device and list; fewer and longer ones only cost time */
enum { TURN_SPAN_LEN = 16 };  /* bytes of one in a value */

struct turn_span {
    int64_t from_us, to_us;
};
/* In the order of time. There is always room: the nearest two are joined. */
struct turn_spans {
    struct turn_span at[TURN_SPANS_MAX + 2];
    size_t count;
};

/* Whether a span of them has a moment in common with this one. */
bool turn_spans_touch(const struct turn_spans *spans, int64_t from_us, int64_t to_us);
void turn_spans_add(struct turn_spans *spans, int64_t from_us, int64_t to_us);
/* A list goes on at from_us. ahead_us: its first record after that; last_us: its last. Spans that end before oldest_us
 * are dropped. */
void turn_spans_turn(struct turn_spans *spans, int64_t from_us, int64_t ahead_us, int64_t last_us, int64_t oldest_us);

/* Appends the value. */
void turn_spans_encode(struct buf *out, const struct turn_spans *spans);
/* MU_E_CORRUPT: it is no such value. */
MU_MUST_USE enum mu_err turn_spans_decode(struct bytes value, struct turn_spans *out);

#endif

#ifndef MUSTER_COMMAND_SHEET_H
#define MUSTER_COMMAND_SHEET_H

#include <stdint.h>

#include "base/buf.h"
#include "model/calendar.h"

/* What a command tells of one thing: a line each, with what it is about in front. Errors are the buffer's. */
void sheet_line(struct buf *out, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "5 s", "12 min", "3 h", "9 days": the larger half of it is what people want to know. Returns out. */
const char *sheet_span(int64_t seconds, char out[32]);
/* "12 KiB", "3.4 GiB". Returns out. */
const char *sheet_bytes(uint64_t bytes, char out[32]);
/* A moment as every command tells it: "2026-11-29 20:01:58+08:00", in the data directory's zone; without a calendar in
 * UTC, with Z. Returns out. */
const char *sheet_time(const struct calendar *calendar, int64_t unix_s, char out[32]);

#endif

#ifndef MUSTER_COMMAND_SHEET_H
#define MUSTER_COMMAND_SHEET_H

#include <stdint.h>

#include "base/buf.h"
#include "model/calendar.h"

/* Writes a line about one thing: a label, then the text. A failure is stored in the buffer (buf.err). */
void sheet_line(struct buf *out, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "5 s", "12 min", "3 h", "9 days": rounded down to one unit, which is all that people want to know. Returns out. */
const char *sheet_span(int64_t seconds, char out[32]);
/* "12 KiB", "3.4 GiB". Returns out. */
const char *sheet_bytes(uint64_t bytes, char out[32]);
/* A moment as every command shows it: "2026-11-29 20:01:58+08:00", in the data directory's zone; without a calendar
 * in UTC, with Z. Returns out. */
const char *sheet_time(const struct calendar *calendar, int64_t unix_s, char out[32]);

#endif

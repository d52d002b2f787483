#ifndef MUSTER_BASE_FINDINGS_H
#define MUSTER_BASE_FINDINGS_H

#include <stdint.h>

/* What a check of a store tells: each mistake in one line that names the table and the row, and how
 * much of what it has looked at. */
struct findings {
    void *ctx;
    void (*mistake)(void *ctx, const char *text);
    void (*looked_at)(void *ctx, const char *what, uint64_t count);
    void (*step)(void *ctx); /* one more record; for showing that it goes on */
};

void findings_mistake(const struct findings *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

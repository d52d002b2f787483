#ifndef MUSTER_BASE_FINDINGS_H
#define MUSTER_BASE_FINDINGS_H

#include <stdint.h>

/* What a check of a store reports: each mistake as one line that names the table and the row, and how many records of
 * each kind were checked. */
struct findings {
    void *ctx;
    void (*mistake)(void *ctx, const char *text);
    void (*looked_at)(void *ctx, const char *what, uint64_t count);
    void (*step)(void *ctx); /* one more record; for showing that it goes on */
};

void findings_mistake(const struct findings *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

#include "ops/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVERY_MS = 200 };

struct progress progress_of(const char *about, const char *what, uint64_t total)
{
    return (struct progress){ .about = about, .what = what, .total = total,
                              .next_ms = isatty(STDERR_FILENO) ? clock_mono_ms() + EVERY_MS : INT64_MAX };
}

void progress_add(struct progress *p, uint64_t done)
{
    p->done += done;
    if (p->next_ms == INT64_MAX || clock_mono_ms() < p->next_ms)
        return;
    p->next_ms = clock_mono_ms() + EVERY_MS;
    p->shown = true;
    fprintf(stderr, "\r%s: %s %3d %%", p->about, p->what,
            p->total ? (int)(100.0 * (double)p->done / (double)p->total) : 100);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}

#include "ops/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { EVERY_MS = 200, BAR = 20 };

struct progress progress_of(const char *about, const char *what, uint64_t total)
{
    return (struct progress){ .about = about,
                              .what = what,
                              .total = total,
                              .next_ms = about && isatty(STDERR_FILENO) ? clock_mono_ms() + EVERY_MS : INT64_MAX };
}

static void draw_bar(double part)
{
    static const char full[] = "####################", empty[] = "....................";
    int n = (int)(part * (int)BAR);

    fprintf(stderr, "  [%.*s%.*s] %3d %%", n, full, BAR - n, empty, (int)(part * 100));
}

void progress_add(struct progress *p, uint64_t done)
{
    p->done += done;
    if (p->next_ms == INT64_MAX || clock_mono_ms() < p->next_ms)
        return;
    p->next_ms = clock_mono_ms() + EVERY_MS;
    p->shown = true;
    fprintf(stderr, "\r%s: %s", p->about, p->what);
    if (p->total)
        draw_bar(p->done < p->total ? (double)p->done / (double)p->total : 1);
    fprintf(stderr, "\033[K");
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}

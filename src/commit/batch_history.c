#include <assert.h>

#include "commit/batch.h"

#include "base/array.h"

/* What devices did before they came here. Each rule gives the same result when it is applied twice, and whether the
 * operator or the device comes first. */

static void keep_later(struct pending *p, int64_t *now, int64_t told)
{
    p->changed |= told > *now;
    *now = told > *now ? told : *now;
}

static void add_days(struct batch *b, struct pending *p, const int32_t *days, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fleet_was_active(b->fleet, days[i], p->device))
            continue;
        if (!ARRAY_RESERVE(b->active, b->active_cap, b->active_count + 1)) {
            b->err = MU_E_NOMEM;
            return;
        }
        b->active[b->active_count++] = (struct pending_active){ p->device, days[i] };
        journal_batch_active(b->writes, days[i], p->device);
        if (days[i] > p->progress.active_day) {
            p->progress.active_day = days[i];
            p->changed = true;
        }
    }
}

void batch_add_history(struct batch *b, struct pending *p, const struct intake_record *rec)
{
    const struct commit_history *h = (const void *)rec->body;
    struct fleet_progress *g = &p->progress;

    assert(rec->body_len >= sizeof(*h) && (rec->body_len - sizeof(*h)) % sizeof(int32_t) == 0);
    if (h->activated_at && (!g->activated_at || h->activated_at < g->activated_at)) {
        g->activated_at = h->activated_at;
        p->changed = true;
    }
    keep_later(p, &g->online_latest, h->online_latest);
    keep_later(p, &g->last_report, h->last_report);
    add_days(b, p, (const void *)(rec->body + sizeof(*h)), (rec->body_len - sizeof(*h)) / sizeof(int32_t));
    batch_add_versions(b, p, &h->versions, false);
}

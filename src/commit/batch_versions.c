#include <assert.h>
#include <string.h>

#include "commit/batch.h"
#include "base/array.h"

/* The firmware versions that devices tell, and those of their past. */

/* As this batch leaves them so far. */
static void get_versions(struct batch *b, const struct pending *p, struct journal_versions *out)
{
    assert(p->versions <= b->version_count);
    if (p->versions)
        *out = b->versions[p->versions - 1].now;
    else
        fleet_versions(b->fleet, p->device, out);
}

static struct pending_versions *require_versions(struct batch *b, struct pending *p)
{
    if (!p->versions) {
        if (!ARRAY_RESERVE(b->versions, b->version_cap, b->version_count + 1)) {
            b->err = MU_E_NOMEM;
            return NULL;
        }
        struct pending_versions *at = &b->versions[b->version_count];
        *at = (struct pending_versions){ .told = { false } };
        fleet_versions(b->fleet, p->device, &at->now);
        p->versions = ++b->version_count;
    }
    return &b->versions[p->versions - 1];
}

void batch_add_versions(struct batch *b, struct pending *p, const struct journal_versions *v, bool told)
{
    struct journal_versions now;
    struct pending_versions *at;

    get_versions(b, p, &now);
    for (int i = 0; i < VERSION_COUNT; i++) {
        /* A device tells its versions every hour, and they hardly ever change. */
        if (!v->text[i][0] || (told ? strcmp(v->text[i], now.text[i]) == 0 : now.text[i][0] != '\0'))
            continue;
        if (!(at = require_versions(b, p)))
            return;
        memcpy(at->now.text[i], v->text[i], sizeof(now.text[i]));
        at->told[i] = told;
        at->heard[i] = !told;
    }
}

static void merge_versions(struct batch *b, uint32_t device, const struct pending_versions *v, bool told)
{
    struct journal_versions some = { 0 };
    bool any = false;

    for (int i = 0; i < VERSION_COUNT; i++) {
        if (!(told ? v->told[i] : v->heard[i]))
            continue;
        memcpy(some.text[i], v->now.text[i], sizeof(some.text[i]));
        any = true;
    }
    if (any)
        journal_batch_merge_versions(b->writes, device, &some, told);
}

/* Another node may just be told others, whoever holds the session. */
void batch_write_versions(struct batch *b, uint32_t device, const struct pending_versions *v)
{
    if (b->shared) {
        merge_versions(b, device, v, true);
        merge_versions(b, device, v, false);
    } else {
        journal_batch_versions(b->writes, device, &v->now);
    }
}

#include "commit/undecoded_log.h"

#include <assert.h>
#include <roaring/roaring.h>

#include "base/clock.h"
#include "base/log.h"

enum { HOUR_MS = 3600 * 1000 };

/* Whether a line is due for the device. */
static bool is_due(struct undecoded_log *l, uint32_t device)
{
    int64_t now_ms = clock_mono_ms();

    if (now_ms >= l->until_ms) {
        undecoded_log_free(l);
        l->until_ms = now_ms + HOUR_MS;
    }
    assert(l->lines <= UNDECODED_LINES);
    if (l->lines == UNDECODED_LINES || (!l->told && !(l->told = roaring_bitmap_create())))
        return false;
    if (!roaring_bitmap_add_checked(l->told, device))
        return false;
    l->lines++;
    return true;
}

void undecoded_log_add(struct undecoded_log *l, uint32_t device, const struct fleet_product *product,
                       const struct fleet_definition *d, const uint8_t *payload, size_t len)
{
    char why[200], did[DID_LEN + 1];
    enum undecoded cause = undecoded_why(d ? d->plan : NULL, payload, len, why, sizeof(why));

    fleet_count_undecoded(l->fleet, product->no, cause);
    if (!is_due(l, device))
        return;
    fleet_did(l->fleet, device, did);
    log_event(LOG_WARN, "report_undecoded", "did=%s product_key=%s cause=%s why=%s", did, product->product_key,
              undecoded_text(cause), LOG_Q(why, -1));
    if (l->lines == UNDECODED_LINES)
        log_event(LOG_WARN, "reports_undecoded", "devices=%d hint=\"more in this hour are only counted\"",
                  UNDECODED_LINES);
}

void undecoded_log_free(struct undecoded_log *l)
{
    if (l->told)
        roaring_bitmap_free(l->told);
    *l = (struct undecoded_log){ .fleet = l->fleet, .until_ms = l->until_ms };
}

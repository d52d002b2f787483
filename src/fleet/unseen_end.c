#include "fleet/unseen_end.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void unseen_end(struct journal *journal, const struct fleet_device *d, struct journal_session *out)
{
    *out = (struct journal_session){ .ts_us = 0 };
    if (!d->open_boot || d->open_boot == journal_boot(journal).number)
        return;
    int64_t end_us = later(journal_boot_alive_us(journal, d->open_boot), d->last_message_us);
    end_us = later(end_us, d->last_session_us + 1);
    int64_t duration = end_us / 1000000 - d->online_latest;
    *out = (struct journal_session){
        .ts_us = end_us,
        .end = true,
        .duration = duration > 0 ? (uint32_t)duration : 0,
        .reason = END_EXCEPTION,
    };
}

#include "commit/unseen_end.h"

#include "base/clock.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t unseen_end_us(struct journal *journal, uint64_t boot, int64_t last_message_us, int64_t last_session_us,
                      int64_t now_us)
{
    int64_t alive_us, end_us = later(last_message_us, last_session_us + 1);

    journal_boot_is_over(journal, boot, &alive_us);
    /* If the clock was ahead then, that start's last moment says nothing. */
    return alive_us > now_us + CLOCK_STEP_US ? end_us : later(alive_us, end_us);
}

void unseen_end(struct journal *journal, const struct fleet_device *d, struct journal_session *out)
{
    *out = (struct journal_session){ .ts_us = 0 };
    if (!d->open_boot || d->is_online)
        return;
    int64_t end_us = unseen_end_us(journal, d->open_boot, d->last_message_us, d->last_session_us, clock_wall_us());
    int64_t duration = end_us / 1000000 - d->online_latest;
    *out = (struct journal_session){
        .ts_us = end_us,
        .end = true,
        .duration = duration > 0 ? (uint32_t)duration : 0,
        .reason = END_EXCEPTION,
    };
}

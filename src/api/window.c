#include "api/window.h"

#include "base/clock.h"

#define DEPTH_S (7 * 86400) /* how far back a caller may look */
#define GRACE_S 60          /* tolerance for a caller who asks for exactly that, with a different clock */
#define SPAN_S  172800

const char *const window_sorts[] = { [SORT_DESC] = "desc", [SORT_ASC] = "asc", NULL };

const char *window_resolve(int64_t start_s, int64_t end_s, int64_t now_s, int64_t *from_us, int64_t *to_us)
{
    if (start_s < 0 && end_s < 0)
        end_s = now_s;
    if (start_s < 0) {
        end_s = end_s < now_s ? end_s : now_s;
        start_s = end_s - SPAN_S;
        /* The caller did not ask for anything before the limit. If the end is in the grace period, the start is the
         * end. */
        if (start_s < now_s - DEPTH_S)
            start_s = end_s < now_s - DEPTH_S ? end_s : now_s - DEPTH_S;
    } else if (end_s < 0 && start_s <= now_s) {
        end_s = start_s + SPAN_S;
    }
    if (end_s > now_s)
        end_s = now_s;
    if (start_s > now_s)
        return "start_ts: in the future";
    if (start_s > end_s)
        return "start_ts: after end_ts";
    if (end_s - start_s > SPAN_S)
        return "start_ts, end_ts: more than 2 days apart";
    if (start_s < now_s - DEPTH_S - GRACE_S)
        return "start_ts, end_ts: not within the last 7 days";
    *from_us = start_s * 1000000;
    *to_us = (end_s + 1) * 1000000 - 1;
    /* A clock that was set back a little has left records that are later than now, and a device's next records
     * directly follow those. So "up to now" includes them. */
    if (end_s == now_s)
        *to_us += CLOCK_STEP_US;
    return NULL;
}

enum api_error window_check(struct api_call *call)
{
    struct log_args *args = call->args;
    const char *why =
        window_resolve(args->start_ts, args->end_ts, clock_wall_s(), &args->window.from_us, &args->window.to_us);

    if (why)
        return api_refuse(call, API_FORM_INVALID, "%s", why);
    args->window.newest_first = args->sort == SORT_DESC;
    args->window.skip = (uint64_t)args->page.skip;
    args->window.limit = (uint64_t)args->page.limit;
    return API_OK;
}

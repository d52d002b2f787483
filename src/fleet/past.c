#include "fleet/past.h"

#include "fleet/fleet_internal.h"

/* The newest day on which anything has happened; the days before it are over. INT32_MIN: there is none. */
static int32_t newest(const struct fleet *f)
{
    const struct day_sets *active = &f->history.active, *activated = &f->history.activated;
    int32_t a = active->count ? active->at[active->count - 1].day : INT32_MIN;
    int32_t b = activated->count ? activated->at[activated->count - 1].day : INT32_MIN;

    return a > b ? a : b;
}

struct fleet_past fleet_get_past(struct fleet *f)
{
    fleet_read_lock(f);
    struct fleet_past past = { f->past.version, newest(f) == INT32_MIN ? INT32_MIN : newest(f) - 1 };
    atomic_store_explicit(&f->past.asked, true, memory_order_relaxed);
    fleet_unlock(f);
    return past;
}

/* Nobody can have kept an answer of a version that nobody has asked for. */
static bool is_asked(const struct fleet *f)
{
    return atomic_load_explicit(&f->past.asked, memory_order_relaxed);
}

void past_changes(struct fleet *f)
{
    if (!is_asked(f))
        return;
    f->past.version++;
    atomic_store_explicit(&f->past.asked, false, memory_order_relaxed);
}

void past_day_changes(struct fleet *f, int32_t day)
{
    if (day < newest(f))
        past_changes(f);
}

void past_moment_changes(struct fleet *f, uint32_t unix_s)
{
    if (is_asked(f))
        past_day_changes(f, fleet_day(f, unix_s));
}

static bool is_in(const struct day_sets *s, int32_t before, uint32_t no)
{
    for (uint32_t i = day_sets_lower_bound(s, before); i-- > 0;) {
        if (day_set_has(&s->at[i], no))
            return true;
    }
    return false;
}

void past_device_changes(struct fleet *f, uint32_t no)
{
    if (is_asked(f) && (is_in(&f->history.active, newest(f), no) || is_in(&f->history.activated, newest(f), no)))
        past_changes(f);
}

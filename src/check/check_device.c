#include "check/check_internal.h"

/* Checks a device's state against its events and its activity. */

/* --- the state -----------------------------------------------------------------------------------------*/

static void check_image(struct check *c, uint32_t device, struct check_seen *seen, const struct journal_state *s)
{
    const struct fleet_definition *d = fleet_definition(c->fleet, seen->product, s->definition);
    struct point_value values[LIMIT_POINTS];

    if (!d || datapoint_state_size(d->plan) != s->image_len) {
        findings_mistake(c->findings,
                         "journal, state: device %u: its image is not one of version %u of its "
                         "definition%s",
                         device, s->definition, d ? "" : ", which is not there");
        return;
    }
    seen->faulty = datapoint_state_faulty(d->plan, s->image);
    seen->alert = datapoint_state_alert(d->plan, s->image);
    datapoint_state_values(d->plan, s->image, values);
    for (size_t i = 0; i < datapoint_count(d->plan); i++) {
        const struct datapoint *point = datapoint_at(d->plan, i);
        if (values[i].set && point->type == POINT_ENUM && values[i].x >= point->enum_count)
            findings_mistake(c->findings, "journal, state: device %u: '%s' has the value number %u of %u", device,
                             point->name, values[i].x, point->enum_count);
    }
}

void check_state(struct check *c, uint32_t device, struct check_seen *seen, const struct journal_state *s)
{
    seen->has_state = true;
    seen->followed = s->followed;
    seen->messages = s->messages;
    seen->decoded = s->decoded;
    seen->sessions = s->sessions;
    seen->last_ts_us = s->last_ts_us;
    seen->last_session_us = s->last_session_us;
    seen->activated_at = s->activated_at;
    seen->active_day = s->active_day;
    if (s->decoded > s->messages)
        findings_mistake(c->findings,
                         "journal, state: device %u has had more decoded messages (%llu) than "
                         "messages (%llu)",
                         device, (unsigned long long)s->decoded, (unsigned long long)s->messages);
    if (s->session_boot > journal_boot(c->journal).number)
        findings_mistake(c->findings,
                         "journal, state: device %u is online since a start (%llu) that has not "
                         "been yet",
                         device, (unsigned long long)s->session_boot);
    if (seen->product && s->definition)
        check_image(c, device, seen, s);
}

/* --- faults and alerts ---------------------------------------------------------------------------------*/

void check_event(struct check *c, uint32_t device, struct check_seen *seen, const struct journal_event *e)
{
    const struct fleet_definition *d = seen->product ? fleet_definition(c->fleet, seen->product, e->definition) : NULL;
    int id = d ? datapoint_find(d->plan, e->name) : -1;

    seen->open_events += !e->resolved_us;
    if (e->resolved_us && e->resolved_us < e->opened_us)
        findings_mistake(c->findings,
                         "journal, events: device %u, '%.*s' of %lld us: resolved before it was "
                         "opened",
                         device, (int)e->name.len, e->name.at, (long long)e->opened_us);
    if (seen->product &&
        (id < 0 || datapoint_at(d->plan, (size_t)id)->access != (e->alert ? POINT_ALERT : POINT_FAULT)))
        findings_mistake(c->findings,
                         "journal, events: device %u, '%.*s' of %lld us: version %u of its "
                         "definition has no such %s",
                         device, (int)e->name.len, e->name.at, (long long)e->opened_us, e->definition,
                         e->alert ? "alert" : "fault");
}

static bool has_open(const struct fleet_event *open, size_t count, uint32_t point)
{
    size_t i = 0;

    while (i < count && open[i].point != point)
        i++;
    return i < count;
}

static void tell_point(struct check *c, uint32_t device, uint32_t point, const char *what)
{
    struct str name = points_name(fleet_points(c->fleet), point);

    findings_mistake(c->findings, "journal, events: device %u, %s '%.*s' %s", device,
                     fleet_points(c->fleet)->at[point].kind == EVENT_ALERT ? "alert" : "fault", (int)name.len, name.at,
                     what);
}

/* A point's event is open exactly while the point is 1 in the device's last state (batch_event.c). */
static void compare_events(struct check *c, uint32_t device, const struct check_seen *seen)
{
    struct fleet_event open[LIMIT_POINTS];
    uint16_t raised[LIMIT_POINTS];
    struct fleet_progress progress;
    const struct fleet_product *product;
    size_t len, raised_count = 0;
    size_t open_count = fleet_open_events(c->fleet, device, open, LIMIT_POINTS);

    if (!fleet_progress_get(c->fleet, device, &progress, &product))
        return;
    const uint8_t *image = fleet_image(c->fleet, device, &len);
    const struct fleet_definition *d = image ? fleet_definition(c->fleet, seen->product, progress.definition) : NULL;
    if (d)
        raised_count = datapoint_state_raised(d->plan, image, raised);
    for (size_t i = 0; i < raised_count; i++)
        if (!has_open(open, open_count, d->points[raised[i]]))
            tell_point(c, device, d->points[raised[i]], "is 1 in the state and not open");
    for (size_t i = 0; i < open_count; i++) {
        size_t at = 0;
        while (at < raised_count && d->points[raised[at]] != open[i].point)
            at++;
        if (at == raised_count)
            tell_point(c, device, open[i].point, "is open and not 1 in the state");
    }
    if (seen->open_events != open_count && !seen->followed) /* a start writes the missing ones */
        findings_mistake(c->findings, "journal, events: device %u has %u open ones of %zu points", device,
                         seen->open_events, open_count);
}

/* --- activity ------------------------------------------------------------------------------------------*/

/* The state's last active day must have its entry, if that day is still kept. */
static void check_active_day(struct check *c, uint32_t device, const struct check_seen *seen)
{
    const struct day_sets *days = &fleet_history(c->fleet)->active;
    const struct day_set *set = day_sets_find(days, seen->active_day);

    if (!seen->active_day || !days->count || seen->active_day < days->at[0].day)
        return;
    if (!set || !day_set_has(set, device))
        findings_mistake(c->findings,
                         "journal, active: device %u is not in the set of its last active day, "
                         "%d",
                         device, seen->active_day);
}

void check_devices(struct check *c)
{
    for (uint32_t device = 1; device <= c->last_device; device++) {
        const struct check_seen *seen = &c->seen[device];
        if (!seen->product)
            continue;
        if (seen->faulty || seen->alert || seen->open_events)
            compare_events(c, device, seen);
        if (seen->has_state)
            check_active_day(c, device, seen);
    }
}

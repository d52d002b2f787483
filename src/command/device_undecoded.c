#include "command/device_undecoded.h"

#include <stdio.h>

#include "base/clock.h"
#include "model/undecoded.h"

/* Echoes, acknowledgements and controls are skipped, so more messages are read than counted. */
enum { COUNTED = 12, READ = 100 };

struct looking {
    const struct operation_call *call;
    const struct fleet_device *device;
    unsigned count, undecoded;
    char why[200]; /* of the newest undecoded message */
};

static enum mu_err look(void *ctx, const struct journal_message *m)
{
    struct looking *l = ctx;
    const struct fleet_definition *d =
        m->definition ? fleet_definition(l->call->stores->fleet, l->device->product->no, m->definition) : NULL;
    char why[sizeof(l->why)];

    if (m->kind != MESSAGE_DEV2APP || l->count == COUNTED)
        return MU_OK;
    if (m->decoded) {
        l->count++;
        return MU_OK;
    }
    if (undecoded_why(d ? d->plan : NULL, m->payload, m->payload_len, why, sizeof(why)) == UNDECODED_NOT)
        return MU_OK;
    if (l->undecoded++ == 0)
        snprintf(l->why, sizeof(l->why), "%s", why);
    l->count++;
    return MU_OK;
}

bool device_undecoded(const struct operation_call *call, const struct fleet_device *d, char *out, size_t size)
{
    struct journal_window newest = { .to_us = clock_wall_us() + CLOCK_STEP_US, .newest_first = true, .limit = READ };
    struct looking l = { .call = call, .device = d };
    uint64_t total;

    if (journal_messages(call->stores->journal, d->no, &newest, look, &l, &total) != MU_OK || l.undecoded == 0)
        return false;
    snprintf(out, size, "%u of its last %u message%s not decoded: %s", l.undecoded, l.count,
             l.count == 1 ? " was" : "s were", l.why);
    return true;
}

#include "journal/rocks_salvage.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"

/* Copies what is left into a new journal, and makes its states agree with its records. */

enum { COMMIT_BYTES = 4 * 1024 * 1024 };

struct rocks_salvage_tail *rocks_salvage_tail(struct journal_salvage *s, uint32_t device)
{
    return ARRAY_RESERVE_ZERO(s->tails, s->tail_count, (size_t)device + 1) ? &s->tails[device] : NULL;
}

enum mu_err rocks_salvage_commit(struct journal_salvage *s, bool last)
{
    if (!last && journal_batch_bytes(&s->writes->base) < COMMIT_BYTES && s->writes->err == MU_OK)
        return MU_OK;
    return journal_commit(&s->to->base, &s->writes->base, clock_wall_us());
}

/* A state must agree with the device's records, or say that there are more (`followed`): then a start reads these again.
 * `followed` is never cleared here, since the events contain those messages: the start makes them agree. */
static void bring_up(struct journal_state *state, const struct rocks_salvage_tail *tail)
{
    bool read_again = state->followed && tail->messages > state->messages && tail->message_us > state->last_ts_us;

    if (tail->messages && !read_again) {
        state->messages = tail->messages;
        state->decoded = tail->decoded;
        if (tail->message_us > state->last_ts_us)
            state->last_ts_us = tail->message_us;
    }
    if (tail->sessions && tail->sessions != state->sessions) {
        state->sessions = tail->sessions;
        state->session_boot = tail->boot;
        if (tail->session_us > state->last_session_us)
            state->last_session_us = tail->session_us;
    }
    if (tail->last_report_us / 1000000 > state->last_report && !read_again)
        state->last_report = tail->last_report_us / 1000000;
    if (tail->last_login_us / 1000000 > state->online_latest)
        state->online_latest = tail->last_login_us / 1000000;
    if (!state->activated_at)
        state->activated_at = tail->first_login_us / 1000000;
}

static enum mu_err put_state(struct journal_salvage *s, uint32_t device, struct journal_state *state,
                             const struct rocks_salvage_tail *tail)
{
    bring_up(state, tail);
    /* Image and open events must agree. If one of them is lost, neither is kept. */
    if (s->told->states || s->told->events) {
        state->definition = 0;
        state->image = NULL;
        state->image_len = 0;
    }
    journal_batch_state(&s->writes->base, device, state);
    if (state->active_day)
        journal_batch_active(&s->writes->base, state->active_day, device);
    return rocks_salvage_commit(s, false);
}

static enum mu_err copy_state(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_state state;
    uint32_t device = bytes_u32be(&key);

    if (key.bad || key.left || !device || codec_state_decode(value, &state) != MU_OK)
        return MU_OK;
    struct rocks_salvage_tail *tail = rocks_salvage_tail(s, device);
    if (!tail)
        return MU_E_NOMEM;
    tail->has_state = true;
    return put_state(s, device, &state, tail);
}

static enum mu_err make_states(struct journal_salvage *s)
{
    enum mu_err err = MU_OK;

    for (size_t device = 1; device < s->tail_count && err == MU_OK; device++) {
        const struct rocks_salvage_tail *tail = &s->tails[device];
        bool lost = (tail->messages || tail->sessions) && !tail->has_state;
        if (lost)
            err = put_state(s, (uint32_t)device, &(struct journal_state){ 0 }, tail);
        s->told->devices += lost || tail->gap;
    }
    return err;
}

static void put_raw(struct journal_salvage *s, enum fixed_family family, struct bytes key, struct bytes value)
{
    if (rocks_batch_usable(s->writes))
        rocksdb_writebatch_put_cf(s->writes->writes, s->to->fixed[family], (const char *)key.at, key.left,
                                  (const char *)value.at, value.left);
}

static enum mu_err copy_versions(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_versions versions;

    if (key.left == DEVICE_KEY_LEN && codec_versions_decode(value, &versions) == MU_OK)
        put_raw(s, FAMILY_VERSIONS, key, value);
    return rocks_salvage_commit(s, false);
}

static enum mu_err copy_activity(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    if (key.left == ACTIVITY_DAY_LEN || (key.left == ACTIVITY_KEY_LEN && !value.left))
        put_raw(s, FAMILY_ACTIVITY, key, value);
    return rocks_salvage_commit(s, false);
}

static enum mu_err copy_event(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_event event;
    uint32_t device;

    if (rocks_event_decode(key, value, &device, &event) == MU_OK &&
        (event.resolved_us || !(s->told->states || s->told->events)))
        put_raw(s, FAMILY_EVENTS, key, value);
    return rocks_salvage_commit(s, false);
}

static enum mu_err copy_control(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    struct journal_control control;

    if (rocks_control_decode(key, value, &control) == MU_OK)
        put_raw(s, FAMILY_CONTROLS, key, value);
    return rocks_salvage_commit(s, false);
}

/* When each start was last alive: sessions that were open then ended at that moment. */
static enum mu_err copy_alive(struct journal_salvage *s, struct bytes key, struct bytes value)
{
    if (key.left == ALIVE_KEY_LEN && memcmp(key.at, "alive", 5) == 0 && value.left == 16)
        put_raw(s, FAMILY_META, key, value);
    return MU_OK;
}

static void tell_commits(struct journal_salvage *s)
{
    int64_t alive_us = s->whole ? rocks_alive_us(s->whole, s->there.epoch) : 0;
    bool behind = s->marked && (s->there.epoch != s->acknowledged.epoch || s->there.count < s->acknowledged.count);

    if (!behind)
        return;
    s->told->commits = s->there.epoch == s->acknowledged.epoch ? s->acknowledged.count - s->there.count : UINT64_MAX;
    if (alive_us && (!s->told->since_us || alive_us < s->told->since_us))
        s->told->since_us = alive_us;
}

static enum mu_err copy_all(struct journal_salvage *s)
{
    enum mu_err err;
    char why[300];

    rocks_count_nothing();
    s->told->states =
        s->rebuilt || rocks_read_family(s->whole, s->whole->fixed[FAMILY_STATE], why, sizeof(why)) != MU_OK;
    s->told->events = s->rebuilt || !s->whole->fixed[FAMILY_EVENTS] ||
                      rocks_read_family(s->whole, s->whole->fixed[FAMILY_EVENTS], why, sizeof(why)) != MU_OK;
    if ((err = rocks_salvage_days(s)) != MU_OK)
        return err;
    if ((err = rocks_salvage_walk(s, FAMILY_STATE, copy_state)) != MU_OK || (err = make_states(s)) != MU_OK ||
        (err = rocks_salvage_walk(s, FAMILY_VERSIONS, copy_versions)) != MU_OK ||
        (err = rocks_salvage_walk(s, FAMILY_ACTIVITY, copy_activity)) != MU_OK ||
        (err = rocks_salvage_walk(s, FAMILY_EVENTS, copy_event)) != MU_OK ||
        (err = rocks_salvage_walk(s, FAMILY_CONTROLS, copy_control)) != MU_OK)
        return err;
    return rocks_salvage_commit(s, true);
}

/* The last write: the new journal continues the old one's numbers of starts. */
static enum mu_err take_over_starts(struct journal_salvage *s, const char *to)
{
    enum mu_err err = MU_OK;

    mark_close(&s->to->mark);
    s->to->base.boot = s->boot + 1;
    s->to->commits = 0;
    if (s->whole)
        err = rocks_salvage_walk(s, FAMILY_META, copy_alive);
    if (err == MU_OK) {
        rocks_put_boot(s->to, s->writes->writes);
        err = rocks_salvage_commit(s, true);
    }
    return err == MU_OK ? rocks_trust_mark(&s->to->mark, s->to, to) : err;
}

enum mu_err journal_salvage_copy(struct journal_salvage *s, const char *to,
                                 const struct rocks_journal_registry *registry, struct journal_salvaged *out, char *why,
                                 size_t why_size)
{
    struct rocks_journal_options options = { .registry = registry, .clock_patience_s = -1 };
    struct journal *made = NULL;
    struct journal_batch *writes = NULL;
    enum mu_err err;

    *out = (struct journal_salvaged){ 0 };
    s->told = out;
    if ((err = rocks_journal_open(&made, to, &options, why, why_size)) != MU_OK ||
        (err = journal_batch_create(&writes, made)) != MU_OK)
        goto out;
    s->to = rocks_of(made);
    s->writes = rocks_batch_of(writes);
    journal_note_registry(made, registry->change, registry->device);
    if (s->whole)
        err = copy_all(s);
    else
        out->states = out->events = true;
    if (err == MU_OK)
        err = take_over_starts(s, to);
    if (err == MU_OK)
        tell_commits(s);
    else
        snprintf(why, why_size, "cannot write the new journal in %s: %s", to, mu_err_text(err));
out:
    journal_batch_destroy(writes);
    journal_close(made);
    s->writes = NULL;
    s->to = NULL;
    return err;
}

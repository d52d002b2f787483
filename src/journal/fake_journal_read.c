#include "journal/fake_journal_private.h"

#include <stdlib.h>

/* Reading the journal in memory. Its lists are in the order of commits; each read sorts what it gives. */

/* Pointers to the elements of a list; the caller frees them. */
static void **pointers(void *list, size_t count, size_t size)
{
    void **out = calloc(count + 1, sizeof(*out));

    fake_require(out);
    for (size_t i = 0; i < count; i++)
        out[i] = (char *)list + i * size;
    return out;
}

/* The same, in order. */
static void **sorted(void *list, size_t count, size_t size, int (*compare)(const void *a, const void *b))
{
    void **out = pointers(list, count, size);

    qsort(out, count, sizeof(*out), compare);
    return out;
}

#define POINTERS(list)        pointers((list).at, (list).count, sizeof(*(list).at))
#define SORTED(list, compare) sorted((list).at, (list).count, sizeof(*(list).at), compare)
#define COMPARE(a, b)         (((a) > (b)) - ((a) < (b)))

static int by_device_message(const void *left, const void *right)
{
    const struct fake_message *a = *(void *const *)left, *b = *(void *const *)right;
    int order = COMPARE(a->device, b->device);
    if (order == 0)
        order = COMPARE(a->m.ts_us, b->m.ts_us);
    return order ? order : COMPARE(a->m.number, b->m.number);
}

static int by_device_session(const void *left, const void *right)
{
    const struct fake_session *a = *(void *const *)left, *b = *(void *const *)right;
    int order = COMPARE(a->device, b->device);
    if (order == 0)
        order = COMPARE(a->s.ts_us, b->s.ts_us);
    return order ? order : COMPARE(a->s.number, b->s.number);
}

/* By device, then by commit. */
static int by_device_versions(const void *left, const void *right)
{
    const struct fake_versions *a = *(void *const *)left, *b = *(void *const *)right;
    int order = COMPARE(a->device, b->device);
    return order ? order : COMPARE((uintptr_t)a, (uintptr_t)b);
}

static int by_day_active(const void *left, const void *right)
{
    const struct fake_active *a = *(void *const *)left, *b = *(void *const *)right;
    int order = COMPARE(a->day, b->day);
    return order ? order : COMPARE(a->device, b->device);
}

static int by_day_set(const void *left, const void *right)
{
    const struct fake_active_set *a = *(void *const *)left, *b = *(void *const *)right;
    return COMPARE(a->day, b->day);
}

static int by_moment_event(const void *left, const void *right)
{
    const struct fake_event *a = *(void *const *)left, *b = *(void *const *)right;
    size_t len = a->e.name.len < b->e.name.len ? a->e.name.len : b->e.name.len;
    int order = COMPARE(a->e.opened_us, b->e.opened_us);
    if (order == 0)
        order = COMPARE(a->device, b->device);
    if (order == 0)
        order = COMPARE(a->e.alert, b->e.alert);
    if (order == 0)
        order = memcmp(a->name, b->name, len);
    return order ? order : COMPARE(a->e.name.len, b->e.name.len);
}

static int by_moment_control(const void *left, const void *right)
{
    const struct fake_control *a = *(void *const *)left, *b = *(void *const *)right;
    int order = COMPARE(a->c.ts_us, b->c.ts_us);
    return order ? order : COMPARE(a->c.request, b->c.request);
}

static struct journal_message message_of(const struct fake_message *at)
{
    struct journal_message m = at->m;
    m.payload = at->payload;
    return m;
}

static struct journal_state state_of(const struct fake_state *at)
{
    struct journal_state s = at->s;
    s.image = s.image_len ? at->image : NULL;
    return s;
}

static struct journal_event event_of(const struct fake_event *at)
{
    struct journal_event e = at->e;
    e.name.at = at->name;
    return e;
}

/* --- visiting ------------------------------------------------------------------------------------- */

/* The error that the test wants instead of the next row. */
static enum mu_err row_error(struct fake_journal *j)
{
    return j->fail_row != MU_OK && j->visited++ == j->fail_at ? j->fail_row : MU_OK;
}

static enum mu_err visit_devices(struct fake_journal *j, const struct journal_visitor *v)
{
    struct fake_versions **versions = (struct fake_versions **)SORTED(j->all.versions, by_device_versions);
    enum mu_err err = MU_OK;

    for (size_t i = 0, k = 0; err == MU_OK && (i < j->all.states.count || k < j->all.versions.count);) {
        const struct fake_state *s = i < j->all.states.count ? &j->all.states.at[i] : NULL;
        const struct fake_versions *told = k < j->all.versions.count ? versions[k] : NULL;
        if (s && (!told || s->device <= told->device)) {
            struct journal_state state = state_of(s);
            if ((err = row_error(j)) == MU_OK && v->state)
                err = v->state(v->ctx, s->device, &state);
            i++;
            continue;
        }
        k++;
        bool newest = k == j->all.versions.count || versions[k]->device != told->device;
        if (newest && (err = row_error(j)) == MU_OK && v->versions)
            err = v->versions(v->ctx, told->device, &told->v);
    }
    free(versions);
    return err;
}

static enum mu_err visit_activity(struct fake_journal *j, const struct journal_visitor *v)
{
    struct fake_active_set **sets = (struct fake_active_set **)SORTED(j->all.active_sets, by_day_set);
    struct fake_active **active = (struct fake_active **)SORTED(j->all.active, by_day_active);
    enum mu_err err = MU_OK;

    for (size_t i = 0, k = 0; err == MU_OK && (i < j->all.active_sets.count || k < j->all.active.count);) {
        if (i < j->all.active_sets.count && (k == j->all.active.count || sets[i]->day <= active[k]->day)) {
            const struct fake_active_set *set = sets[i++];
            if (!set->forgotten && (err = row_error(j)) == MU_OK && v->active_set)
                err = v->active_set(v->ctx, set->day, set->bytes, set->len);
            continue;
        }
        const struct fake_active *at = active[k];
        bool again = k > 0 && by_day_active(&active[k - 1], &active[k]) == 0;
        k++;
        if (!again && (err = row_error(j)) == MU_OK && v->active)
            err = v->active(v->ctx, at->day, at->device);
    }
    free(sets);
    free(active);
    return err;
}

enum mu_err fake_visit(struct journal *port, const struct journal_visitor *v)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->visited = 0;
    enum mu_err err = visit_devices(j, v);
    if (err == MU_OK)
        err = visit_activity(j, v);
    pthread_mutex_unlock(&j->lock);
    if (err == MU_OK && v->event)
        err = fake_events(port, 0, INT64_MAX, v->event, v->ctx);
    fake_meanwhile(port);
    return err;
}

enum mu_err fake_events(struct journal *port, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx)
{
    struct fake_journal *j = fake_store(port);
    enum mu_err err = MU_OK;

    pthread_mutex_lock(&j->lock);
    struct fake_event **events = (struct fake_event **)SORTED(j->all.events, by_moment_event);
    for (size_t i = 0; i < j->all.events.count && err == MU_OK; i++) {
        struct journal_event e = event_of(events[i]);
        if (!events[i]->forgotten && e.opened_us >= from_us && e.opened_us < before_us)
            err = row(ctx, events[i]->device, &e);
    }
    free(events);
    pthread_mutex_unlock(&j->lock);
    return err;
}

enum mu_err fake_controls(struct journal *port, int64_t after_us, uint64_t after_request, int64_t before_us,
                          journal_control_fn row, void *ctx)
{
    struct fake_journal *j = fake_store(port);
    enum mu_err err = MU_OK;

    pthread_mutex_lock(&j->lock);
    struct fake_control **controls = (struct fake_control **)SORTED(j->all.controls, by_moment_control);
    for (size_t i = 0; i < j->all.controls.count && err == MU_OK; i++) {
        struct journal_control c = controls[i]->c;
        c.enterprise_id = str_of(controls[i]->enterprise_id);
        c.did = str_of(controls[i]->did);
        c.frame = controls[i]->frame;
        if (c.ts_us < before_us && (c.ts_us > after_us || (c.ts_us == after_us && c.request > after_request)))
            err = row(ctx, &c);
    }
    free(controls);
    pthread_mutex_unlock(&j->lock);
    return err;
}

/* --- pages ---------------------------------------------------------------------------------------- */

/* Where row number i of a page is among `total`. */
static size_t place_of(const struct journal_window *w, uint64_t total, uint64_t i)
{
    return (size_t)(w->newest_first ? total - 1 - w->skip - i : w->skip + i);
}

static uint64_t rows_of(const struct journal_window *w, uint64_t total)
{
    uint64_t left = w->skip < total ? total - w->skip : 0;
    return w->limit < left ? w->limit : left;
}

enum mu_err fake_messages(struct journal *port, uint32_t device, const struct journal_window *w, journal_message_fn row,
                          void *ctx, uint64_t *total)
{
    struct fake_journal *j = fake_store(port);
    enum mu_err err = MU_OK;
    size_t count = 0;

    pthread_mutex_lock(&j->lock);
    struct fake_message **all = (struct fake_message **)POINTERS(j->all.messages);
    for (size_t i = 0; i < j->all.messages.count; i++) {
        const struct fake_message *at = all[i];
        if (at->device == device && at->m.ts_us >= w->from_us && at->m.ts_us <= w->to_us &&
            (!w->decoded_only || at->m.decoded))
            all[count++] = all[i];
    }
    qsort(all, count, sizeof(*all), by_device_message);
    *total = count;
    for (uint64_t i = 0; i < rows_of(w, count) && err == MU_OK; i++) {
        struct journal_message m = message_of(all[place_of(w, count, i)]);
        err = row(ctx, &m);
    }
    free(all);
    pthread_mutex_unlock(&j->lock);
    return err;
}

enum mu_err fake_sessions(struct journal *port, uint32_t device, const struct journal_window *w, journal_session_fn row,
                          void *ctx, uint64_t *total)
{
    struct fake_journal *j = fake_store(port);
    enum mu_err err = MU_OK;
    size_t count = 0;

    pthread_mutex_lock(&j->lock);
    struct fake_session **all = (struct fake_session **)POINTERS(j->all.sessions);
    for (size_t i = 0; i < j->all.sessions.count; i++)
        if (all[i]->device == device && all[i]->s.ts_us >= w->from_us && all[i]->s.ts_us <= w->to_us)
            all[count++] = all[i];
    qsort(all, count, sizeof(*all), by_device_session);
    *total = count;
    for (uint64_t i = 0; i < rows_of(w, count) && err == MU_OK; i++)
        err = row(ctx, &all[place_of(w, count, i)]->s);
    free(all);
    pthread_mutex_unlock(&j->lock);
    return err;
}

bool fake_turned(struct journal *port, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us)
{
    struct fake_journal *j = fake_store(port);
    bool touches = false;

    pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < j->all.turns.count; i++) {
        const struct fake_turn *at = &j->all.turns.at[i];
        touches |=
            at->device == device && at->list == list &&
            ((from_us <= at->from_us && at->from_us <= to_us) || (at->ahead_us <= to_us && from_us <= at->last_us));
    }
    pthread_mutex_unlock(&j->lock);
    return touches;
}

/* --- checking ------------------------------------------------------------------------------------- */

static enum mu_err tell_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    const struct journal_reader *r = ctx;
    r->state(r->ctx, device, s);
    return MU_OK;
}

static enum mu_err tell_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    const struct journal_reader *r = ctx;
    r->versions(r->ctx, device, v);
    return MU_OK;
}

static enum mu_err tell_active(void *ctx, int32_t day, uint32_t device)
{
    const struct journal_reader *r = ctx;
    r->active(r->ctx, day, device);
    return MU_OK;
}

static enum mu_err tell_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    const struct journal_reader *r = ctx;
    r->active_set(r->ctx, day, set, len);
    return MU_OK;
}

static enum mu_err tell_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    const struct journal_reader *r = ctx;
    r->event(r->ctx, device, e);
    return MU_OK;
}

enum mu_err fake_check(struct journal *port, const struct journal_reader *reader, const struct findings *f)
{
    struct fake_journal *j = fake_store(port);
    struct journal_visitor v = { (void *)reader, tell_state, tell_versions, tell_active, tell_active_set, tell_event };
    enum mu_err err = fake_visit(port, &v);

    if (err != MU_OK)
        return err;
    pthread_mutex_lock(&j->lock);
    struct fake_message **messages = (struct fake_message **)SORTED(j->all.messages, by_device_message);
    struct fake_session **sessions = (struct fake_session **)SORTED(j->all.sessions, by_device_session);
    for (size_t i = 0, k = 0; i < j->all.messages.count || k < j->all.sessions.count;) {
        f->step(f->ctx);
        if (i < j->all.messages.count && (k == j->all.sessions.count || messages[i]->device <= sessions[k]->device)) {
            struct journal_message m = message_of(messages[i]);
            reader->message(reader->ctx, messages[i++]->device, &m);
        } else {
            reader->session(reader->ctx, sessions[k]->device, &sessions[k]->s);
            k++;
        }
    }
    free(messages);
    free(sessions);
    pthread_mutex_unlock(&j->lock);
    return MU_OK;
}

#include "journal/fake_journal.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* A journal in memory, for tests (fake_journal.h). */

struct journal {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t boot;
    int64_t alive_us[16];
    bool held, waiting;
    enum mu_err fail;
    size_t fail_at, visited;
    enum mu_err fail_row;
    int64_t rolled_us;
    struct fake_counts counts;
    struct fake_records all;
};

struct journal_batch {
    struct fake_records r;
    enum mu_err err;
};

/* Adds a cleared element to the end of a list. */
#define APPEND(list)                                                  \
    (require(ARRAY_RESERVE((list).at, (list).cap, (list).count + 1)), \
     memset(&(list).at[(list).count], 0, sizeof(*(list).at)), &(list).at[(list).count++])

static void require(bool memory)
{
    if (!memory)
        abort();
}

static void free_records(struct fake_records *r)
{
    free(r->messages.at);
    free(r->sessions.at);
    free(r->states.at);
    free(r->versions.at);
    free(r->turns.at);
    free(r->active.at);
    free(r->active_sets.at);
    free(r->events.at);
    free(r->controls.at);
    free(r->forgotten.at);
    *r = (struct fake_records){ 0 };
}

struct journal *fake_journal_new(uint64_t boot)
{
    struct journal *j = calloc(1, sizeof(*j));

    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->changed, NULL);
    j->boot = boot;
    return j;
}

void fake_journal_free(struct journal *j)
{
    free_records(&j->all);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

struct fake_records *fake_journal_records(struct journal *j)
{
    return &j->all;
}

void fake_journal_fail(struct journal *j, enum mu_err err)
{
    pthread_mutex_lock(&j->lock);
    j->fail = err;
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_fail_at(struct journal *j, size_t place, enum mu_err err)
{
    j->fail_at = place;
    j->fail_row = err;
}

void fake_journal_hold(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->held = true;
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_release(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->held = false;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_wait_held(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    while (!j->waiting)
        pthread_cond_wait(&j->changed, &j->lock);
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_set_alive(struct journal *j, uint64_t boot, int64_t alive_us)
{
    j->alive_us[boot] = alive_us;
}

struct fake_counts fake_journal_counts(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    struct fake_counts counts = j->counts;
    pthread_mutex_unlock(&j->lock);
    return counts;
}

/* --- the port -------------------------------------------------------------------------------- */

struct journal_boot journal_boot(const struct journal *j)
{
    return (struct journal_boot){ j->boot };
}

int64_t journal_boot_alive_us(struct journal *j, uint64_t boot)
{
    return j->alive_us[boot];
}

void journal_note_registry(struct journal *j, uint64_t change, uint32_t device)
{
    (void)j;
    (void)change;
    (void)device;
}

enum mu_err journal_batch_create(struct journal_batch **out, struct journal *j)
{
    (void)j;
    *out = calloc(1, sizeof(**out));
    return MU_OK;
}

void journal_batch_destroy(struct journal_batch *b)
{
    free_records(&b->r);
    free(b);
}

void journal_batch_clear(struct journal_batch *b)
{
    free_records(&b->r);
    b->err = MU_OK;
}

size_t journal_batch_bytes(const struct journal_batch *b)
{
    return b->r.bytes;
}

void journal_batch_message(struct journal_batch *b, uint32_t device, const struct journal_message *m)
{
    if (m->payload_len > LIMIT_MQTT_PACKET) {
        b->err = MU_E_LIMIT;
        return;
    }
    struct fake_message *at = APPEND(b->r.messages);

    assert(m->payload_len <= sizeof(at->payload));
    at->device = device;
    at->m = *m;
    memcpy(at->payload, m->payload, m->payload_len);
    at->m.payload = NULL;
    b->r.bytes += 40 + m->payload_len;
}

void journal_batch_session(struct journal_batch *b, uint32_t device, const struct journal_session *s)
{
    struct fake_session *at = APPEND(b->r.sessions);

    at->device = device;
    at->s = *s;
    b->r.bytes += 60;
}

void journal_batch_turn(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us,
                        int64_t last_us)
{
    *APPEND(b->r.turns) = (struct fake_turn){ device, list, from_us, last_us };
}

void journal_batch_state(struct journal_batch *b, uint32_t device, const struct journal_state *s)
{
    struct fake_state *at = APPEND(b->r.states);

    assert(s->image_len <= sizeof(at->image));
    at->device = device;
    at->s = *s;
    if (s->image)
        memcpy(at->image, s->image, s->image_len);
    at->s.image = NULL;
    b->r.bytes += 100 + s->image_len;
}

void journal_batch_followed(struct journal_batch *b, int64_t until_us)
{
    b->r.followed_until_us = until_us;
}

int64_t journal_followed_until_us(struct journal *j)
{
    return j->all.followed_until_us ? j->all.followed_until_us : INT64_MAX;
}

void journal_batch_versions(struct journal_batch *b, uint32_t device, const struct journal_versions *v)
{
    struct fake_versions *at = APPEND(b->r.versions);

    at->device = device;
    at->v = *v;
    b->r.bytes += 100;
}

void journal_batch_active(struct journal_batch *b, int32_t day, uint32_t device)
{
    *APPEND(b->r.active) = (struct fake_active){ day, device };
    b->r.bytes += 12;
}

void journal_batch_active_set(struct journal_batch *b, int32_t day, const void *set, size_t len)
{
    struct fake_active_set *at = APPEND(b->r.active_sets);

    assert(len <= sizeof(at->bytes));
    *at = (struct fake_active_set){ .day = day, .forgotten = !set, .len = len };
    if (set)
        memcpy(at->bytes, set, len);
    b->r.bytes += 20 + len;
}

static void add_event(struct journal_batch *b, uint32_t device, const struct journal_event *e, bool forgotten)
{
    struct fake_event *at = APPEND(b->r.events);

    assert(e->name.len <= sizeof(at->name));
    *at = (struct fake_event){ .device = device, .forgotten = forgotten, .e = *e };
    memcpy(at->name, e->name.at, e->name.len);
    b->r.bytes += 40;
}

void journal_batch_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    add_event(b, device, e, false);
}

void journal_batch_forget_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    add_event(b, device, e, true);
}

void journal_batch_control(struct journal_batch *b, const struct journal_control *c)
{
    struct fake_control *at = APPEND(b->r.controls);
    size_t kept = c->frame_len < sizeof(at->frame) ? c->frame_len : sizeof(at->frame);

    at->c = *c;
    str_copy(at->enterprise_id, sizeof(at->enterprise_id), c->enterprise_id);
    str_copy(at->did, sizeof(at->did), c->did);
    if (kept)
        memcpy(at->frame, c->frame, kept);
    b->r.bytes += 80 + kept;
}

void journal_batch_forget_controls(struct journal_batch *b, int64_t before_us)
{
    b->r.controls_before_us = before_us;
    b->r.bytes += 30;
}

void journal_batch_forget_device(struct journal_batch *b, uint32_t device)
{
    *APPEND(b->r.forgotten) = device;
    b->r.bytes += 30;
}

static void take_over_set(struct fake_records *all, const struct fake_active_set *set)
{
    size_t n = 0;

    for (size_t i = 0; i < all->active.count; i++) {
        if (all->active.at[i].day != set->day)
            all->active.at[n++] = all->active.at[i];
    }
    all->active.count = n;
    for (size_t i = 0; i < all->active_sets.count; i++) {
        struct fake_active_set *old = &all->active_sets.at[i];
        if (old->day == set->day) {
            *old = *set;
            return;
        }
    }
    *APPEND(all->active_sets) = *set;
}

static bool same_event(const struct fake_event *a, const struct fake_event *b)
{
    return a->device == b->device && a->e.opened_us == b->e.opened_us && a->e.alert == b->e.alert &&
           a->e.name.len == b->e.name.len && memcmp(a->name, b->name, a->e.name.len) == 0;
}

static void take_over_event(struct fake_records *all, const struct fake_event *e)
{
    for (size_t i = 0; i < all->events.count; i++) {
        if (same_event(&all->events.at[i], e)) {
            all->events.at[i] = *e;
            return;
        }
    }
    *APPEND(all->events) = *e;
}

static struct fake_state *state_of(struct fake_records *r, uint32_t device)
{
    size_t i = 0;

    while (i < r->states.count && r->states.at[i].device < device)
        i++;
    if (i == r->states.count || r->states.at[i].device != device) {
        (void)APPEND(r->states);
        memmove(&r->states.at[i + 1], &r->states.at[i], (r->states.count - 1 - i) * sizeof(struct fake_state));
    }
    return &r->states.at[i];
}

#define DROP_OF_DEVICE(list, no)                  \
    do {                                          \
        size_t kept = 0;                          \
        for (size_t k = 0; k < (list).count; k++) \
            if ((list).at[k].device != (no))      \
                (list).at[kept++] = (list).at[k]; \
        (list).count = kept;                      \
    } while (0)

static void take_over(struct fake_records *all, const struct fake_records *r)
{
    for (size_t i = 0; i < r->controls.count; i++)
        *APPEND(all->controls) = r->controls.at[i];
    if (r->controls_before_us > all->controls_before_us)
        all->controls_before_us = r->controls_before_us;
    if (r->followed_until_us)
        all->followed_until_us = r->followed_until_us;
    for (size_t i = 0; i < r->forgotten.count; i++) {
        DROP_OF_DEVICE(all->states, r->forgotten.at[i]);
        DROP_OF_DEVICE(all->versions, r->forgotten.at[i]);
    }
    for (size_t i = 0; i < r->messages.count; i++)
        *APPEND(all->messages) = r->messages.at[i];
    for (size_t i = 0; i < r->sessions.count; i++)
        *APPEND(all->sessions) = r->sessions.at[i];
    for (size_t i = 0; i < r->states.count; i++)
        *state_of(all, r->states.at[i].device) = r->states.at[i];
    for (size_t i = 0; i < r->versions.count; i++)
        *APPEND(all->versions) = r->versions.at[i];
    for (size_t i = 0; i < r->turns.count; i++)
        *APPEND(all->turns) = r->turns.at[i];
    for (size_t i = 0; i < r->active.count; i++)
        *APPEND(all->active) = r->active.at[i];
    for (size_t i = 0; i < r->active_sets.count; i++)
        take_over_set(all, &r->active_sets.at[i]);
    for (size_t i = 0; i < r->events.count; i++)
        take_over_event(all, &r->events.at[i]);
}

enum mu_err journal_commit(struct journal *j, struct journal_batch *b, int64_t alive_us)
{
    pthread_mutex_lock(&j->lock);
    while (j->held) {
        j->waiting = true;
        pthread_cond_broadcast(&j->changed);
        pthread_cond_wait(&j->changed, &j->lock);
    }
    j->waiting = false;
    enum mu_err err = b->err != MU_OK ? b->err : j->fail;
    if (err == MU_OK) {
        j->counts.commits++;
        j->counts.empty_commits += b->r.bytes == 0;
        j->alive_us[j->boot] = alive_us;
        take_over(&j->all, &b->r);
    } else {
        j->counts.failures++;
    }
    pthread_mutex_unlock(&j->lock);
    journal_batch_clear(b);
    return err;
}

enum mu_err journal_roll(struct journal *j, int64_t now_us)
{
    pthread_mutex_lock(&j->lock);
    j->counts.rolls++;
    j->rolled_us = now_us;
    pthread_mutex_unlock(&j->lock);
    return MU_OK;
}

int64_t journal_expiry_us(const struct journal *j)
{
    return j->rolled_us;
}

/* The error that the test wants instead of the next row. */
static enum mu_err row_error(struct journal *j)
{
    return j->fail_row != MU_OK && j->visited++ == j->fail_at ? j->fail_row : MU_OK;
}

enum mu_err journal_visit(struct journal *j, const struct journal_visitor *v)
{
    enum mu_err err = MU_OK;

    j->visited = 0;
    for (size_t i = 0; i < j->all.states.count && err == MU_OK; i++) {
        struct fake_state *at = &j->all.states.at[i];
        struct journal_state s = at->s;
        s.image = s.image_len ? at->image : NULL;
        if ((err = row_error(j)) == MU_OK)
            err = v->state(v->ctx, at->device, &s);
    }
    for (size_t i = 0; i < j->all.versions.count && err == MU_OK; i++) {
        if ((err = row_error(j)) == MU_OK)
            err = v->versions(v->ctx, j->all.versions.at[i].device, &j->all.versions.at[i].v);
    }
    for (size_t i = 0; i < j->all.active_sets.count && err == MU_OK; i++) {
        const struct fake_active_set *set = &j->all.active_sets.at[i];
        if (!set->forgotten && (err = row_error(j)) == MU_OK)
            err = v->active_set(v->ctx, set->day, set->bytes, set->len);
    }
    for (size_t i = 0; i < j->all.active.count && err == MU_OK; i++) {
        const struct fake_active *at = &j->all.active.at[i];
        if ((err = row_error(j)) == MU_OK)
            err = v->active(v->ctx, at->day, at->device);
    }
    return err != MU_OK ? err : journal_events(j, 0, INT64_MAX, v->event, v->ctx);
}

/* Gives all messages, oldest first: the fleet asks for nothing else. */
enum mu_err journal_messages(struct journal *j, uint32_t device, const struct journal_window *w,
                             enum mu_err (*row)(void *ctx, const struct journal_message *m), void *ctx, uint64_t *total)
{
    enum mu_err err = MU_OK;

    *total = 0;
    for (size_t i = 0; i < j->all.messages.count && err == MU_OK; i++) {
        struct journal_message m = j->all.messages.at[i].m;
        m.payload = j->all.messages.at[i].payload;
        if (j->all.messages.at[i].device != device || m.ts_us < w->from_us || m.ts_us > w->to_us)
            continue;
        ++*total;
        err = row(ctx, &m);
    }
    return err;
}

enum mu_err journal_events(struct journal *j, int64_t from_us, int64_t before_us,
                           enum mu_err (*row)(void *ctx, uint32_t device, const struct journal_event *e), void *ctx)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < j->all.events.count && err == MU_OK; i++) {
        const struct fake_event *at = &j->all.events.at[i];
        struct journal_event e = at->e;
        e.name.at = at->name;
        if (!at->forgotten && e.opened_us >= from_us && e.opened_us < before_us)
            err = row(ctx, at->device, &e);
    }
    return err;
}

enum mu_err journal_controls(struct journal *j, int64_t after_us, uint64_t after_request, int64_t before_us,
                             enum mu_err (*row)(void *ctx, const struct journal_control *c), void *ctx)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < j->all.controls.count && err == MU_OK; i++) {
        struct fake_control *at = &j->all.controls.at[i];
        struct journal_control c = at->c;
        c.enterprise_id = str_of(at->enterprise_id);
        c.did = str_of(at->did);
        c.frame = at->frame;
        if (c.ts_us >= j->all.controls_before_us && c.ts_us < before_us &&
            (c.ts_us > after_us || (c.ts_us == after_us && c.request > after_request)))
            err = row(ctx, &c);
    }
    return err;
}

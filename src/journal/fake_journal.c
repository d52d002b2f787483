#include "journal/fake_journal_private.h"

#include <stdlib.h>

/* A journal in memory, for tests (fake_journal.h): what the test asks of it, opening and closing. */

void fake_require(bool memory)
{
    if (!memory)
        abort();
}

void fake_records_free(struct fake_records *r)
{
    for (size_t i = 0; i < r->messages.count; i++)
        free(r->messages.at[i].payload);
    free(r->messages.at);
    free(r->sessions.at);
    free(r->states.at);
    free(r->versions.at);
    free(r->turns.at);
    free(r->pasts.at);
    free(r->heard.at);
    free(r->active.at);
    free(r->active_sets.at);
    free(r->events.at);
    free(r->controls.at);
    free(r->forgotten.at);
    *r = (struct fake_records){ 0 };
}

struct fake_records *fake_journal_records(struct journal *j)
{
    return &fake_store(j)->all;
}

void fake_journal_keep(struct journal *j, unsigned days)
{
    fake_store(j)->keep_days = days;
}

void fake_journal_fail(struct journal *port, enum mu_err err)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->fail = err;
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_fail_at(struct journal *j, size_t place, enum mu_err err)
{
    fake_store(j)->fail_at = place;
    fake_store(j)->fail_row = err;
}

void fake_journal_hold(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->held = true;
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_release(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    j->held = false;
    pthread_cond_broadcast(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

void fake_journal_wait_held(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    while (!j->waiting)
        pthread_cond_wait(&j->changed, &j->lock);
    pthread_mutex_unlock(&j->lock);
}

int64_t fake_journal_alive_us(struct journal *j)
{
    return fake_store(j)->alive_us[j->boot];
}

void fake_journal_set_alive(struct journal *j, uint64_t boot, int64_t alive_us)
{
    fake_store(j)->alive_us[boot] = alive_us;
}

unsigned fake_journal_claims(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    unsigned asked = j->asked[port->boot];
    pthread_mutex_unlock(&j->lock);
    return asked;
}

struct fake_counts fake_journal_counts(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    struct fake_counts counts = j->counts;
    pthread_mutex_unlock(&j->lock);
    return counts;
}

/* --- opening and closing -------------------------------------------------------------------------- */

static void close_journal(struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    free(port);
    if (--j->users)
        return;
    fake_records_free(&j->all);
    for (size_t i = 0; i < j->deltas.count; i++)
        free(j->deltas.at[i].bytes);
    free(j->deltas.at);
    free(j->claims.at);
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

void fake_journal_end(struct journal *j)
{
    pthread_mutex_lock(&fake_store(j)->lock);
    fake_store(j)->over[j->boot] = true;
    pthread_mutex_unlock(&fake_store(j)->lock);
}

void fake_journal_meanwhile(struct journal *j, void (*fn)(void *ctx), void *ctx)
{
    ((struct fake_handle *)j)->meanwhile = fn;
    ((struct fake_handle *)j)->meanwhile_ctx = ctx;
}

void fake_meanwhile(struct journal *j)
{
    struct fake_handle *h = (struct fake_handle *)j;
    void (*fn)(void *ctx) = h->meanwhile;

    h->meanwhile = NULL;
    if (fn)
        fn(h->meanwhile_ctx);
}

void fake_journal_free(struct journal *j)
{
    journal_close(j);
}

static bool boot_is_over(struct journal *port, uint64_t boot, int64_t *since_us)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    *since_us = j->alive_us[boot];
    bool over = !j->joined[boot] || j->over[boot];
    pthread_mutex_unlock(&j->lock);
    return over;
}

static void note_registry(struct journal *port, uint64_t change, uint32_t device)
{
    (void)device;
    ((struct fake_handle *)port)->registry = change;
}

static int64_t followed_until_us(struct journal *j)
{
    return fake_store(j)->all.followed_until_us ? fake_store(j)->all.followed_until_us : INT64_MAX;
}

static int64_t expiry_us(const struct journal *port)
{
    struct fake_journal *j = fake_store(port);

    pthread_mutex_lock(&j->lock);
    int64_t rolled_us = j->rolled_us;
    pthread_mutex_unlock(&j->lock);
    return rolled_us;
}

/* clang-format off: a table */
#define FUNCTIONS                                                                                                    \
    .close = close_journal, .boot_is_over = boot_is_over, .note_registry = note_registry,                            \
    .followed_until_us = followed_until_us, .batch_create = fake_batch_create, .batch_destroy = fake_batch_destroy,  \
    .batch_clear = fake_batch_clear, .batch_bytes = fake_batch_bytes, .message = fake_batch_message,                 \
    .session = fake_batch_session, .turn = fake_batch_turn, .state = fake_batch_state,                               \
    .followed = fake_batch_followed, .versions = fake_batch_versions, .active = fake_batch_active,                   \
    .active_set = fake_batch_active_set, .event = fake_batch_event, .forget_event = fake_batch_forget_event,         \
    .forget_device = fake_batch_forget_device, .control = fake_batch_control,                                        \
    .forget_controls = fake_batch_forget_controls, .commit = fake_commit, .roll = fake_roll, .expiry_us = expiry_us, \
    .visit = fake_visit, .events = fake_events, .controls = fake_controls, .messages = fake_messages,                \
    .sessions = fake_sessions, .turned = fake_turned, .check = fake_check

static const struct journal_driver fake_driver = { FUNCTIONS };
static const struct journal_driver fake_shared_driver = { FUNCTIONS, .nodes = &fake_driver_nodes };
/* clang-format on */

static struct journal *open_store(struct fake_journal *store, const struct journal_driver *driver, uint64_t boot)
{
    struct fake_handle *h = calloc(1, sizeof(*h));

    fake_require(h && boot < FAKE_BOOTS);
    h->base.driver = driver;
    h->base.boot = boot;
    h->store = store;
    pthread_mutex_lock(&store->lock);
    store->users++;
    store->joined[boot] = driver->nodes != NULL;
    pthread_mutex_unlock(&store->lock);
    return &h->base;
}

static struct fake_journal *new_store(void)
{
    struct fake_journal *j = calloc(1, sizeof(*j));

    fake_require(j);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->changed, NULL);
    return j;
}

struct journal *fake_journal_new(uint64_t boot)
{
    return open_store(new_store(), &fake_driver, boot);
}

struct journal *fake_journal_new_shared(uint64_t boot)
{
    return open_store(new_store(), &fake_shared_driver, boot);
}

struct journal *fake_journal_join(struct journal *j, uint64_t boot)
{
    return open_store(fake_store(j), &fake_shared_driver, boot);
}

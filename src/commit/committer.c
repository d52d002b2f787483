#include "commit/committer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "commit/catch_up.h"
#include "commit/committer_internal.h"
#include "commit/rebuild.h"

/* The senders' side: starting and stopping the committer, handing over, asking, waiting. */

enum { ACTIVITY_DAYS = 400 }; /* 13 months and some days */
/* So long no disk takes for a batch; a database that is away may. */
enum { COMMIT_LONG_US = 5 * 1000 * 1000 };

static enum mu_err rebuild(struct committer *c)
{
    int64_t start = clock_mono_ms();
    struct fleet_counts counts;
    struct followed followed = { 0 };
    enum mu_err err;

    fleet_use_calendar(c->options.fleet, c->options.calendar);
    if ((err = rebuild_fleet(c->options.fleet, c->options.registry, c->options.journal, &c->seq, &followed)) != MU_OK)
        goto out;
    journal_note_registry(c->options.journal, c->seq, fleet_last_device(c->options.fleet));
    c->batch.registry = c->seq;
    atomic_store(&c->shown_change, c->seq);
    /* Where other nodes live, only the holder of a device's session writes its state (claims.h). */
    if ((err = catch_up(&c->batch, &followed, c->options.nodes ? CATCH_UP_UNWRITTEN : clock_wall_us())) != MU_OK)
        goto out;
    fleet_count(c->options.fleet, &counts);
    log_event(LOG_INFO, "fleet_rebuilt", "products=%llu devices=%llu unusable_states=%llu caught_up=%zu ms=%lld",
              (unsigned long long)counts.products, (unsigned long long)counts.devices,
              (unsigned long long)counts.unusable_states, followed.count, (long long)(clock_mono_ms() - start));
out:
    rebuild_followed_free(&followed);
    return err;
}

/* Other nodes wait for this one from its first commit on: then its index is built. */
static enum mu_err be_ready(struct committer *c)
{
    int64_t start_ms = clock_mono_ms();
    enum mu_err err = c->options.nodes ? batch_commit(&c->batch, clock_wall_us()) : MU_OK;

    c->succeeded_ms = start_ms;
    return err;
}

enum mu_err committer_start(struct committer **out, const struct committer_options *options)
{
    struct committer *c = calloc(1, sizeof(*c));
    enum mu_err err;

    if (!c)
        return MU_E_NOMEM;
    c->options = *options;
    if (!c->options.activity_days)
        c->options.activity_days = ACTIVITY_DAYS;
    if (!c->options.retry_ms)
        c->options.retry_ms = 1000;
    if (!c->options.alive_ms)
        c->options.alive_ms = 5000;
    if (!c->options.ask_ms)
        c->options.ask_ms = 1000;
    c->rolled_day = -1;
    c->claims = (struct claims){ .batch = &c->batch, .nodes = options->nodes, .ask_after_ms = c->options.ask_ms };
    intake_init(&c->intake);
    pthread_cond_init(&c->follow_done, NULL);
    pthread_cond_init(&c->pause_done, NULL);
    pthread_mutex_init(&c->figures_lock, NULL);

    if ((err = batch_init(&c->batch, options)) != MU_OK || (err = rebuild(c)) != MU_OK || (err = be_ready(c)) != MU_OK)
        goto fail;
    c->sweep = (struct sweep){ .fleet = options->fleet, .journal = options->journal, .writes = c->batch.writes };
    if (pthread_create(&c->thread, NULL, committer_run, c) != 0) {
        err = MU_E_NOMEM;
        goto fail;
    }
    *out = c;
    return MU_OK;
fail:
    batch_free(&c->batch);
    pthread_mutex_destroy(&c->figures_lock);
    pthread_cond_destroy(&c->follow_done);
    pthread_cond_destroy(&c->pause_done);
    intake_free(&c->intake);
    free(c);
    return err;
}

/* The committer's thread must not wait for itself. */
static bool is_own_thread(const struct committer *c)
{
    return pthread_equal(pthread_self(), c->thread);
}

/* With intake.lock held. */
static void wake(struct committer *c)
{
    c->intake.wakes_at = HASTE_AWAKE;
    pthread_cond_signal(&c->intake.wake);
}

void committer_stop(struct committer *c)
{
    if (!c)
        return;
    assert(!is_own_thread(c));
    pthread_mutex_lock(&c->intake.lock);
    assert(!c->stopping);
    c->stopping = true;
    wake(c);
    pthread_mutex_unlock(&c->intake.lock);
    pthread_join(c->thread, NULL);

    sweep_free(&c->sweep);
    claims_free(&c->claims);
    batch_free(&c->batch);
    intake_records_free(&c->work);
    intake_records_free(&c->retry);
    pthread_mutex_destroy(&c->figures_lock);
    pthread_cond_destroy(&c->follow_done);
    pthread_cond_destroy(&c->pause_done);
    intake_free(&c->intake);
    free(c);
}

bool committer_has_room(struct committer *c, struct commit_sink *sink)
{
    return intake_has_room(&c->intake, sink);
}

enum mu_err committer_failing(const struct committer *c)
{
    int64_t began_us = atomic_load_explicit(&c->commit_began_us, memory_order_relaxed);

    if (began_us && clock_mono_us() - began_us > COMMIT_LONG_US)
        return MU_E_TIMEOUT;
    return atomic_load_explicit(&c->failing, memory_order_relaxed);
}

void committer_end(struct committer *c, const struct commit_end *end)
{
    struct intake_record head = { .kind = INTAKE_END, .device = end->device, .ts_us = end->ts_us };
    intake_put(&c->intake, &head, end, sizeof(*end), NULL, 0);
}

/* Filled and not returned: gcc notes that a struct which ends with an array was once returned in another way. */
static void set_head(struct intake_record *head, enum intake_kind kind, const struct commit_item *item)
{
    assert(item->sink || !item->tag);
    *head = (struct intake_record){ .kind = (uint8_t)kind,
                                    .device = item->device,
                                    .ts_us = item->ts_us,
                                    .sink = item->sink,
                                    .owner = item->owner,
                                    .tag = item->tag };
}

void committer_login(struct committer *c, const struct commit_item *item, const struct commit_login *login)
{
    struct intake_record head;

    set_head(&head, INTAKE_LOGIN, item);
    intake_put(&c->intake, &head, login, sizeof(*login), NULL, 0);
}

void committer_report(struct committer *c, const struct commit_item *item, const uint8_t *payload, size_t len)
{
    struct intake_record head;

    set_head(&head, INTAKE_REPORT, item);
    intake_put(&c->intake, &head, payload, len, NULL, 0);
}

void committer_hurry(struct committer *c)
{
    intake_hurry(&c->intake);
}

void committer_control(struct committer *c, const struct commit_item *item, uint32_t enterprise, uint64_t request,
                       const uint8_t *payload, size_t len)
{
    struct intake_record head;
    struct intake_control control = { enterprise, request };

    set_head(&head, INTAKE_CONTROL, item);
    intake_put(&c->intake, &head, &control, sizeof(control), payload, len);
}

void committer_refused_control(struct committer *c, const struct journal_control *control)
{
    struct intake_record head = { .kind = INTAKE_AUDIT, .ts_us = control->ts_us };
    struct intake_audit audit = { .request = control->request,
                                  .error = control->error,
                                  .frame_len = (uint32_t)control->frame_len,
                                  .last = control->last };
    size_t kept = control->frame_len < JOURNAL_CONTROL_FRAME ? control->frame_len : JOURNAL_CONTROL_FRAME;
    struct str id = control->enterprise_id, did = control->did;

    if (id.at)
        memcpy(audit.enterprise_id, id.at, id.len < ID_HEX_LEN ? id.len : ID_HEX_LEN);
    if (did.at)
        memcpy(audit.did, did.at, did.len < DID_LEN ? did.len : DID_LEN);
    intake_put(&c->intake, &head, &audit, sizeof(audit), control->frame, kept);
}

void committer_versions(struct committer *c, const struct commit_item *item, const struct journal_versions *versions)
{
    struct intake_record head;

    set_head(&head, INTAKE_VERSIONS, item);
    intake_put(&c->intake, &head, versions, sizeof(*versions), NULL, 0);
}

void committer_history(struct committer *c, const struct commit_item *item, const struct commit_history *history,
                       const int32_t *days, size_t day_count)
{
    struct intake_record head;

    set_head(&head, INTAKE_HISTORY, item);
    intake_put(&c->intake, &head, history, sizeof(*history), days, day_count * sizeof(*days));
}

void committer_pass(struct committer *c, const struct commit_item *item)
{
    struct intake_record head;

    set_head(&head, INTAKE_PASS, item);
    intake_put(&c->intake, &head, NULL, 0, NULL, 0);
}

enum mu_err committer_look_at_registry(struct committer *c)
{
    assert(!is_own_thread(c));
    pthread_mutex_lock(&c->intake.lock);
    uint64_t ticket = ++c->wished;
    wake(c);
    while (c->followed < ticket)
        pthread_cond_wait(&c->follow_done, &c->intake.lock);
    /* If there was a later look meanwhile, this is its error: it has seen our change as well. */
    enum mu_err err = c->follow_err;
    pthread_mutex_unlock(&c->intake.lock);
    return err;
}

enum mu_err committer_follow_registry(struct committer *c)
{
    enum mu_err err = committer_look_at_registry(c);

    if (err == MU_OK && c->options.nodes)
        c->options.nodes->wait_until_followed(c->options.nodes->ctx, committer_followed(c));
    return err;
}

uint64_t committer_followed(const struct committer *c)
{
    return atomic_load(&c->shown_change);
}

int64_t committer_committed_ms(const struct committer *c)
{
    return atomic_load_explicit(&c->succeeded_ms, memory_order_relaxed);
}

void committer_look_at_held(struct committer *c)
{
    c->claims.look_ms = 0;
}

void committer_pause(struct committer *c, void (*fn)(void *ctx), void *ctx)
{
    struct pause pause = { .fn = fn, .ctx = ctx };

    assert(fn && !is_own_thread(c));
    pthread_mutex_lock(&c->intake.lock);
    pause.next = c->pauses;
    c->pauses = &pause;
    wake(c);
    while (!pause.done)
        pthread_cond_wait(&c->pause_done, &c->intake.lock);
    pthread_mutex_unlock(&c->intake.lock);
}

void committer_get_figures(struct committer *c, struct committer_figures *out)
{
    pthread_mutex_lock(&c->figures_lock);
    *out = c->figures;
    pthread_mutex_unlock(&c->figures_lock);
    out->waiting_logins = atomic_load_explicit(&c->claims.waiting_count, memory_order_relaxed);
    out->waiting_bytes = atomic_load_explicit(&c->intake.waiting, memory_order_relaxed);
}

#include "journal/journal.h"

#include "journal/journal_driver.h"

/* The port: every call goes to the store that was opened. */

void journal_close(struct journal *j)
{
    if (j)
        j->driver->close(j);
}

void journal_end_soon(struct journal *j)
{
    if (j && j->driver->end_soon)
        j->driver->end_soon(j);
}

struct journal_boot journal_boot(const struct journal *j)
{
    return (struct journal_boot){ .number = j->boot };
}

bool journal_boot_is_over(struct journal *j, uint64_t boot, int64_t *since_us)
{
    *since_us = 0;
    return boot != j->boot && j->driver->boot_is_over(j, boot, since_us);
}

void journal_note_registry(struct journal *j, uint64_t change, uint32_t device)
{
    if (j->driver->note_registry)
        j->driver->note_registry(j, change, device);
}

int64_t journal_followed_until_us(struct journal *j)
{
    return j->driver->followed_until_us(j);
}

/* --- writing ------------------------------------------------------------------------------------- */

enum mu_err journal_batch_create(struct journal_batch **out, struct journal *j)
{
    return j->driver->batch_create(out, j);
}

void journal_batch_destroy(struct journal_batch *b)
{
    if (b)
        b->driver->batch_destroy(b);
}

void journal_batch_clear(struct journal_batch *b)
{
    b->driver->batch_clear(b);
}

size_t journal_batch_bytes(const struct journal_batch *b)
{
    return b->driver->batch_bytes(b);
}

void journal_batch_message(struct journal_batch *b, uint32_t device, const struct journal_message *m)
{
    b->driver->message(b, device, m);
}

void journal_batch_session(struct journal_batch *b, uint32_t device, const struct journal_session *s)
{
    b->driver->session(b, device, s);
}

void journal_batch_turn(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us,
                        int64_t last_us)
{
    b->driver->turn(b, device, list, from_us, last_us);
}

void journal_batch_state(struct journal_batch *b, uint32_t device, const struct journal_state *s)
{
    b->driver->state(b, device, s);
}

void journal_batch_followed(struct journal_batch *b, int64_t until_us)
{
    b->driver->followed(b, until_us);
}

void journal_batch_versions(struct journal_batch *b, uint32_t device, const struct journal_versions *v)
{
    b->driver->versions(b, device, v);
}

void journal_batch_active(struct journal_batch *b, int32_t day, uint32_t device)
{
    b->driver->active(b, day, device);
}

void journal_batch_active_set(struct journal_batch *b, int32_t day, const void *set, size_t len)
{
    b->driver->active_set(b, day, set, len);
}

void journal_batch_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    b->driver->event(b, device, e);
}

void journal_batch_forget_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    b->driver->forget_event(b, device, e);
}

void journal_batch_forget_device(struct journal_batch *b, uint32_t device)
{
    b->driver->forget_device(b, device);
}

void journal_batch_control(struct journal_batch *b, const struct journal_control *c)
{
    b->driver->control(b, c);
}

void journal_batch_forget_controls(struct journal_batch *b, int64_t before_us)
{
    b->driver->forget_controls(b, before_us);
}

enum mu_err journal_commit(struct journal *j, struct journal_batch *b, int64_t alive_us)
{
    return j->driver->commit(j, b, alive_us);
}

enum mu_err journal_roll(struct journal *j, int64_t now_us)
{
    return j->driver->roll(j, now_us);
}

int64_t journal_expiry_us(const struct journal *j)
{
    return j->driver->expiry_us(j);
}

/* --- reading ------------------------------------------------------------------------------------- */

enum mu_err journal_visit(struct journal *j, const struct journal_visitor *v)
{
    return j->driver->visit(j, v);
}

enum mu_err journal_events(struct journal *j, int64_t from_us, int64_t before_us, journal_event_fn row, void *ctx)
{
    return j->driver->events(j, from_us, before_us, row, ctx);
}

enum mu_err journal_controls(struct journal *j, int64_t after_us, uint64_t after_request, int64_t before_us,
                             journal_control_fn row, void *ctx)
{
    return j->driver->controls(j, after_us, after_request, before_us, row, ctx);
}

enum mu_err journal_messages(struct journal *j, uint32_t device, const struct journal_window *w, journal_message_fn row,
                             void *ctx, uint64_t *total)
{
    return j->driver->messages(j, device, w, row, ctx, total);
}

struct one_device {
    uint32_t device;
    journal_device_message_fn row;
    void *ctx;
};

static enum mu_err on_device_message(void *ctx, const struct journal_message *m)
{
    const struct one_device *d = ctx;
    return d->row(d->ctx, d->device, m);
}

enum mu_err journal_messages_since(struct journal *j, const struct journal_since *since, size_t count, int64_t to_us,
                                   journal_device_message_fn row, void *ctx)
{
    enum mu_err err = MU_OK;

    if (j->driver->messages_since)
        return j->driver->messages_since(j, since, count, to_us, row, ctx);
    for (size_t i = 0; i < count && err == MU_OK; i++) {
        struct journal_window w = { .from_us = since[i].from_us, .to_us = to_us, .limit = UINT64_MAX };
        struct one_device d = { since[i].device, row, ctx };
        uint64_t total;
        err = journal_messages(j, since[i].device, &w, on_device_message, &d, &total);
    }
    return err;
}

enum mu_err journal_sessions(struct journal *j, uint32_t device, const struct journal_window *w, journal_session_fn row,
                             void *ctx, uint64_t *total)
{
    return j->driver->sessions(j, device, w, row, ctx, total);
}

bool journal_turned(struct journal *j, uint32_t device, enum journal_list list, int64_t from_us, int64_t to_us)
{
    return j->driver->turned(j, device, list, from_us, to_us);
}

enum mu_err journal_check(struct journal *j, const struct journal_reader *reader, const struct findings *f)
{
    return j->driver->check(j, reader, f);
}

/* --- several nodes ------------------------------------------------------------------------------- */

bool journal_is_shared(const struct journal *j)
{
    return j->driver->nodes != NULL;
}

enum mu_err journal_nodes(struct journal *j, journal_node_fn row, void *ctx)
{
    return j->driver->nodes->nodes(j, row, ctx);
}

enum mu_err journal_stay_alive(struct journal *j)
{
    return j->driver->nodes->stay_alive(j);
}

enum mu_err journal_end_boot(struct journal *j, uint64_t boot, int64_t alive_us)
{
    return j->driver->nodes->end_boot(j, boot, alive_us);
}

enum mu_err journal_batch_claim(struct journal_batch *b, const uint32_t *devices, size_t count,
                                const struct journal_claimant *to)
{
    return b->driver->nodes->claim(b, devices, count, to);
}

void journal_batch_past(struct journal_batch *b, uint32_t device, int64_t activated_at, int64_t online_latest,
                        int64_t last_report)
{
    b->driver->nodes->past(b, device, activated_at, online_latest, last_report);
}

void journal_batch_delta(struct journal_batch *b, const void *bytes, size_t len)
{
    b->driver->nodes->delta(b, bytes, len);
}

uint64_t journal_last_delta(const struct journal *j)
{
    return j->driver->nodes->last_delta(j);
}

enum mu_err journal_deltas(struct journal *j, uint64_t boot, uint64_t after, journal_delta_fn row, void *ctx)
{
    return j->driver->nodes->deltas(j, boot, after, row, ctx);
}

void journal_keep_deltas(struct journal *j)
{
    if (j->driver->nodes->keep_deltas)
        j->driver->nodes->keep_deltas(j);
}

enum mu_err journal_device_events(struct journal *j, const uint32_t *devices, size_t count, journal_event_fn row,
                                  void *ctx)
{
    return j->driver->nodes->device_events(j, devices, count, row, ctx);
}

void journal_batch_merge_versions(struct journal_batch *b, uint32_t device, const struct journal_versions *v, bool told)
{
    b->driver->nodes->merge_versions(b, device, v, told);
}

void journal_versions_merge(struct journal_versions *on_record, const struct journal_versions *v, bool told)
{
    for (int i = 0; i < VERSION_COUNT; i++)
        if (v->text[i][0] && (told || !on_record->text[i][0]))
            memcpy(on_record->text[i], v->text[i], sizeof(on_record->text[i]));
}

enum mu_err journal_device_versions(struct journal *j, const uint32_t *devices, size_t count, journal_versions_fn row,
                                    void *ctx)
{
    return j->driver->nodes->device_versions(j, devices, count, row, ctx);
}

enum mu_err journal_device_state(struct journal *j, uint32_t device,
                                 void (*state)(void *ctx, const struct journal_state *s), void *ctx)
{
    return j->driver->nodes->device_state(j, device, state, ctx);
}

enum mu_err journal_keep_house(struct journal *j, const struct journal_house *h)
{
    return j->driver->nodes->keep_house(j, h);
}

enum mu_err journal_grant_calls(struct journal *j, struct journal_grant *g)
{
    return j->driver->nodes->grant_calls(j, g);
}

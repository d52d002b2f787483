#include "journal/rocks_internal.h"

/* Visiting everything. struct walk is one of two families that are walked side by side. */
struct walk {
    struct rocks_journal *journal;
    rocksdb_iterator_t *at;
    uint64_t device; /* UINT64_MAX past the last */
    struct bytes value;
};

static struct walk walk_over(struct rocks_journal *j, rocksdb_readoptions_t *options, enum fixed_family family)
{
    return (struct walk){ .journal = j, .at = rocksdb_create_iterator_cf(j->db, options, j->fixed[family]) };
}

static enum mu_err walk_look(struct walk *w)
{
    size_t len;
    char *text = NULL;

    if (!rocksdb_iter_valid(w->at)) {
        w->device = UINT64_MAX;
        rocksdb_iter_get_error(w->at, &text);
        return rocks_status(w->journal, text);
    }
    struct bytes key = bytes_of(rocksdb_iter_key(w->at, &len), DEVICE_KEY_LEN);
    if (len != DEVICE_KEY_LEN)
        return MU_E_CORRUPT;
    w->device = bytes_u32be(&key);
    const char *value = rocksdb_iter_value(w->at, &len);
    w->value = bytes_of(value, len);
    return MU_OK;
}

static enum mu_err walk_next(struct walk *w)
{
    rocksdb_iter_next(w->at);
    return walk_look(w);
}

static enum mu_err visit_state(struct walk *w, const struct journal_visitor *v)
{
    struct journal_state state;
    enum mu_err err = codec_state_decode(w->value, &state);

    if (err == MU_OK && v->state)
        err = v->state(v->ctx, (uint32_t)w->device, &state);
    return err == MU_OK ? walk_next(w) : err;
}

static enum mu_err visit_versions(struct walk *w, const struct journal_visitor *v)
{
    struct journal_versions versions;
    enum mu_err err = codec_versions_decode(w->value, &versions);

    if (err == MU_OK && v->versions)
        err = v->versions(v->ctx, (uint32_t)w->device, &versions);
    return err == MU_OK ? walk_next(w) : err;
}

static enum mu_err walk_both(struct walk *states, struct walk *versions, const struct journal_visitor *v)
{
    enum mu_err err;

    rocksdb_iter_seek_to_first(states->at);
    rocksdb_iter_seek_to_first(versions->at);
    if ((err = walk_look(states)) != MU_OK || (err = walk_look(versions)) != MU_OK)
        return err;
    while (err == MU_OK && (states->device != UINT64_MAX || versions->device != UINT64_MAX))
        err = states->device <= versions->device ? visit_state(states, v) : visit_versions(versions, v);
    return err;
}

static enum mu_err visit_devices(struct rocks_journal *j, rocksdb_readoptions_t *options,
                                 const struct journal_visitor *v)
{
    struct walk states = walk_over(j, options, FAMILY_STATE);
    struct walk versions = walk_over(j, options, FAMILY_VERSIONS);
    enum mu_err err = walk_both(&states, &versions, v);

    rocksdb_iter_destroy(states.at);
    rocksdb_iter_destroy(versions.at);
    return err;
}

/* --- activity and events --------------------------------------------------------------------------*/

/* Calls fn for every entry of a family from a key on, until fn fails. */
static enum mu_err visit_family(struct rocks_journal *j, rocksdb_readoptions_t *options, enum fixed_family family,
                                struct bytes from, enum mu_err (*fn)(void *ctx, struct bytes key, struct bytes value),
                                void *ctx)
{
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(j->db, options, j->fixed[family]);
    enum mu_err err = MU_OK;
    char *text = NULL;

    for (rocksdb_iter_seek(at, (const char *)from.at, from.left); err == MU_OK && rocksdb_iter_valid(at);
         rocksdb_iter_next(at)) {
        size_t key_len, len;
        const char *key = rocksdb_iter_key(at, &key_len), *value = rocksdb_iter_value(at, &len);
        err = fn(ctx, bytes_of(key, key_len), bytes_of(value, len));
    }
    rocksdb_iter_get_error(at, &text);
    enum mu_err own = rocks_status(j, text);
    rocksdb_iter_destroy(at);
    return err != MU_OK ? err : own;
}

static enum mu_err on_activity(void *ctx, struct bytes key, struct bytes value)
{
    const struct journal_visitor *v = ctx;
    size_t len = key.left;
    int32_t day = (int32_t)bytes_u32be(&key);

    if (len == ACTIVITY_DAY_LEN)
        return v->active_set ? v->active_set(v->ctx, day, value.at, value.left) : MU_OK;
    uint32_t device = bytes_u32be(&key);
    if (len != ACTIVITY_KEY_LEN)
        return MU_E_CORRUPT;
    return v->active ? v->active(v->ctx, day, device) : MU_OK;
}

struct event_visit {
    enum mu_err (*row)(void *ctx, uint32_t device, const struct journal_event *e);
    void *ctx;
    int64_t from_us, before_us;
    bool over;
};

static enum mu_err on_event(void *ctx, struct bytes key, struct bytes value)
{
    struct event_visit *v = ctx;
    struct journal_event e;
    uint32_t device;
    enum mu_err err = rocks_event_decode(key, value, &device, &e);

    if (err != MU_OK)
        return err;
    if (e.opened_us >= v->before_us) {
        v->over = true;
        return MU_E_NOT_FOUND; /* ends the visit */
    }
    return v->row(v->ctx, device, &e);
}

static enum mu_err visit_events(struct rocks_journal *j, rocksdb_readoptions_t *options, struct event_visit *v)
{
    uint8_t from[sizeof(uint64_t)];

    bytes_put_u64be(from, (uint64_t)v->from_us);
    enum mu_err err = visit_family(j, options, FAMILY_EVENTS, bytes_of(from, sizeof(from)), on_event, v);
    return v->over ? MU_OK : err;
}

/* --- controls ------------------------------------------------------------------------------------ */

struct control_visit {
    enum mu_err (*row)(void *ctx, const struct journal_control *c);
    void *ctx;
    int64_t after_us, before_us;
    uint64_t after_request;
    bool over;
};

static enum mu_err on_control(void *ctx, struct bytes key, struct bytes value)
{
    struct control_visit *v = ctx;
    struct journal_control c;
    enum mu_err err = rocks_control_decode(key, value, &c);

    if (err != MU_OK || (c.ts_us == v->after_us && c.request <= v->after_request))
        return err;
    if (c.ts_us >= v->before_us) {
        v->over = true;
        return MU_E_NOT_FOUND; /* ends the visit */
    }
    return v->row(v->ctx, &c);
}

/* For a family that is read once from end to end: its blocks must not push others out of the cache. */
static rocksdb_readoptions_t *passing_by(void)
{
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocks_count_nothing();
    rocksdb_readoptions_set_fill_cache(options, 0);
    return options;
}

enum mu_err rocks_visit(struct journal *port, const struct journal_visitor *v)
{
    struct rocks_journal *j = rocks_of(port);
    struct event_visit events = { .row = v->event, .ctx = v->ctx, .before_us = INT64_MAX };
    enum mu_err err = MU_E_IO;

    pthread_rwlock_rdlock(&j->lock);
    if (j->db) {
        rocksdb_readoptions_t *options = passing_by();
        err = visit_devices(j, options, v);
        if (err == MU_OK && (v->active || v->active_set))
            err = visit_family(j, options, FAMILY_ACTIVITY, bytes_of("", 0), on_activity, (void *)v);
        if (err == MU_OK && v->event)
            err = visit_events(j, options, &events);
        rocksdb_readoptions_destroy(options);
    }
    pthread_rwlock_unlock(&j->lock);
    return err;
}

enum mu_err rocks_events(struct journal *port, int64_t from_us, int64_t before_us,
                         enum mu_err (*row)(void *ctx, uint32_t device, const struct journal_event *e), void *ctx)
{
    struct rocks_journal *j = rocks_of(port);
    struct event_visit events = { .row = row, .ctx = ctx, .from_us = from_us, .before_us = before_us };
    enum mu_err err = MU_E_IO;

    pthread_rwlock_rdlock(&j->lock);
    if (j->db) {
        rocksdb_readoptions_t *options = passing_by();
        err = visit_events(j, options, &events);
        rocksdb_readoptions_destroy(options);
    }
    pthread_rwlock_unlock(&j->lock);
    return err;
}

enum mu_err rocks_controls(struct journal *port, int64_t after_us, uint64_t after_request, int64_t before_us,
                           enum mu_err (*row)(void *ctx, const struct journal_control *c), void *ctx)
{
    struct rocks_journal *j = rocks_of(port);
    struct control_visit v = {
        .row = row, .ctx = ctx, .after_us = after_us, .before_us = before_us, .after_request = after_request
    };
    uint8_t from[CONTROL_KEY_LEN];
    enum mu_err err = MU_E_IO;

    rocks_control_key(from, after_us, after_request);
    pthread_rwlock_rdlock(&j->lock);
    if (j->db) {
        rocksdb_readoptions_t *options = passing_by();
        err = visit_family(j, options, FAMILY_CONTROLS, bytes_of(from, sizeof(from)), on_control, &v);
        rocksdb_readoptions_destroy(options);
    }
    pthread_rwlock_unlock(&j->lock);
    return v.over ? MU_OK : err;
}

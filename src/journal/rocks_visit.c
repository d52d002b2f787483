#include "journal/rocks_internal.h"

/* One of the two families while they are walked side by side. */
struct walk {
    rocksdb_iterator_t *at;
    uint64_t device; /* UINT64_MAX past the last */
    struct bytes value;
};

static struct walk walk_over(struct journal *j, rocksdb_readoptions_t *options, enum fixed_family family)
{
    return (struct walk){ .at = rocksdb_create_iterator_cf(j->db, options, j->fixed[family]) };
}

static enum mu_err walk_look(struct walk *w)
{
    size_t len;
    char *text = NULL;

    if (!rocksdb_iter_valid(w->at)) {
        w->device = UINT64_MAX;
        rocksdb_iter_get_error(w->at, &text);
        return status_take(text);
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
    enum mu_err err = state_decode(w->value, &state);

    if (err == MU_OK)
        err = v->state(v->ctx, (uint32_t)w->device, &state);
    return err == MU_OK ? walk_next(w) : err;
}

static enum mu_err visit_versions(struct walk *w, const struct journal_visitor *v)
{
    struct journal_versions versions;
    enum mu_err err = versions_decode(w->value, &versions);

    if (err == MU_OK)
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

enum mu_err journal_visit(struct journal *j, const struct journal_visitor *v)
{
    enum mu_err err = MU_E_IO;

    pthread_rwlock_rdlock(&j->lock);
    if (j->db) {
        /* Read once from end to end: it must not push the blocks of the logs out of the cache. */
        rocksdb_readoptions_t *options = rocksdb_readoptions_create();
        rocksdb_readoptions_set_fill_cache(options, 0);
        struct walk states = walk_over(j, options, FAMILY_STATE);
        struct walk versions = walk_over(j, options, FAMILY_VERSIONS);
        err = walk_both(&states, &versions, v);
        rocksdb_iter_destroy(states.at);
        rocksdb_iter_destroy(versions.at);
        rocksdb_readoptions_destroy(options);
    }
    pthread_rwlock_unlock(&j->lock);
    return err;
}

#include "commit/rebuild.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/buf.h"
#include "base/log.h"
#include "journal/journal_nodes.h"

/* A start takes as long as this, and a good part of it is reading: SQLite's rows, RocksDB's blocks. So one thread reads
 * and another builds.
 *
 *   reader:  registry, then journal ─► rows ─► a batch ─┐
 *                                                       ├─ at most BATCHES, in order
 *   caller:  fleet ◄─ the visitors ◄─ rows ◄─ a batch ◄─┘
 *
 * A batch has a few hundred rows. Handing it over costs little compared with them, and it is still in the processor's
 * cache when it is taken. An error on either side ends both. */
enum { BATCHES = 4, BATCH_BYTES = 256 * 1024 };
/* The largest row: a day's set of all possible device numbers. */
static const size_t ROW_MAX = (size_t)1 << 30;

enum row_kind {
    ROW_ENTERPRISE,
    ROW_PRODUCT,
    ROW_DEFINITION,
    ROW_ASSOCIATION,
    ROW_APP,
    ROW_GROUP,
    ROW_DEVICE,
    ROW_USER,
    ROW_BINDING,
    ROW_FIRST_BOUND,
    ROW_TOKEN,
    ROW_DELETED,
    ROW_STATE,
    ROW_VERSIONS,
    ROW_ACTIVE,
    ROW_ACTIVE_SET,
    ROW_EVENT
};

/* Stands before each row of a batch. Behind it comes the row as its visitor gets it, then the data that the row points
 * to. Both are padded by room(). */
struct row_head {
    enum row_kind kind;
    enum registry_kind deleted;
    uint32_t no; /* of the device, or of the object that was deleted */
    int32_t day;
    bool removed;
    size_t row_len, more_len;
};

static size_t room(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

struct rebuild {
    struct fleet *f;
    struct registry *reg;
    struct journal *j;
    struct registry_visitor rows;
    struct journal_visitor told;
    struct followed *followed;

    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct buf batches[BATCHES];
    unsigned first, count; /* the filled batches */
    bool read_all;
    enum mu_err build_err;

    /* Only the reader uses these; the caller looks at them after the reader has ended. */
    struct buf *filling;
    uint64_t seq;
    enum mu_err read_err;
};

/* --- followed ------------------------------------------------------------------------------------- */

enum mu_err rebuild_followed_add(struct followed *f, uint32_t device)
{
    if (!ARRAY_RESERVE(f->at, f->cap, f->count + 1))
        return MU_E_NOMEM;
    f->at[f->count++] = device;
    return MU_OK;
}

void rebuild_followed_free(struct followed *f)
{
    free(f->at);
    *f = (struct followed){ 0 };
}

/* --- the reader ------------------------------------------------------------------------------------- */

/* Hands the filled batch over, then waits for room. Returns the builder's error. */
static enum mu_err hand_over(struct rebuild *r)
{
    pthread_mutex_lock(&r->lock);
    assert(r->count < BATCHES);
    r->count++;
    pthread_cond_signal(&r->filled);
    while (r->count == BATCHES && r->build_err == MU_OK)
        pthread_cond_wait(&r->emptied, &r->lock);
    r->filling = &r->batches[(r->first + r->count) % BATCHES];
    enum mu_err err = r->build_err;
    pthread_mutex_unlock(&r->lock);
    return err;
}

static enum mu_err put(struct rebuild *r, const struct row_head *head, const void *row, const void *more)
{
    enum mu_err err;

    if (r->filling->len >= BATCH_BYTES && (err = hand_over(r)) != MU_OK)
        return err;
    size_t len = sizeof(*head) + room(head->row_len) + room(head->more_len);
    uint8_t *at = buf_reserve(r->filling, len);
    if (!at)
        return r->filling->err;
    memcpy(at, head, sizeof(*head));
    at += sizeof(*head);
    if (head->row_len)
        memcpy(at, row, head->row_len);
    if (head->more_len)
        memcpy(at + room(head->row_len), more, head->more_len);
    r->filling->len += len;
    return MU_OK;
}

static enum mu_err on_enterprise(void *ctx, const struct enterprise_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_ENTERPRISE, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_product(void *ctx, const struct product_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_PRODUCT, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_definition(void *ctx, const struct definition_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_DEFINITION, .row_len = sizeof(*row), .more_len = row->json.len },
               row, row->json.at);
}

static enum mu_err on_association(void *ctx, const struct association_row *row, bool removed)
{
    return put(ctx, &(struct row_head){ .kind = ROW_ASSOCIATION, .removed = removed, .row_len = sizeof(*row) }, row,
               NULL);
}

static enum mu_err on_app(void *ctx, const struct app_row *row, const uint32_t *products, size_t count)
{
    return put(ctx,
               &(struct row_head){ .kind = ROW_APP, .row_len = sizeof(*row), .more_len = count * sizeof(*products) },
               row, products);
}

static enum mu_err on_group(void *ctx, const struct group_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_GROUP, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_device(void *ctx, const struct device_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_DEVICE, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_user(void *ctx, const struct user_brief *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_USER, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_binding(void *ctx, const struct bound_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_BINDING, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_first_bound(void *ctx, const struct first_bound_row *row)
{
    return put(ctx, &(struct row_head){ .kind = ROW_FIRST_BOUND, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_token(void *ctx, const struct token_row *row, bool removed)
{
    return put(ctx, &(struct row_head){ .kind = ROW_TOKEN, .removed = removed, .row_len = sizeof(*row) }, row, NULL);
}

static enum mu_err on_deleted(void *ctx, enum registry_kind kind, uint32_t no)
{
    return put(ctx, &(struct row_head){ .kind = ROW_DELETED, .deleted = kind, .no = no }, NULL, NULL);
}

static enum mu_err on_state(void *ctx, uint32_t device, const struct journal_state *s)
{
    return put(ctx,
               &(struct row_head){ .kind = ROW_STATE, .no = device, .row_len = sizeof(*s), .more_len = s->image_len },
               s, s->image);
}

static enum mu_err on_versions(void *ctx, uint32_t device, const struct journal_versions *v)
{
    return put(ctx, &(struct row_head){ .kind = ROW_VERSIONS, .no = device, .row_len = sizeof(*v) }, v, NULL);
}

static enum mu_err on_active(void *ctx, int32_t day, uint32_t device)
{
    return put(ctx, &(struct row_head){ .kind = ROW_ACTIVE, .no = device, .day = day }, NULL, NULL);
}

static enum mu_err on_active_set(void *ctx, int32_t day, const void *set, size_t len)
{
    return put(ctx, &(struct row_head){ .kind = ROW_ACTIVE_SET, .day = day, .more_len = len }, NULL, set);
}

static enum mu_err on_event(void *ctx, uint32_t device, const struct journal_event *e)
{
    return put(ctx,
               &(struct row_head){ .kind = ROW_EVENT, .no = device, .row_len = sizeof(*e), .more_len = e->name.len }, e,
               e->name.at);
}

static void *read_stores(void *ctx)
{
    struct rebuild *r = ctx;
    struct registry_visitor rows = {
        .ctx = r,
        .enterprise = on_enterprise,
        .product = on_product,
        .definition = on_definition,
        .association = on_association,
        .app = on_app,
        .group = on_group,
        .device = on_device,
        .user = on_user,
        .binding = on_binding,
        .first_bound = on_first_bound,
        .token = on_token,
        .deleted = on_deleted,
    };
    struct journal_visitor told = { .ctx = r,
                                    .state = on_state,
                                    .versions = on_versions,
                                    .active = on_active,
                                    .active_set = on_active_set,
                                    .event = on_event };

    if ((r->read_err = registry_visit_all(r->reg, &rows, &r->seq)) == MU_OK)
        r->read_err = journal_visit(r->j, &told);
    pthread_mutex_lock(&r->lock);
    /* The last batch, which may be empty. After an error too, since the builder may find another error in a row before
     * it. */
    r->count++;
    r->read_all = true;
    pthread_cond_signal(&r->filled);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* --- the builder ------------------------------------------------------------------------------------ */

static enum mu_err build_row(struct rebuild *r, const struct row_head *head, void *row, const void *more)
{
    const struct registry_visitor *rows = &r->rows;
    const struct journal_visitor *told = &r->told;

    switch (head->kind) {
    case ROW_ENTERPRISE: return rows->enterprise(rows->ctx, row);
    case ROW_PRODUCT: return rows->product(rows->ctx, row);
    case ROW_DEFINITION: ((struct definition_row *)row)->json.at = more; return rows->definition(rows->ctx, row);
    case ROW_ASSOCIATION: return rows->association(rows->ctx, row, head->removed);
    case ROW_APP: return rows->app(rows->ctx, row, more, head->more_len / sizeof(uint32_t));
    case ROW_GROUP: return rows->group(rows->ctx, row);
    case ROW_DEVICE: return rows->device(rows->ctx, row);
    case ROW_USER: return rows->user(rows->ctx, row);
    case ROW_BINDING: return rows->binding(rows->ctx, row);
    case ROW_FIRST_BOUND: return rows->first_bound(rows->ctx, row);
    case ROW_TOKEN: return rows->token(rows->ctx, row, head->removed);
    case ROW_DELETED: return rows->deleted(rows->ctx, head->deleted, head->no);
    case ROW_STATE:
        if (((struct journal_state *)row)->image)
            ((struct journal_state *)row)->image = more;
        if (((struct journal_state *)row)->followed && rebuild_followed_add(r->followed, head->no) != MU_OK)
            return MU_E_NOMEM;
        return told->state(told->ctx, head->no, row);
    case ROW_VERSIONS: return told->versions(told->ctx, head->no, row);
    case ROW_ACTIVE: return told->active(told->ctx, head->day, head->no);
    case ROW_ACTIVE_SET: return told->active_set(told->ctx, head->day, more, head->more_len);
    case ROW_EVENT: ((struct journal_event *)row)->name.at = more; return told->event(told->ctx, head->no, row);
    }
    return MU_OK;
}

static enum mu_err build_batch(struct rebuild *r, const struct buf *batch)
{
    enum mu_err err = MU_OK;

    for (size_t at = 0; at < batch->len && err == MU_OK;) {
        const struct row_head *head = (void *)(batch->data + at);
        uint8_t *row = batch->data + at + sizeof(*head), *more = row + room(head->row_len);
        err = build_row(r, head, row, more);
        at = (size_t)(more - batch->data) + room(head->more_len);
        assert(at <= batch->len);
    }
    return err;
}

/* The first filled batch; NULL when all has been read. */
static const struct buf *next_batch(struct rebuild *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->count && !r->read_all)
        pthread_cond_wait(&r->filled, &r->lock);
    const struct buf *batch = r->count ? &r->batches[r->first] : NULL;
    pthread_mutex_unlock(&r->lock);
    return batch;
}

static void give_back(struct rebuild *r, enum mu_err err)
{
    pthread_mutex_lock(&r->lock);
    assert(r->count);
    buf_clear(&r->batches[r->first]);
    r->first = (r->first + 1) % BATCHES;
    r->count--;
    r->build_err = err;
    pthread_cond_signal(&r->emptied);
    pthread_mutex_unlock(&r->lock);
}

static enum mu_err build(struct rebuild *r)
{
    const struct buf *batch;
    enum mu_err err = MU_OK;

    while (err == MU_OK && (batch = next_batch(r))) {
        err = build_batch(r, batch);
        give_back(r, err);
    }
    return err;
}

/* Records of a deleted device are swept later. But records of a device that this registry never had belong to another
 * registry, which has been lost. */
static enum mu_err check_strangers(const struct fleet *f, struct registry *reg)
{
    struct registry_place place;
    enum mu_err err = registry_get_place(reg, &place);

    if (err != MU_OK || fleet_last_stranger(f) <= place.device)
        return err;
    log_event(LOG_ERROR, "registry_behind",
              "device=%u given=%u hint=\"the journal knows a device that the registry "
              "has never had: put the registry back that belongs to it\"",
              fleet_last_stranger(f), place.device);
    return MU_E_CORRUPT;
}

enum mu_err rebuild_fleet(struct fleet *f, struct registry *reg, struct journal *j, uint64_t *seq,
                          struct followed *followed)
{
    struct rebuild r = { .f = f,
                         .reg = reg,
                         .j = j,
                         .rows = fleet_loading_visitor(f),
                         .told = fleet_journal_visitor(f),
                         .followed = followed,
                         .filling = r.batches };
    pthread_t reader;
    uint32_t devices;
    enum mu_err err;

    if ((err = registry_count_devices(reg, &devices)) != MU_OK || (err = fleet_devices_expect(f, devices)) != MU_OK)
        return err;
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.filled, NULL);
    pthread_cond_init(&r.emptied, NULL);
    for (int i = 0; i < BATCHES; i++)
        buf_init(&r.batches[i], ROW_MAX);
    if (pthread_create(&reader, NULL, read_stores, &r) != 0) {
        err = MU_E_NOMEM;
        goto out;
    }
    err = build(&r);
    pthread_join(reader, NULL);
    if (err == MU_OK)
        err = r.read_err;
    if (err == MU_OK)
        err = check_strangers(f, reg);
    if (err == MU_OK) {
        if (journal_is_shared(j))
            fleet_forget_newcomers(f);
        fleet_forget_strangers(f);
        *seq = r.seq;
    }
out:
    for (int i = 0; i < BATCHES; i++)
        buf_free(&r.batches[i]);
    malloc_trim(0); /* memory that reading took goes back to the kernel */
    pthread_cond_destroy(&r.emptied);
    pthread_cond_destroy(&r.filled);
    pthread_mutex_destroy(&r.lock);
    return err;
}

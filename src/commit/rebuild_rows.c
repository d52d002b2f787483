#include "commit/rebuild_rows.h"

#include <assert.h>

/* Rows as they lie in a batch: writing them, and reading them again. */

enum { BATCH_BYTES = 256 * 1024 };

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

/* --- writing ---------------------------------------------------------------------------------------- */

static enum mu_err put(struct rebuild_writer *w, const struct row_head *head, const void *row, const void *more)
{
    enum mu_err err;

    if (w->to->len >= BATCH_BYTES && (err = w->hand_over(w)) != MU_OK)
        return err;
    size_t len = sizeof(*head) + room(head->row_len) + room(head->more_len);
    uint8_t *at = buf_reserve(w->to, len);
    if (!at)
        return w->to->err;
    memcpy(at, head, sizeof(*head));
    at += sizeof(*head);
    if (row)
        memcpy(at, row, head->row_len);
    if (more)
        memcpy(at + room(head->row_len), more, head->more_len);
    w->to->len += len;
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

struct registry_visitor rebuild_registry_writer(struct rebuild_writer *w)
{
    return (struct registry_visitor){
        .ctx = w,
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
}

struct journal_visitor rebuild_journal_writer(struct rebuild_writer *w)
{
    return (struct journal_visitor){ .ctx = w,
                                     .state = on_state,
                                     .versions = on_versions,
                                     .active = on_active,
                                     .active_set = on_active_set,
                                     .event = on_event };
}

/* --- reading ---------------------------------------------------------------------------------------- */

static enum mu_err read_row(const struct rebuild_reader *r, const struct row_head *head, void *row, const void *more)
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

enum mu_err rebuild_read(const struct rebuild_reader *r, const struct buf *batch)
{
    enum mu_err err = MU_OK;

    for (size_t at = 0; at < batch->len && err == MU_OK;) {
        const struct row_head *head = (void *)(batch->data + at);
        uint8_t *row = batch->data + at + sizeof(*head), *more = row + room(head->row_len);
        err = read_row(r, head, row, more);
        at = (size_t)(more - batch->data) + room(head->more_len);
        assert(at <= batch->len);
    }
    return err;
}

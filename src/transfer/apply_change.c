/* Counts what entries have changed, and enters it in the audit log. */
#include <assert.h>

#include "transfer/apply_entry.h"

/* number_of reads a row's number without knowing its kind. */
#define BEGINS_WITH_NUMBER(row) _Static_assert(offsetof(struct row, no) == 0, #row " begins with its number")
BEGINS_WITH_NUMBER(enterprise_row);
BEGINS_WITH_NUMBER(product_row);
BEGINS_WITH_NUMBER(app_row);
BEGINS_WITH_NUMBER(user_row);
BEGINS_WITH_NUMBER(device_row);
BEGINS_WITH_NUMBER(group_row);

static void write_field(const struct apply_field *f, const void *value, struct buf *out)
{
    unsigned word;

    buf_printf(out, "%s%s", out->len ? " " : "", f->name);
    if (f->type == APPLY_BOOL)
        buf_printf(out, "=%s", *(const bool *)value ? "true" : "false");
    if (f->type == APPLY_COUNT)
        buf_printf(out, "=%u", *(const uint32_t *)value);
    if (f->type == APPLY_WORD) {
        memcpy(&word, value, sizeof(word));
        buf_printf(out, "=%s", f->words[word]);
    }
}

static uint32_t number_of(const void *row)
{
    uint32_t no;

    memcpy(&no, row, sizeof(no));
    return no;
}

bool apply_differs(const struct apply_change *c)
{
    assert(c->before != c->row && c->size > sizeof(uint32_t));
    return number_of(c->before) == 0 || memcmp(c->before, c->row, c->size) != 0;
}

static enum mu_err audit(const struct apply_entry *e, const struct apply_change *c, bool created)
{
    struct buf change;

    if (e->apply->rows && created)
        return MU_OK;
    buf_init(&change, 1024);
    for (size_t i = 0; i < c->field_count && !created; i++) {
        const struct apply_field *f = &c->fields[i];
        const char *now = (const char *)c->row + f->offset;
        if (f->size && memcmp((const char *)c->before + f->offset, now, f->size) != 0)
            write_field(f, now, &change);
    }
    if (c->more)
        buf_printf(&change, "%s%s", change.len ? " " : "", c->more);
    enum mu_err err = change.err;
    if (err == MU_OK)
        err = tx_audit(e->apply->tx, created ? "create" : "update", c->kind, c->id, "%.*s", (int)change.len,
                       change.len ? (const char *)change.data : "");
    buf_free(&change);
    return err;
}

enum mu_err apply_count(const struct apply_entry *e, const struct apply_change *c)
{
    bool created = number_of(c->before) == 0;

    assert(number_of(c->row) && (created || number_of(c->row) == number_of(c->before)));
    if (!c->more && !apply_differs(c)) {
        e->tally->unchanged++;
        return MU_OK;
    }
    *(created ? &e->tally->created : &e->tally->updated) += 1;
    return audit(e, c, created);
}

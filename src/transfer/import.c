/* An import: rows of one kind, in one transaction for each batch. A row with a mistake is left out and reported. */
#include "transfer/import.h"

#include <assert.h>
#include <stdlib.h>

#include "transfer/apply_entry.h"
#include "transfer/import_ahead.h"

const char *const import_kind_words[] = { "users", "devices", "groups", "bindings", NULL };

enum import_kind import_kind_of(const char *word)
{
    unsigned i = 0;

    while (strcmp(word, import_kind_words[i]) != 0) {
        i++;
        assert(import_kind_words[i]);
    }
    return (enum import_kind)i;
}

static const struct kind {
    enum mu_err (*apply)(const struct apply_entry *e);
    const struct apply_field_list *fields, *told;
    enum registry_kind audited;
} kinds[] = {
    [IMPORT_USERS] = { apply_user, &apply_user_fields, NULL, KIND_USER },
    [IMPORT_DEVICES] = { apply_device, &apply_device_fields, &apply_told_fields, KIND_DEVICE },
    [IMPORT_GROUPS] = { apply_group, &apply_group_fields, NULL, KIND_GROUP },
    [IMPORT_BINDINGS] = { apply_binding, &apply_binding_fields, NULL, KIND_USER },
};

/* --- columns --------------------------------------------------------------------------------------*/

static enum import_cell cell_of(const struct apply_field *f)
{
    switch (f->type) {
    case APPLY_OWN: return f->cell;
    case APPLY_BOOL: return CELL_BOOL;
    case APPLY_COUNT:
    case APPLY_TIME: return CELL_NUMBER;
    case APPLY_TEXT:
    case APPLY_CODE:
    case APPLY_WORD: break;
    }
    return CELL_TEXT;
}

bool import_column(enum import_kind kind, size_t i, struct import_column *out)
{
    const struct apply_field_list *list = kinds[kind].fields;

    assert((size_t)kind < sizeof(kinds) / sizeof(*kinds) && list);
    if (i >= list->count && kinds[kind].told) {
        i -= list->count;
        list = kinds[kind].told;
    }
    if (i >= list->count)
        return false;
    *out = (struct import_column){ list->at[i].name, cell_of(&list->at[i]) };
    return true;
}

/* --- rows -----------------------------------------------------------------------------------------*/

struct import_run {
    struct import_batch *batch;
    struct import_ahead *ahead;
    struct apply apply;
};

static bool tells(const struct import_told *told)
{
    bool any = told->activated_at || told->online_latest || told->last_report || told->day_count;

    for (int i = 0; i < TOLD_VERSIONS; i++)
        any |= told->versions[i][0] != '\0';
    return any;
}

static void keep_outcome(struct import_batch *batch, const struct apply *a)
{
    assert(!a->told || a->no); /* an accepted device has its number */
    if (a->no)
        buf_append(&batch->numbers, &a->no, sizeof(a->no));
    if (a->told && tells(a->told)) {
        a->told->device = a->no;
        buf_append(&batch->told, a->told, sizeof(*a->told));
    }
}

static enum mu_err apply_row(struct import_run *run, size_t line, struct apply_tally *tally)
{
    const struct kind *kind = &kinds[run->batch->kind];
    struct apply *a = &run->apply;
    struct import_told told = { 0 };
    unsigned mistakes = a->mistakes;
    enum mu_err err;

    a->no = 0;
    a->told = kind->told ? &told : NULL;
    err = kind->apply(&(struct apply_entry){ .apply = a, .index = line, .tally = tally });
    if (err == MU_OK && a->mistakes == mistakes)
        keep_outcome(run->batch, a);
    run->batch->refused += a->mistakes != mistakes;
    return err;
}

static enum mu_err audit(const struct import_run *run, unsigned created)
{
    enum import_kind kind = run->batch->kind;

    if (!created)
        return MU_OK;
    return tx_audit_count(run->apply.tx, &run->batch->entry, "import", kinds[kind].audited, import_kind_words[kind],
                          created);
}

static enum mu_err apply_rows(struct registry_tx *tx, void *arg)
{
    struct import_run *run = arg;
    struct import_batch *batch = run->batch;
    struct str rest = batch->rows;
    struct apply_tally tally = { 0 };
    enum mu_err err = MU_OK;

    run->apply.tx = tx;
    for (size_t line; rest.len && err == MU_OK;) {
        if ((err = import_look_ahead(run->ahead, &run->apply, rest)) == MU_OK &&
            (err = values_row_take(&rest, &line, &run->apply.values)) == MU_OK)
            err = apply_row(run, line, &tally);
    }
    tx_end_ahead(tx);
    batch->created = tally.created;
    batch->updated = tally.updated;
    batch->unchanged = tally.unchanged;
    if (err != MU_OK || (err = audit(run, tally.created)) != MU_OK)
        return err;
    if (batch->numbers.err != MU_OK || batch->told.err != MU_OK || batch->days.err != MU_OK ||
        run->apply.styled.err != MU_OK)
        return MU_E_NOMEM;
    return batch->report->err;
}

/* Copies the bits, since the copy will grow. */
static enum mu_err begin_seen(struct apply_seen *seen, struct str bits)
{
    if (!bits.len)
        return MU_OK;
    if (!(seen->bits = malloc(bits.len)))
        return MU_E_NOMEM;
    memcpy(seen->bits, bits.at, bits.len);
    seen->size = (uint32_t)bits.len;
    return MU_OK;
}

enum mu_err import_rows(struct registry *reg, const struct audit_by *by, struct import_batch *batch)
{
    struct import_run run = { .batch = batch,
                              .ahead = import_ahead_new(batch->kind),
                              .apply = { .rows = true,
                                         .now_s = batch->now_s,
                                         .mac_lower = batch->mac_lower,
                                         .report = batch->report,
                                         .days = &batch->days } };
    size_t start = batch->report->len;
    enum mu_err err;

    assert((size_t)batch->kind < sizeof(kinds) / sizeof(*kinds));
    batch->created = batch->updated = batch->unchanged = batch->refused = 0;
    buf_init(&run.apply.generated, batch->report->max);
    buf_init(&batch->numbers, batch->report->max);
    buf_init(&batch->told, batch->report->max);
    buf_init(&batch->days, batch->report->max);
    buf_init(&run.apply.styled, batch->report->max);
    err = run.ahead ? begin_seen(&run.apply.seen, batch->seen) : MU_E_NOMEM;
    if (err == MU_OK)
        err = registry_write_by(reg, by, apply_rows, &run);
    if (err != MU_OK)
        batch->report->len = start;
    batch->styled = run.apply.styled;
    import_ahead_free(run.ahead);
    free(run.apply.seen.bits);
    values_free(&run.apply.values);
    buf_free(&run.apply.generated);
    return err;
}

void import_batch_free(struct import_batch *batch)
{
    buf_free(&batch->numbers);
    buf_free(&batch->told);
    buf_free(&batch->days);
    buf_free(&batch->styled);
}

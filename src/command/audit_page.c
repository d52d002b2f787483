#include "command/audit_page.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A page of the audit log: reads the two sides, filters them, and merges them by time (audit_page.h). */

enum { PAGE_ROWS = 500, PAGE_LOOKED_AT = 50000, SIDE_MAX = 8 * 1024 * 1024 };

/* One side of the page (changes or controls): the rows that pass the filter, already written as text. */
struct side {
    const struct stores *stores;
    const struct audit_filter *filter;
    struct {
        struct audit_place place;
        size_t end;
    } rows[PAGE_ROWS];
    size_t count, looked_at;
    struct audit_place seen; /* the last row that was read */
    bool end;                /* the log has no more rows on this side */
    struct buf text;
};

/* Whether one of the words of change is "name=ID", with any name. */
static bool names(struct str change, struct str id)
{
    for (size_t i = 1; i + id.len <= change.len; i++) {
        size_t end = i + id.len;
        if (change.at[i - 1] == '=' && memcmp(change.at + i, id.at, id.len) == 0 &&
            (end == change.len || change.at[end] == ' '))
            return true;
    }
    return false;
}

static bool is_wanted(const struct audit_filter *f, const struct audit_row *row)
{
    return (!f->enterprise_id.len || str_eq(f->enterprise_id, row->enterprise_id)) &&
           (!f->kind.len || str_eq(f->kind, row->kind)) &&
           (!f->id.len || str_eq(f->id, row->id) || names(row->change, f->id));
}

/* --- the rows of a side --------------------------------------------------------------------------- */

/* MU_E_LIMIT: the page is full; the next page reads this row again. */
static enum mu_err add_row(struct side *side, const struct audit_row *row, uint32_t error)
{
    if (side->count == PAGE_ROWS || side->looked_at == PAGE_LOOKED_AT)
        return MU_E_LIMIT;
    side->looked_at++;
    side->seen = row->place;
    if (!is_wanted(side->filter, row))
        return MU_OK;
    audit_row_write(&side->text, side->filter->layout, side->stores->calendar, row, error);
    side->rows[side->count].place = row->place;
    side->rows[side->count++].end = side->text.len;
    return side->text.err;
}

/* --- the two sides --------------------------------------------------------------------------------- */

static enum mu_err on_change(void *ctx, const struct audit_row *row)
{
    return add_row(ctx, row, 0);
}

static enum mu_err on_control(void *ctx, const struct journal_control *c)
{
    char change[2 * JOURNAL_CONTROL_FRAME + 100] = "", frame[2 * JOURNAL_CONTROL_FRAME + 1] = "";
    size_t kept = c->frame_len < JOURNAL_CONTROL_FRAME ? c->frame_len : JOURNAL_CONTROL_FRAME;
    struct audit_row row = {
        .place = { .at_us = c->ts_us, .no = c->request },
        .enterprise_id = c->enterprise_id,
        .request = c->request,
        .user = STR(""),
        .command = STR("api"),
        .action = STR("control"),
        .kind = STR("device"),
        .id = c->did,
    };

    if (kept) {
        hex_encode(c->frame, kept, frame);
        snprintf(change, sizeof(change), "bytes=%zu frame=%s", c->frame_len, frame);
    }
    if (c->last)
        snprintf(change + strlen(change), sizeof(change) - strlen(change), "%sfurther_refusals_this_hour=not_kept",
                 *change ? " " : "");
    row.change = str_of(change);
    return add_row(ctx, &row, c->error);
}

static enum mu_err ended(struct side *side, enum mu_err err)
{
    side->end = err == MU_OK;
    return err == MU_E_LIMIT && side->text.err == MU_OK ? MU_OK : err;
}

static enum mu_err read_sides(struct side *changes, struct side *controls)
{
    const struct stores *s = changes->stores;
    int64_t before_us = changes->filter->before_us;
    enum mu_err err = ended(changes, registry_visit_audit(s->registry, changes->seen, before_us, on_change, changes));
    return err != MU_OK ? err
                        : ended(controls, journal_controls(s->journal, controls->seen.at_us, controls->seen.no,
                                                           before_us, on_control, controls));
}

/* --- merging --------------------------------------------------------------------------------------- */

/* The moment up to which this side is complete. */
static int64_t known_until(const struct side *side, size_t at)
{
    return at < side->count ? side->rows[at].place.at_us : side->end ? INT64_MAX : side->seen.at_us;
}

static void take(const struct side *side, size_t at, struct audit_place *place, struct buf *out)
{
    size_t from = at ? side->rows[at - 1].end : 0;

    assert(at < side->count && side->count <= PAGE_ROWS);
    assert(from <= side->rows[at].end && side->rows[at].end <= side->text.len);
    buf_append(out, side->text.data + from, side->rows[at].end - from);
    *place = side->rows[at].place;
}

static void merge(const struct side *changes, const struct side *controls, struct audit_cursor *cursor, struct buf *out,
                  bool *end)
{
    size_t a = 0, b = 0;

    for (;;) {
        if (a < changes->count && known_until(changes, a) <= known_until(controls, b))
            take(changes, a++, &cursor->changes, out);
        else if (b < controls->count && known_until(controls, b) <= known_until(changes, a))
            take(controls, b++, &cursor->controls, out);
        else
            break;
    }
    /* The next page does not read rows again, unless some of them were not written yet. */
    if (a == changes->count)
        cursor->changes = changes->seen;
    if (b == controls->count)
        cursor->controls = controls->seen;
    *end = changes->end && controls->end && a == changes->count && b == controls->count;
}

static struct side *side_new(const struct stores *s, const struct audit_filter *filter, struct audit_place after)
{
    struct side *side = calloc(1, sizeof(*side));

    if (!side)
        return NULL;
    side->stores = s;
    side->filter = filter;
    side->seen = after;
    buf_init(&side->text, SIDE_MAX);
    return side;
}

static void side_free(struct side *side)
{
    if (side)
        buf_free(&side->text);
    free(side);
}

enum mu_err audit_page(const struct stores *s, const struct audit_filter *filter, struct audit_cursor *cursor,
                       struct buf *out, bool *end)
{
    struct side *changes = side_new(s, filter, cursor->changes);
    struct side *controls = side_new(s, filter, cursor->controls);
    enum mu_err err = changes && controls ? read_sides(changes, controls) : MU_E_NOMEM;

    if (err == MU_OK)
        merge(changes, controls, cursor, out, end);
    side_free(changes);
    side_free(controls);
    return err == MU_OK ? out->err : err;
}

/* Checks whether a definition changes the layout of reports while there are devices whose firmware sends the old
 * layout. */
#include "transfer/apply_entry.h"

#include <inttypes.h>

#include "model/datapoint_moved.h"

enum {
    TOLD_MOST = 10, /* how many points are named; definitions have up to 130 */
    TOLD_BYTES = 16 * 1024
};

static enum mu_err tell(const struct apply_entry *e, const struct product_row *row, uint64_t devices, size_t count,
                        const struct buf *moved)
{
    struct apply *a = e->apply;
    char more[40] = "";

    if (count > TOLD_MOST)
        snprintf(more, sizeof(more), "; and %zu more", count - TOLD_MOST);
    if (a->force)
        buf_printf(&a->warnings,
                   "product %s: the layout of reports has changed, and it has %" PRIu64 " device%s: "
                   "%.*s%s\n",
                   row->product_key, devices, devices == 1 ? "" : "s", (int)moved->len, moved->data, more);
    else
        apply_mistake(e, "datapoint",
                      "changes the layout of reports, and the product has %" PRIu64 " device%s: "
                      "%.*s%s; what firmware of the old layout reports would be decoded wrongly or not at all "
                      "(--force takes it)",
                      devices, devices == 1 ? "" : "s", (int)moved->len, moved->data, more);
    return moved->err;
}

/* The plan of the definition in force. NULL: this version cannot read it, so nothing is lost. */
static struct datapoint_plan *plan_in_force(const struct apply_entry *e, const struct product_row *row,
                                            enum mu_err *err)
{
    struct datapoint_plan *plan = NULL;
    struct buf text;
    char why[200];

    buf_init(&text, LIMIT_DEFINITION);
    *err = tx_definition(e->apply->tx, row->no, row->definition, &text);
    json_t *json = *err == MU_OK ? json_loadb((const char *)text.data, text.len, 0, NULL) : NULL;
    if (json && datapoint_plan_compile(json, &plan, why, sizeof(why)) == MU_E_NOMEM)
        *err = MU_E_NOMEM;
    json_decref(json);
    buf_free(&text);
    return plan;
}

enum mu_err apply_layout(const struct apply_entry *e, const struct product_row *row, const struct datapoint_plan *after)
{
    struct registry_uses uses;
    struct buf moved;
    enum mu_err err;

    if (!row->definition)
        return MU_OK;
    struct datapoint_plan *before = plan_in_force(e, row, &err);
    buf_init(&moved, TOLD_BYTES);
    size_t count = before ? datapoint_moved(before, after, TOLD_MOST, &moved) : 0;
    if (err == MU_OK && count && (err = tx_uses(e->apply->tx, KIND_PRODUCT, row->no, &uses)) == MU_OK && uses.devices)
        err = tell(e, row, uses.devices, count, &moved);
    buf_free(&moved);
    datapoint_plan_free(before);
    return err;
}

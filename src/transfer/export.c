/* An export: pages of rows in the form that an import reads, so that another directory can import them. */
#include "transfer/export.h"

#include <assert.h>
#include <stdlib.h>

#include "transfer/apply_entry.h"
#include "registry/export_rows.h"

struct export_run {
    struct export_page *page;
    struct registry_tx *tx;
    struct json_out j;
    struct product_row product; /* the last one */
    struct group_row group;     /* the last product written; most rows have the same one */
    uint32_t app;
    char appid[ID_HEX_LEN + 1];
};

/* --- fields ---------------------------------------------------------------------------------------*/

static void write_text(struct json_out *j, const char *key, const char *text)
{
    if (!*text)
        return;
    json_put_text(j, key, text);
}

void export_fields(struct json_out *j, const struct apply_field_list *list, const void *row)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct apply_field *f = &list->at[i];
        const char *at = (const char *)row + f->offset;
        unsigned word;

        switch (f->type) {
        case APPLY_TEXT:
        case APPLY_CODE: write_text(j, f->name, at); break;
        case APPLY_BOOL: json_put_bool(j, f->name, *(const bool *)at); break;
        case APPLY_TIME: json_put_int(j, f->name, *(const int64_t *)(const void *)at); break;
        case APPLY_WORD:
            assert(f->words && f->size == sizeof(word));
            memcpy(&word, at, sizeof(word));
            write_text(j, f->name, f->words[word]);
            break;
        case APPLY_COUNT: json_put_int(j, f->name, *(const uint32_t *)(const void *)at); break;
        case APPLY_OWN: break;
        }
    }
}

static enum mu_err write_product(struct export_run *run, uint32_t product)
{
    enum mu_err err = run->product.no == product ? MU_OK : tx_product_by_no(run->tx, product, &run->product);

    if (err == MU_OK)
        write_text(&run->j, "product_key", run->product.product_key);
    return err;
}

static enum mu_err write_group(struct export_run *run, const char *key, uint32_t no)
{
    enum mu_err err = no && run->group.no != no ? tx_group_by_no(run->tx, no, &run->group) : MU_OK;

    if (no && err == MU_OK)
        write_text(&run->j, key, run->group.gid);
    return err;
}

static void end_row(struct export_run *run)
{
    json_object_end(&run->j);
    buf_append_u8(run->page->rows, '\n');
    run->j.need_comma = false;
}

/* --- kinds ----------------------------------------------------------------------------------------*/

static enum mu_err write_user(struct export_run *run, uint32_t no)
{
    struct user_row row;
    enum mu_err err = tx_user_by_no(run->tx, no, &row);

    if (err != MU_OK)
        return err;
    if (run->app != row.app && (err = tx_appid(run->tx, row.app, run->appid)) != MU_OK)
        return err;
    run->app = row.app;
    write_text(&run->j, "uid", row.uid);
    write_text(&run->j, "appid", run->appid);
    if (*row.auth_src)
        json_put_raw(&run->j, "auth_src", str_of(row.auth_src));
    export_fields(&run->j, &apply_user_fields, &row);
    return MU_OK;
}

static enum mu_err write_device(struct export_run *run, uint32_t no)
{
    struct json_out *j = &run->j;
    struct device_row row;
    enum mu_err err = tx_device_by_no(run->tx, no, &row);

    if (err != MU_OK || (err = write_product(run, row.product)) != MU_OK)
        return err;
    write_text(j, "mac", row.mac);
    write_text(j, "did", row.did);
    write_text(j, "passcode", row.passcode);
    export_fields(j, &apply_device_fields, &row);
    if (row.has_coordinates) {
        json_put_double(j, "longitude", row.longitude);
        json_put_double(j, "latitude", row.latitude);
    }
    if (row.place_source == PLACE_LOCATED)
        json_put_bool(j, "is_located", true);
    if (run->page->tell)
        run->page->tell(run->page->ctx, no, j);
    return write_group(run, "gid", row.group);
}

static enum mu_err write_group_row(struct export_run *run, uint32_t no)
{
    struct group_row row;
    enum mu_err err = tx_group_by_no(run->tx, no, &row);

    if (err != MU_OK || (err = write_product(run, row.product)) != MU_OK)
        return err;
    write_text(&run->j, "gid", row.gid);
    return write_group(run, "parent_gid", row.parent);
}

static enum mu_err write_binding(void *ctx, const struct export_binding *b)
{
    struct export_run *run = ctx;
    struct json_out *j = &run->j;

    json_object_begin(j);
    write_text(j, "uid", b->uid);
    write_text(j, "appid", b->appid);
    write_text(j, "product_key", b->product_key);
    write_text(j, "mac", b->mac);
    write_text(j, "did", b->did);
    if (*b->did) {
        json_put_int(j, "since", b->since);
        if (b->ended)
            json_put_int(j, "until", b->until);
        json_put_bool(j, "is_owner", b->is_owner);
    } else {
        json_put_int(j, "first_bound", b->since);
    }
    end_row(run);
    return MU_OK;
}

/* --- pages ----------------------------------------------------------------------------------------*/

static enum mu_err numbered_page(struct export_run *run, enum registry_kind kind,
                                 enum mu_err (*write)(struct export_run *run, uint32_t no))
{
    struct export_page *page = run->page;
    uint32_t *numbers;
    size_t count;
    enum mu_err err = tx_export_numbers(
        run->tx, kind, &(struct export_slice){ page->product, (uint32_t)page->after, page->limit }, &numbers, &count);

    for (size_t i = 0; i < count && err == MU_OK; i++) {
        json_object_begin(&run->j);
        if ((err = tx_ahead(run->tx, kind, numbers, count, i)) == MU_OK)
            err = write(run, numbers[i]);
        end_row(run);
    }
    if (err == MU_OK && kind != KIND_GROUP && count == page->limit)
        page->next = numbers[count - 1];
    free(numbers);
    return err;
}

/* First the pages of bindings, then those of first bindings that no binding row tells any more. */
static enum mu_err bindings_page(struct export_run *run)
{
    static const uint64_t first_bounds = 1ull << 32;
    struct export_page *page = run->page;
    bool second = page->after >= first_bounds;
    const struct export_slice slice = { page->product, (uint32_t)(page->after % first_bounds), page->limit };
    uint32_t last = 0;
    enum mu_err err = (second ? tx_export_first_bound : tx_export_bindings)(run->tx, &slice, write_binding, run, &last);

    page->next = second ? (last ? first_bounds + last : 0) : last ? last : first_bounds;
    return err;
}

static enum mu_err write_page(struct registry_tx *tx, void *arg)
{
    struct export_run *run = arg;
    enum mu_err err = MU_OK;

    run->tx = tx;
    switch (run->page->kind) {
    case IMPORT_USERS: err = numbered_page(run, KIND_USER, write_user); break;
    case IMPORT_DEVICES: err = numbered_page(run, KIND_DEVICE, write_device); break;
    case IMPORT_GROUPS: err = numbered_page(run, KIND_GROUP, write_group_row); break;
    case IMPORT_BINDINGS: err = bindings_page(run); break;
    }
    return err == MU_OK ? run->page->rows->err : err;
}

enum mu_err export_rows(struct registry *reg, struct export_page *page)
{
    assert(page->limit > 0);
    page->next = 0;
    return registry_read(reg, write_page, &(struct export_run){ .page = page, .j = json_out_to(page->rows) });
}

/* Lists what is configured, page by page. */
#include <assert.h>
#include <stdlib.h>

#include "transfer/apply_entry.h"
#include "transfer/config_private.h"
#include "registry/export_rows.h"

void config_heading(enum registry_kind kind, struct buf *out)
{
    if (kind == KIND_ENTERPRISE)
        buf_printf(out, "%-32s  %8s  %10s  %8s  %s\n", "ENTERPRISE_ID", "PRODUCTS", "QUOTA", "NETWORKS", "NAME");
    else if (kind == KIND_PRODUCT)
        buf_printf(out, "%-32s  %-32s  %10s  %-12s  %-7s  %10s  %s\n", "PRODUCT_KEY", "ENTERPRISE_ID", "DEVICES",
                   "REGISTRATION", "REMOTE", "DEFINITION", "NAME");
    else
        buf_printf(out, "%-32s  %-32s  %8s  %10s  %s\n", "APPID", "ENTERPRISE_ID", "PRODUCTS", "USERS", "NAME");
}

/* The enterprise's id; "": none. */
static enum mu_err read_owner(struct config_run *run, uint32_t enterprise, char id[ID_HEX_LEN + 1])
{
    struct enterprise_row row;
    enum mu_err err;

    *id = '\0';
    if (!enterprise)
        return MU_OK;
    if ((err = tx_enterprise_by_no(run->tx, enterprise, &row)) == MU_OK)
        strcpy(id, row.enterprise_id);
    return err;
}

static enum mu_err list_enterprise(struct config_run *run, uint32_t no)
{
    struct registry_uses uses;
    struct enterprise_row row;
    enum mu_err err;

    if ((err = tx_enterprise_by_no(run->tx, no, &row)) != MU_OK ||
        (err = tx_uses(run->tx, KIND_ENTERPRISE, no, &uses)) != MU_OK)
        return err;
    if (run->page->json)
        return config_write_enterprise(run, &row);
    buf_printf(run->out, "%-32s  %8llu  %10u  %8u  %s", row.enterprise_id, (unsigned long long)uses.products,
               row.hourly_quota, row.ip_allow_count, row.name);
    return MU_OK;
}

static enum mu_err list_product(struct config_run *run, uint32_t no)
{
    char owner[ID_HEX_LEN + 1];
    struct registry_uses uses;
    struct product_row row;
    uint32_t enterprise;
    enum mu_err err;

    if ((err = tx_product_by_no(run->tx, no, &row)) != MU_OK ||
        (err = tx_uses(run->tx, KIND_PRODUCT, no, &uses)) != MU_OK ||
        (err = tx_product_enterprise(run->tx, no, &enterprise)) != MU_OK ||
        (err = read_owner(run, enterprise, owner)) != MU_OK)
        return err;
    if (!run->page->json) {
        buf_printf(run->out, "%-32s  %-32s  %10llu  %-12s  %-7s  %10u  %s", row.product_key, *owner ? owner : "-",
                   (unsigned long long)uses.devices, registration_words[row.registration],
                   row.remote_control ? "yes" : "no", row.definition, row.name);
        return MU_OK;
    }
    err = config_write_product(run, &row);
    json_put_text_or_null(&run->j, "enterprise_id", owner);
    json_put_count(&run->j, "devices", uses.devices);
    json_put_int(&run->j, "definition", row.definition);
    return err;
}

static enum mu_err list_app(struct config_run *run, uint32_t no)
{
    char owner[ID_HEX_LEN + 1];
    struct registry_uses uses;
    struct app_row row;
    uint32_t *products = NULL;
    size_t count = 0;
    enum mu_err err;

    if ((err = tx_appid(run->tx, no, row.appid)) != MU_OK || (err = tx_app_by_id(run->tx, row.appid, &row)) != MU_OK ||
        (err = tx_uses(run->tx, KIND_APP, no, &uses)) != MU_OK ||
        (err = read_owner(run, row.enterprise, owner)) != MU_OK)
        return err;
    if (run->page->json) {
        err = config_write_app(run, &row);
        json_put_text_or_null(&run->j, "enterprise_id", owner);
        json_put_count(&run->j, "users", uses.users);
        return err;
    }
    if ((err = tx_app_products(run->tx, no, &products, &count)) == MU_OK)
        buf_printf(run->out, "%-32s  %-32s  %8zu  %10llu  %s", row.appid, *owner ? owner : "-", count,
                   (unsigned long long)uses.users, row.name);
    free(products);
    return err;
}

static enum mu_err list_one(struct config_run *run, uint32_t no)
{
    enum registry_kind kind = run->page->kind;
    size_t start = run->out->len;
    enum mu_err err;

    if (run->page->json)
        json_object_begin(&run->j);
    err = (kind == KIND_ENTERPRISE ? list_enterprise : kind == KIND_PRODUCT ? list_product : list_app)(run, no);
    if (run->page->json)
        json_object_end(&run->j);
    else
        buf_make_plain(run->out, start);
    buf_append_u8(run->out, '\n');
    run->j.need_comma = false;
    return err;
}

static enum mu_err list_page(struct registry_tx *tx, void *arg)
{
    struct config_run *run = arg;
    struct config_page *page = run->page;
    uint32_t *numbers;
    size_t count;
    const struct export_slice slice = { .after = page->after, .limit = page->limit };

    assert(page->kind <= KIND_APP);
    enum mu_err err = tx_export_numbers(tx, page->kind, &slice, &numbers, &count);

    run->tx = tx;
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = list_one(run, numbers[i]);
    page->next = err == MU_OK && count == page->limit ? numbers[count - 1] : 0;
    free(numbers);
    return err == MU_OK ? run->out->err : err;
}

enum mu_err config_list(struct registry *reg, struct config_page *page)
{
    struct config_run run = { .out = page->rows, .j = json_out_to(page->rows), .page = page };

    return registry_read(reg, list_page, &run);
}

/* Writes what is configured as entries of an apply file. */
#include <stdlib.h>

#include "transfer/apply_entry.h"
#include "transfer/config_private.h"
#include "transfer/definition_text.h"
#include "registry/export_rows.h"

/* --- entries of an apply file ---------------------------------------------------------------------*/

/* An empty name is written as null: if the field were absent, apply would keep the present name. */
static void write_name(struct json_out *j, const char *name)
{
    if (*name)
        return; /* export_fields writes it */
    json_put_null(j, "name");
}

static enum mu_err write_product_keys(struct config_run *run, const uint32_t *products, size_t count)
{
    struct product_row row;
    enum mu_err err = MU_OK;

    json_put_array(&run->j, "product_keys");
    for (size_t i = 0; i < count && err == MU_OK; i++) {
        if ((err = tx_product_by_no(run->tx, products[i], &row)) == MU_OK)
            json_text(&run->j, row.product_key);
    }
    json_array_end(&run->j);
    return err;
}

enum mu_err config_write_enterprise(struct config_run *run, const struct enterprise_row *row)
{
    struct json_out *j = &run->j;
    char net[CIDR_TEXT_SIZE];
    uint32_t *products;
    size_t count;

    json_put_text(j, "enterprise_id", row->enterprise_id);
    write_name(j, row->name);
    export_fields(j, &apply_enterprise_fields, row);
    json_put_array(j, "ip_allow");
    for (uint32_t i = 0; i < row->ip_allow_count; i++) {
        cidr_text(&row->ip_allow[i], net);
        json_text(j, net);
    }
    json_array_end(j);
    enum mu_err err = tx_enterprise_products(run->tx, row->no, &products, &count);
    if (err == MU_OK)
        err = write_product_keys(run, products, count);
    free(products);
    return err;
}

static enum mu_err write_definition(struct config_run *run, const struct product_row *row)
{
    struct buf text;
    enum mu_err err = MU_OK;

    json_key(&run->j, "datapoint");
    if (!row->definition) {
        json_no_value(&run->j);
        return MU_OK;
    }
    buf_init(&text, LIMIT_DEFINITION);
    if ((err = tx_definition(run->tx, row->no, row->definition, &text)) == MU_OK) {
        /* The product may have been renamed since the definition was applied. */
        json_object_begin(&run->j);
        json_put_text(&run->j, "name", row->name);
        struct str rest = definition_text_behind_name((struct str){ (const char *)text.data, text.len });
        buf_append(run->out, rest.at, rest.len); /* up to the end of the object */
        run->j.need_comma = true;
    }
    buf_free(&text);
    return err;
}

enum mu_err config_write_product(struct config_run *run, const struct product_row *row)
{
    struct json_out *j = &run->j;

    json_put_text(j, "product_key", row->product_key);
    if (run->secrets)
        json_put_text(j, "product_secret", row->product_secret);
    write_name(j, row->name);
    export_fields(j, &apply_product_fields, row);
    return run->page ? MU_OK : write_definition(run, row);
}

enum mu_err config_write_app(struct config_run *run, const struct app_row *row)
{
    uint32_t *products;
    size_t count;

    json_put_text(&run->j, "appid", row->appid);
    write_name(&run->j, row->name);
    export_fields(&run->j, &apply_app_fields, row);
    enum mu_err err = tx_app_products(run->tx, row->no, &products, &count);
    if (err == MU_OK)
        err = write_product_keys(run, products, count);
    free(products);
    return err;
}

/* --- one ------------------------------------------------------------------------------------------*/

static void begin_file(struct config_run *run, const char *list)
{
    json_object_begin(&run->j);
    json_put_array(&run->j, list);
    json_object_begin(&run->j);
}

static void end_file(struct config_run *run)
{
    json_object_end(&run->j);
    json_array_end(&run->j);
    json_object_end(&run->j);
}

static enum mu_err show(struct registry_tx *tx, void *arg)
{
    struct config_run *run = arg;
    enum registry_kind kind = run->kind;
    enum mu_err err = MU_E_NOT_FOUND;
    union {
        struct enterprise_row enterprise;
        struct product_row product;
        struct app_row app;
    } row;

    run->tx = tx;
    if (kind == KIND_ENTERPRISE && (err = tx_enterprise_by_id(tx, run->id, &row.enterprise)) == MU_OK) {
        begin_file(run, "enterprises");
        err = config_write_enterprise(run, &row.enterprise);
    } else if (kind == KIND_PRODUCT && (err = tx_product_by_key(tx, run->id, &row.product)) == MU_OK) {
        begin_file(run, "products");
        err = config_write_product(run, &row.product);
    } else if (kind == KIND_APP && (err = tx_app_by_id(tx, run->id, &row.app)) == MU_OK) {
        begin_file(run, "apps");
        err = config_write_app(run, &row.app);
    }
    if (err == MU_OK)
        end_file(run);
    return err == MU_OK ? run->out->err : err;
}

enum mu_err config_show(struct registry *reg, enum registry_kind kind, const char *id, bool secrets, struct buf *out)
{
    struct config_run run = { .out = out, .j = json_out_to(out), .secrets = secrets, .kind = kind, .id = id };

    return registry_read(reg, show, &run);
}

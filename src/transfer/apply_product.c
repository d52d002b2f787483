/* Products and their definitions. */
#include "transfer/apply_entry.h"
#include "transfer/definition_text.h"

const char *const registration_words[] = {
    [REGISTRATION_OPEN] = "open",
    [REGISTRATION_KNOWN] = "known",
    NULL,
};
/* clang-format off: a table */
static const char *const pacings[] = {
    [PACING_AUTO] = "auto",
    [PACING_ON] = "on",
    [PACING_OFF] = "off",
    NULL,
};
/* clang-format on */

/* clang-format off: a table */
static const char *const controls[] = {
    [CONTROL_AUTO] = "auto",
    [CONTROL_0090] = "0x0090",
    [CONTROL_0093] = "0x0093",
    NULL,
};
/* clang-format on */

static const struct apply_field fields[] = {
    OWN_FIELD("product_key", product_row, product_key),
    OWN_FIELD("product_secret", product_row, product_secret),
    OTHER_FIELD("datapoint"),
    FIELD("name", APPLY_TEXT, product_row, name),
    FIELD("remote_control", APPLY_BOOL, product_row, remote_control),
    { "registration", APPLY_WORD, offsetof(struct product_row, registration), sizeof(enum registration),
      registration_words, CELL_TEXT },
    { "pacing", APPLY_WORD, offsetof(struct product_row, pacing), sizeof(enum pacing), pacings, CELL_TEXT },
    { "control", APPLY_WORD, offsetof(struct product_row, control), sizeof(enum control_frames), controls, CELL_TEXT },
};

const struct apply_field_list apply_product_fields = FIELD_LIST(fields);

static const struct product_row defaults = { .remote_control = true };

static void read_secret(const struct apply_entry *e, struct product_row *row)
{
    if (apply_id(e, "product_secret", row->product_secret) != GIVEN_NOT || row->no)
        return;
    id_new_hex(row->product_secret);
    apply_generated(e, "product", row->product_key, "product_secret", row->product_secret);
}

/* A product without a name gets the name in its definition; every exported definition has one. */
static void read_name(const json_t *definition, struct product_row *row)
{
    const json_t *name = json_object_get(definition, "name");

    if (*row->name == '\0' && json_is_string(name) &&
        !str_copy(row->name, sizeof(row->name), (struct str){ json_string_value(name), json_string_length(name) }))
        *row->name = '\0';
}

/* Whether the definition is in force already. The name in it does not count: the product has its own. */
static enum mu_err is_in_force(struct registry_tx *tx, const struct product_row *row, struct str normal, bool *same)
{
    struct buf text;
    enum mu_err err;

    *same = false;
    if (!row->definition)
        return MU_OK;
    buf_init(&text, LIMIT_DEFINITION);
    if ((err = tx_definition(tx, row->no, row->definition, &text)) == MU_OK)
        *same = str_eq(definition_text_behind_name(normal),
                       definition_text_behind_name((struct str){ (const char *)text.data, text.len }));
    buf_free(&text);
    return err;
}

static enum mu_err put_definition(const struct apply_entry *e, const struct product_row *row, bool *changed)
{
    const json_t *json = apply_given_json(e, "datapoint");
    struct registry_tx *tx = e->apply->tx;
    struct buf text = { 0 };
    uint32_t version = 0;
    bool good = false;
    enum mu_err err;

    if (!json)
        return MU_OK;
    if (json_is_null(json)) {
        *changed = row->definition != 0;
        return tx_clear_definition(tx, row->no);
    }
    if ((err = apply_definition(e, json, row, &text, &good)) == MU_OK && good) {
        struct str normal = { (const char *)text.data, text.len };
        bool same;
        if ((err = is_in_force(tx, row, normal, &same)) == MU_OK && !same)
            err = tx_put_definition(tx, row->no, normal, &version);
        *changed = !same;
    }
    buf_free(&text);
    return err;
}

enum mu_err apply_product(const struct apply_entry *e)
{
    struct product_row row = defaults, before;
    enum given key;
    enum mu_err err = apply_find(e, "product_key", "product", tx_product_by_key, row.product_key, &key, &row);

    if (err != MU_OK)
        return err;

    bool changed = false;
    memcpy(&before, &row, sizeof(row));
    apply_fields(e, fields, sizeof(fields) / sizeof(*fields), &row, &defaults);
    read_secret(e, &row);
    read_name(apply_given_json(e, "datapoint"), &row);
    if (key == GIVEN_WRONG)
        return MU_OK;
    if (key == GIVEN_NOT && (err = apply_new_name(e, KIND_PRODUCT, "product_key", row.name)) != MU_OK)
        return err;

    struct apply_change change = APPLY_CHANGE(KIND_PRODUCT, row.product_key, &before, &row);
    if ((apply_differs(&change) && (err = tx_put_product(e->apply->tx, &row)) != MU_OK) ||
        (err = put_definition(e, &row, &changed)) != MU_OK)
        return err;
    change.more = changed ? "datapoint" : NULL;
    err = apply_count(e, &change);
    return err == MU_OK ? apply_see(e, row.no) : err;
}

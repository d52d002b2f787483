/* Enterprises, their secrets, and the networks that they may call from. */
#include "transfer/apply_entry.h"

#include "base/random.h"
#include "registry/secret.h"

static const struct apply_field fields[] = {
    OWN_FIELD("enterprise_id", enterprise_row, enterprise_id),
    OWN_FIELD("enterprise_secret", enterprise_row, secret_hash),
    OWN_FIELD("ip_allow", enterprise_row, ip_allow),
    OTHER_FIELD("product_keys"),
    FIELD("name", APPLY_TEXT, enterprise_row, name),
    FIELD("hourly_quota", APPLY_COUNT, enterprise_row, hourly_quota),
    FIELD("secret_required", APPLY_BOOL, enterprise_row, secret_required),
};

const struct apply_field_list apply_enterprise_fields = FIELD_LIST(fields);

/* The contract's values ("rate headers", "auth, /v1/users"). */
static const struct enterprise_row defaults = { .hourly_quota = 3600, .secret_required = true };

static void read_ip_allow(const struct apply_entry *e, struct enterprise_row *row)
{
    const json_t *list = apply_given_json(e, "ip_allow");

    if (!list)
        return;
    memset(row->ip_allow, 0, sizeof(row->ip_allow));
    row->ip_allow_count = 0;
    if (json_is_null(list))
        return;
    if (!json_is_array(list) || json_array_size(list) > ENTERPRISE_IP_ALLOW_MAX) {
        apply_mistake(e, "ip_allow", "must be a list of at most %d networks", ENTERPRISE_IP_ALLOW_MAX);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *json = json_array_get(list, i);
        struct str text = { json_string_value(json), json_string_length(json) };
        char field[40];

        if (json_is_string(json) && cidr_parse(text, &row->ip_allow[row->ip_allow_count]) == MU_OK) {
            row->ip_allow_count++;
            continue;
        }
        snprintf(field, sizeof(field), "ip_allow[%zu]", i);
        apply_mistake(e, field, "must be an address or a network such as \"10.0.0.0/8\"");
    }
}

static void read_secret(const struct apply_entry *e, struct enterprise_row *row)
{
    char secret[ID_HEX_LEN + 1];
    enum given given = apply_id(e, "enterprise_secret", secret);

    if (given == GIVEN_WRONG || (given == GIVEN_NOT && row->no))
        return;
    if (given == GIVEN_NOT) {
        id_new_hex(secret);
        apply_generated(e, "enterprise", row->enterprise_id, "enterprise_secret", secret);
    }
    if (row->no && secret_equal(row->secret_salt, str_of(secret), row->secret_hash))
        return;
    random_bytes(row->secret_salt, sizeof(row->secret_salt));
    secret_hash(row->secret_salt, str_of(secret), row->secret_hash);
}

enum mu_err apply_enterprise(const struct apply_entry *e)
{
    struct enterprise_row row = defaults, before;
    enum given key;
    enum mu_err err = apply_find(e, "enterprise_id", "enterprise", tx_enterprise_by_id, row.enterprise_id, &key, &row);

    if (err != MU_OK)
        return err;

    memcpy(&before, &row, sizeof(row));
    apply_fields(e, fields, sizeof(fields) / sizeof(*fields), &row, &defaults);
    read_ip_allow(e, &row);
    read_secret(e, &row);
    if (key == GIVEN_WRONG)
        return MU_OK;
    if (key == GIVEN_NOT && (err = apply_new_name(e, KIND_ENTERPRISE, "enterprise_id", row.name)) != MU_OK)
        return err;

    const struct apply_change change = APPLY_CHANGE(KIND_ENTERPRISE, row.enterprise_id, &before, &row);
    if ((apply_differs(&change) && (err = tx_put_enterprise(e->apply->tx, &row)) != MU_OK) ||
        (err = apply_count(e, &change)) != MU_OK)
        return err;
    return apply_see(e, row.no);
}

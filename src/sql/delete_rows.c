/* Deleting things: what prevents it, and which parts are deleted with them. */
#include "sql/sql_registry.h"

#include <assert.h>

/* --- what prevents a deletion ---------------------------------------------------------------------*/

struct use {
    const char *sql;
    size_t offset; /* of its count in struct registry_uses; a use without a query ends the list */
};
#define USE(member, query)                                                            \
    {                                                                                 \
        "SELECT count(*) FROM " query " = $1", offsetof(struct registry_uses, member) \
    }

static const struct use uses[][4] = {
    [KIND_ENTERPRISE] = { USE(products, "association WHERE enterprise") },
    [KIND_PRODUCT] = { USE(devices, "device WHERE product"), USE(groups, "device_group WHERE product"),
                       USE(apps, "app_product WHERE product") },
    [KIND_APP] = { USE(users, "\"user\" WHERE app") },
    [KIND_DEVICE] = { USE(bindings, "binding WHERE until IS NULL AND device") },
    [KIND_GROUP] = { USE(groups, "device_group WHERE parent"), USE(devices, "device WHERE device_group") },
    [KIND_USER] = { USE(bindings, "binding WHERE until IS NULL AND \"user\"") },
};

static enum mu_err count_uses(struct registry_tx *tx, enum registry_kind kind, uint32_t no, struct registry_uses *out,
                              uint64_t *sum)
{
    assert((size_t)kind < sizeof(uses) / sizeof(*uses));
    memset(out, 0, sizeof(*out));
    *sum = 0;
    for (const struct use *use = uses[kind]; use->sql; use++) {
        int64_t count = 0;
        enum mu_err err = db_int_of(tx->db, use->sql, DB_VALUES(db_int(no)), &count);
        if (err != MU_OK)
            return err;
        *(uint64_t *)((char *)out + use->offset) = (uint64_t)count;
        *sum += (uint64_t)count;
    }
    return MU_OK;
}

enum mu_err tx_uses(struct registry_tx *tx, enum registry_kind kind, uint32_t no, struct registry_uses *out)
{
    uint64_t sum;
    return count_uses(tx, kind, no, out, &sum);
}

/* --- parts ----------------------------------------------------------------------------------------*/

static enum mu_err run(struct registry_tx *tx, const char *sql, uint32_t no)
{
    return db_run(tx->db, sql, DB_VALUES(db_int(no)));
}

static enum mu_err delete_enterprise_parts(struct registry_tx *tx, uint32_t no)
{
    uint64_t tokens;
    return tx_delete_tokens(tx, no, 0, &tokens);
}

static enum mu_err delete_product_parts(struct registry_tx *tx, uint32_t no)
{
    uint32_t enterprise;
    enum mu_err err = tx_product_enterprise(tx, no, &enterprise);

    if (err == MU_OK && enterprise)
        err = tx_dissociate(tx, enterprise, no);
    if (err == MU_OK)
        err = run(tx, "DELETE FROM definition WHERE product = $1", no);
    return err == MU_OK ? run(tx, "DELETE FROM product_user WHERE product = $1", no) : err;
}

/* A binding may have been made through this app by a user who belongs to another app since. It gets the user's present
 * app. */
static enum mu_err delete_app_parts(struct registry_tx *tx, uint32_t no)
{
    enum mu_err err = run(tx, "DELETE FROM app_product WHERE app = $1", no);

    return err == MU_OK ? run(tx,
                              "UPDATE binding SET app = (SELECT u.app FROM \"user\" u "
                              "WHERE u.no = binding.\"user\") WHERE app = $1",
                              no)
                        : err;
}

static enum mu_err delete_device_parts(struct registry_tx *tx, uint32_t no)
{
    return run(tx, "DELETE FROM binding WHERE device = $1", no);
}

static enum mu_err delete_user_parts(struct registry_tx *tx, uint32_t no)
{
    enum mu_err err = run(tx, "DELETE FROM binding WHERE \"user\" = $1", no);

    return err == MU_OK ? run(tx, "DELETE FROM product_user WHERE \"user\" = $1", no) : err;
}

static const struct deletion {
    enum mu_err (*parts)(struct registry_tx *tx, uint32_t no); /* NULL: the kind has no parts */
    const char *sql;
    enum feed_kind feed;
} deletions[] = {
    [KIND_ENTERPRISE] = { delete_enterprise_parts, "DELETE FROM enterprise WHERE no = $1", FEED_ENTERPRISE },
    [KIND_PRODUCT] = { delete_product_parts, "DELETE FROM product WHERE no = $1", FEED_PRODUCT },
    [KIND_APP] = { delete_app_parts, "DELETE FROM app WHERE no = $1", FEED_APP },
    [KIND_DEVICE] = { delete_device_parts, "DELETE FROM device WHERE no = $1", FEED_DEVICE },
    [KIND_GROUP] = { NULL, "DELETE FROM device_group WHERE no = $1", FEED_GROUP },
    [KIND_USER] = { delete_user_parts, "DELETE FROM \"user\" WHERE no = $1", FEED_USER },
};

enum mu_err tx_delete(struct registry_tx *tx, enum registry_kind kind, uint32_t no)
{
    const struct deletion *d = &deletions[kind];
    struct registry_uses in_the_way;
    uint64_t count;
    enum mu_err err = count_uses(tx, kind, no, &in_the_way, &count);

    if (err == MU_OK && count)
        return MU_E_EXISTS;
    if (err == MU_OK && d->parts)
        err = d->parts(tx, no);
    if (err == MU_OK)
        err = run(tx, d->sql, no);
    if (err == MU_OK && db_changes(tx->db) == 0)
        return MU_E_NOT_FOUND;
    return err == MU_OK ? feed_add(tx->db, d->feed, no, 0) : err;
}

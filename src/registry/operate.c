/* What an operator changes by name. It uses only the port, so it works with any store. Deleting is in operate_delete.c. */
#include "registry/operate_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "registry/secret.h"

/* Many ids are done in several transactions: every statement walks through what SQLite keeps to roll a savepoint back,
 * so one transaction with 50,000 deletions takes minutes. Groups are done in one transaction: they are few, and inner
 * groups must be deleted before the outer ones can be checked. */
enum { IDS_AT_ONCE = 1000 };

bool operate_allows(enum operate_verb verb, enum registry_kind kind)
{
    switch (verb) {
    case OPERATE_DISABLE:
    case OPERATE_ENABLE: return kind == KIND_DEVICE || kind == KIND_USER;
    case OPERATE_DELETE: return true;
    case OPERATE_ROTATE:
    case OPERATE_REVOKE: return kind == KIND_ENTERPRISE || kind == KIND_PRODUCT;
    }
    return false;
}

/* --- telling --------------------------------------------------------------------------------------*/

void operate_tell(const struct operating *op, const struct operate_target *t, const char *format, ...)
{
    size_t start = op->report->len;
    va_list args;

    buf_printf(op->report, "%s %s: ", registry_kind_words[op->o->kind], t->id);
    va_start(args, format);
    buf_vprintf(op->report, format, args);
    va_end(args);
    buf_make_plain(op->report, start);
    buf_append_u8(op->report, '\n');
}

bool operate_begin_mistake(struct operating *op)
{
    if (op->mistakes++ == 0 && op->report->len > op->start)
        op->report->len = op->start;
    return op->mistakes <= OPERATE_MISTAKES_MAX;
}

void operate_tell_done(const struct operating *op, const struct operate_target *t, const char *what)
{
    if (op->mistakes)
        return;
    if (op->o->kind == KIND_DEVICE)
        operate_tell(op, t, "%s (did %s, mac %s)", what, t->device.did, t->device.mac);
    else
        operate_tell(op, t, "%s", what);
}

/* --- finding --------------------------------------------------------------------------------------*/

static enum mu_err find_device(struct registry_tx *tx, const char *id, struct device_row *out)
{
    char key[ID_HEX_LEN + 1];
    struct product_row product;
    const char *slash = strchr(id, '/');
    enum mu_err err;

    if (!slash) {
        err = tx_device_by_did(tx, id, out);
        return err == MU_E_NOT_FOUND ? tx_device_by_mac_alone(tx, id, out) : err;
    }
    if (!str_copy(key, sizeof(key), (struct str){ id, (size_t)(slash - id) }))
        return MU_E_NOT_FOUND;
    err = tx_product_by_key(tx, key, &product);
    return err == MU_OK ? tx_device_by_mac(tx, product.no, slash + 1, out) : err;
}

static enum mu_err find(struct operating *op, struct operate_target *t)
{
    struct registry_tx *tx = op->tx;
    enum mu_err err = MU_E_NOT_FOUND;

    switch (op->o->kind) {
    case KIND_ENTERPRISE:
        err = tx_enterprise_by_id(tx, t->id, &t->enterprise);
        t->no = t->enterprise.no;
        break;
    case KIND_PRODUCT:
        err = tx_product_by_key(tx, t->id, &t->product);
        t->no = t->product.no;
        break;
    case KIND_APP:
        err = tx_app_by_id(tx, t->id, &t->app);
        t->no = t->app.no;
        break;
    case KIND_DEVICE:
        err = find_device(tx, t->id, &t->device);
        t->no = t->device.no;
        break;
    case KIND_GROUP:
        err = tx_group_by_gid(tx, t->id, &t->group);
        t->no = t->group.no;
        break;
    case KIND_USER:
        err = tx_user_by_uid(tx, t->id, &t->user);
        t->no = t->user.no;
        break;
    }
    return err;
}

/* The id in the audit log: for a device its did, however it was named. */
static const char *log_id(const struct operating *op, const struct operate_target *t)
{
    return op->o->kind == KIND_DEVICE ? t->device.did : t->id;
}

/* --- disabling ------------------------------------------------------------------------------------*/

static enum mu_err tell_other_enabled(struct operating *op, const struct operate_target *t)
{
    struct device_row other;
    enum mu_err err = tx_device_by_mac(op->tx, t->device.product, t->device.mac, &other);

    if (err == MU_OK)
        OPERATE_MISTAKE(op, t, "did %s is the mac's enabled registration; disable or delete that one first", other.did);
    return err;
}

static enum mu_err set_disabled(struct operating *op, struct operate_target *t)
{
    bool disabled = op->o->verb == OPERATE_DISABLE;
    bool *is_disabled = op->o->kind == KIND_USER ? &t->user.is_disabled : &t->device.is_disabled;
    const char *what = disabled ? "disable" : "enable";
    enum mu_err err;

    /* A device may be disabled without being barred: it disabled itself, or a newer registration did. This bars it. */
    if (*is_disabled == disabled && (op->o->kind == KIND_USER || t->device.is_barred == disabled)) {
        operate_tell_done(op, t, disabled ? "was disabled already" : "was enabled already");
        return MU_OK;
    }
    *is_disabled = disabled;
    if (op->o->kind == KIND_USER) {
        t->user.updated_at = op->o->now_s;
        err = tx_put_user(op->tx, &t->user);
    } else {
        t->device.is_barred = disabled;
        err = tx_put_device(op->tx, &t->device);
        if (err == MU_E_EXISTS)
            return tell_other_enabled(op, t);
    }
    if (err != MU_OK)
        return err;
    operate_tell_done(op, t, disabled ? "disabled" : "enabled");
    return tx_audit(op->tx, what, op->o->kind, log_id(op, t), "%s", "");
}

/* --- secrets and tokens ---------------------------------------------------------------------------*/

static enum mu_err rotate(struct operating *op, struct operate_target *t)
{
    char secret[ID_HEX_LEN + 1];
    enum mu_err err;

    id_new_hex(secret);
    if (op->o->kind == KIND_ENTERPRISE) {
        random_bytes(t->enterprise.secret_salt, sizeof(t->enterprise.secret_salt));
        secret_hash(t->enterprise.secret_salt, str_of(secret), t->enterprise.secret_hash);
        err = tx_put_enterprise(op->tx, &t->enterprise);
    } else {
        memcpy(t->product.product_secret, secret, sizeof(t->product.product_secret));
        err = tx_put_product(op->tx, &t->product);
    }
    if (err != MU_OK)
        return err;
    if (!op->mistakes)
        operate_tell(op, t, "new %s_secret %s", registry_kind_words[op->o->kind], secret);
    return tx_audit(op->tx, "rotate", op->o->kind, t->id, "%s_secret", registry_kind_words[op->o->kind]);
}

static enum mu_err revoke(struct operating *op, struct operate_target *t)
{
    bool enterprise = op->o->kind == KIND_ENTERPRISE;
    uint64_t tokens;
    enum mu_err err = tx_delete_tokens(op->tx, enterprise ? t->no : 0, enterprise ? 0 : t->no, &tokens);

    if (err != MU_OK)
        return err;
    if (!op->mistakes)
        operate_tell(op, t, "%" PRIu64 " token%s revoked", tokens, operate_plural(tokens));
    return tx_audit(op->tx, "revoke", op->o->kind, t->id, "tokens=%" PRIu64, tokens);
}

/* --- all of them ----------------------------------------------------------------------------------*/

static enum mu_err operate_one(struct operating *op, struct operate_target *t)
{
    enum mu_err err = find(op, t);

    if (err == MU_E_NOT_FOUND) {
        OPERATE_MISTAKE(op, t, "there is none");
        return MU_OK;
    }
    if (err == MU_E_EXISTS) {
        OPERATE_MISTAKE(op, t, "several products have a device of this mac; name it PRODUCT_KEY/MAC");
        return MU_OK;
    }
    if (err != MU_OK)
        return err;
    if (op->look)
        return op->o->verb == OPERATE_DELETE ? operate_look_for_uses(op, t) : MU_OK;
    switch (op->o->verb) {
    case OPERATE_DISABLE:
    case OPERATE_ENABLE: return set_disabled(op, t);
    case OPERATE_DELETE: return operate_delete(op, t);
    case OPERATE_ROTATE: return rotate(op, t);
    case OPERATE_REVOKE: return revoke(op, t);
    }
    return MU_E_VALUE;
}

static enum mu_err operate_all(struct registry_tx *tx, void *arg)
{
    struct operating *op = arg;
    struct str left = op->ids;
    enum mu_err err = MU_OK;

    op->tx = tx;
    while (left.len && err == MU_OK) {
        const char *end = memchr(left.at, '\n', left.len);
        size_t n = end ? (size_t)(end - left.at) : left.len;
        struct str id = str_trim((struct str){ left.at, n });
        struct operate_target t = { 0 };

        left.at += n + (end != NULL);
        left.len -= n + (end != NULL);
        if (!id.len)
            continue;
        /* A text that is longer than any id is unknown. */
        if (str_copy(t.id, sizeof(t.id), id)) {
            err = operate_one(op, &t);
        } else {
            memcpy(t.id, id.at, OPERATE_ID_MAX);
            OPERATE_MISTAKE(op, &t, "there is none");
        }
    }
    if (err == MU_OK && op->mistakes)
        err = MU_E_VALUE;
    /* A secret that could not be reported must not be stored. */
    return err == MU_OK ? op->report->err : err;
}

/* Takes the lines of the next transaction off ids. */
static struct str take_part(enum registry_kind kind, struct str *ids)
{
    struct str part = { ids->at, 0 };

    for (unsigned lines = 0; (lines < IDS_AT_ONCE || kind == KIND_GROUP) && part.len < ids->len; lines++) {
        const char *end = memchr(ids->at + part.len, '\n', ids->len - part.len);
        part.len = end ? (size_t)(end - ids->at) + 1 : ids->len;
    }
    ids->at += part.len;
    ids->len -= part.len;
    return part;
}

enum mu_err operate(struct registry *reg, const struct audit_by *by, const struct operate *o, struct str ids,
                    struct buf *report)
{
    struct operating op = { .o = o, .report = report, .ids = ids, .look = true };
    struct str rest = ids, first = take_part(o->kind, &rest);
    enum mu_err err = MU_OK;

    assert(operate_allows(o->verb, o->kind));
    buf_init(&op.seen, UINT32_MAX / 8 + 1u);
    /* The ids of one transaction are all done, or none is. If there are more, all mistakes are found before anything is
     * done. */
    if (rest.len)
        err = registry_read(reg, operate_all, &op);
    op.look = false;
    for (op.ids = first; err == MU_OK && op.ids.len; op.ids = take_part(o->kind, &rest)) {
        op.start = report->len;
        err = registry_write_by(reg, by, operate_all, &op);
    }
    if (err != MU_OK && err != MU_E_VALUE)
        report->len = op.start;
    else if (op.mistakes > OPERATE_MISTAKES_MAX)
        buf_printf(report, "and %u more\n", op.mistakes - OPERATE_MISTAKES_MAX);
    buf_free(&op.seen);
    return err;
}

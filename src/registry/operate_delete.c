/* Deleting things by name, if nothing uses them any more. */
#include "registry/operate_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum mu_err end_binding(struct operating *op, uint32_t no)
{
    struct binding_row binding;
    struct device_row device;
    struct user_row user;
    enum mu_err err;

    if ((err = tx_binding_by_no(op->tx, no, &binding)) != MU_OK ||
        (err = tx_device_by_no(op->tx, binding.device, &device)) != MU_OK ||
        (err = tx_user_by_no(op->tx, binding.user, &user)) != MU_OK)
        return err;
    return tx_end_binding(op->tx, &binding, device.did, user.uid, op->o->now_s);
}

static enum mu_err end_bindings(struct operating *op, const struct operate_target *t)
{
    bool of_user = op->o->kind == KIND_USER;
    uint32_t *bindings;
    size_t count;
    enum mu_err err = tx_bindings_now(op->tx, of_user ? t->no : 0, of_user ? 0 : t->no, &bindings, &count);

    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = end_binding(op, bindings[i]);
    free(bindings);
    return err;
}

/* Whether bindings are ended first, and so do not prevent the deletion. */
static bool unbinds(const struct operating *op)
{
    return op->o->unbind && (op->o->kind == KIND_DEVICE || op->o->kind == KIND_USER);
}

static enum mu_err tell_uses(struct operating *op, const struct operate_target *t)
{
    struct registry_uses u;
    enum mu_err err = tx_uses(op->tx, op->o->kind, t->no, &u);
    const struct {
        uint64_t count;
        const char *what, *remedy;
    } all[] = {
        { u.products, "product", "delete them, or give the enterprise other product_keys (muster apply)" },
        { u.devices, "device",
          op->o->kind == KIND_GROUP ? "take them out of it (PUT …/device_groups/{gid})" : "delete them first" },
        { u.groups, "group", "delete them first, the innermost before the others" },
        { u.apps, "app", "delete them, or give them other product_keys (muster apply)" },
        { u.users, "user", "delete them, or give them another appid (muster apply)" },
        { u.bindings, "binding", "unbind first, or give --unbind" },
    };

    if (err != MU_OK || !operate_begin_mistake(op))
        return err;
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (all[i].count)
            operate_tell(op, t, "it has %" PRIu64 " %s%s: %s", all[i].count, all[i].what, operate_plural(all[i].count),
                         all[i].remedy);
    return MU_OK;
}

/* An id that is named twice is a mistake: a later transaction would not find it any more. */
static enum mu_err look_for_twin(struct operating *op, const struct operate_target *t)
{
    size_t byte = t->no / 8, more = byte < op->seen.len ? 0 : byte + 1 - op->seen.len;
    uint8_t bit = (uint8_t)(1u << t->no % 8), *at = buf_reserve(&op->seen, more);

    assert(op->look);
    if (!at)
        return op->seen.err;
    memset(at, 0, more);
    op->seen.len += more;
    if (op->seen.data[byte] & bit)
        OPERATE_MISTAKE(op, t, "it is named twice");
    op->seen.data[byte] |= bit;
    return MU_OK;
}

enum mu_err operate_look_for_uses(struct operating *op, const struct operate_target *t)
{
    struct registry_uses u;
    enum mu_err err = look_for_twin(op, t);

    if (err == MU_OK)
        err = tx_uses(op->tx, op->o->kind, t->no, &u);
    if (err != MU_OK)
        return err;
    bool used = u.products || u.devices || u.groups || u.apps || u.users || (u.bindings && !unbinds(op));

    return used ? tell_uses(op, t) : MU_OK;
}

/* Notes the product and the mac too, which cannot be looked up when the device is deleted. */
static enum mu_err audit_deleted(struct operating *op, const struct operate_target *t)
{
    struct product_row product;

    if (op->o->kind != KIND_DEVICE)
        return tx_audit(op->tx, "delete", op->o->kind, t->id, "%s", "");
    enum mu_err err = tx_product_by_no(op->tx, t->device.product, &product);
    return err == MU_OK ? tx_audit(op->tx, "delete", KIND_DEVICE, t->device.did, "product=%s mac=%s",
                                   product.product_key, t->device.mac)
                        : err;
}

enum mu_err operate_delete(struct operating *op, struct operate_target *t)
{
    enum mu_err err = MU_OK;

    if (unbinds(op))
        err = end_bindings(op, t);
    if (err == MU_OK && (err = tx_delete(op->tx, op->o->kind, t->no)) == MU_E_EXISTS)
        return tell_uses(op, t);
    if (err != MU_OK)
        return err;
    operate_tell_done(op, t, "deleted");
    return audit_deleted(op, t);
}

/* Bindings (contract, endpoint 13). It uses only the port, so it works with any store. */
#include "registry/audit.h"

#include <assert.h>

/* A call may name tens of thousands of devices. Other writers run between two transactions. */
enum { DEVICES_AT_ONCE = 1000 };

static enum mu_err make_oldest_owner(struct registry_tx *tx, uint32_t device)
{
    struct binding_row oldest;
    enum mu_err err = tx_oldest_binding(tx, device, &oldest);

    if (err == MU_E_NOT_FOUND) /* nobody is left */
        return MU_OK;
    return err == MU_OK ? tx_set_owner(tx, oldest.no) : err;
}

static enum mu_err bind_device(struct registry_tx *tx, const struct binding_row *wanted,
                               const struct device_row *device, const char *uid, bool *done)
{
    struct binding_row binding = *wanted, other;
    enum mu_err err = tx_binding_now(tx, wanted->user, wanted->device, &other);

    *done = true;
    if (err != MU_E_NOT_FOUND)
        return err;
    if ((err = tx_owner_binding(tx, wanted->device, &other)) != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    binding.is_owner = err == MU_E_NOT_FOUND;
    err = tx_bind(tx, &binding);
    return err == MU_OK ? tx_audit(tx, "bind", KIND_DEVICE, device->did, "user=%s", uid) : err;
}

enum mu_err tx_end_binding(struct registry_tx *tx, const struct binding_row *binding, const char *did, const char *uid,
                           int64_t now_s)
{
    assert(binding->no && !binding->until);
    /* The clock may have been set back. */
    enum mu_err err = tx_unbind(tx, binding->no, now_s > binding->since ? now_s : binding->since);

    if (err == MU_OK && binding->is_owner)
        err = make_oldest_owner(tx, binding->device);
    return err == MU_OK ? tx_audit(tx, "unbind", KIND_DEVICE, did, "user=%s", uid) : err;
}

static enum mu_err unbind_device(struct registry_tx *tx, const struct binding_row *wanted,
                                 const struct device_row *device, const struct binding_change *c, bool *done)
{
    struct binding_row binding;
    enum mu_err err = tx_binding_now(tx, wanted->user, wanted->device, &binding);

    *done = err == MU_OK;
    if (err != MU_OK)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    return tx_end_binding(tx, &binding, device->did, c->uid, c->now_s);
}

struct binding_part {
    const struct binding_change *change;
    size_t from, to;
    enum binding_outcome outcome;
};

static enum mu_err find_user(struct registry_tx *tx, struct binding_part *part, struct binding_row *out)
{
    const struct binding_change *c = part->change;
    struct app_row app;
    struct user_row user;
    enum mu_err err = tx_app_by_id(tx, c->appid, &app);

    part->outcome = BINDING_APP_UNKNOWN;
    if (err != MU_OK || app.enterprise != c->enterprise)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    part->outcome = BINDING_USER_UNKNOWN;
    if ((err = tx_user_by_uid(tx, c->uid, &user)) != MU_OK || user.app != app.no ||
        (user.is_disabled && c->action == BINDING_BIND))
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    part->outcome = BINDING_CHANGED;
    out->user = user.no;
    out->app = app.no;
    out->since = c->now_s;
    return MU_OK;
}

static enum mu_err change_device(struct registry_tx *tx, const struct binding_change *c, const char *did,
                                 struct binding_row *wanted, bool *done)
{
    struct device_row device;
    enum mu_err err = tx_device_by_did(tx, did, &device);

    *done = false;
    if (err != MU_OK || device.product != c->product)
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    wanted->device = device.no;
    if (c->action == BINDING_BIND)
        return bind_device(tx, wanted, &device, c->uid, done);
    return unbind_device(tx, wanted, &device, c, done);
}

static enum mu_err change_part(struct registry_tx *tx, void *arg)
{
    struct binding_part *part = arg;
    const struct binding_change *c = part->change;
    struct binding_row wanted = { 0 };
    enum mu_err err = find_user(tx, part, &wanted);

    if (part->outcome != BINDING_CHANGED)
        return err;
    for (size_t i = part->from; i < part->to && err == MU_OK; i++)
        err = change_device(tx, c, c->dids[i], &wanted, &c->done[i]);
    return err;
}

enum mu_err registry_change_bindings(struct registry *reg, const struct binding_change *c, enum binding_outcome *out)
{
    struct binding_part part = { .change = c };
    enum mu_err err;

    do {
        part.from = part.to;
        assert(part.from <= c->count);
        part.to = c->count - part.from > DEVICES_AT_ONCE ? part.from + DEVICES_AT_ONCE : c->count;
        err = registry_write_by(reg, c->by, change_part, &part);
        *out = part.outcome;
    } while (err == MU_OK && *out == BINDING_CHANGED && part.to < c->count);
    return err;
}

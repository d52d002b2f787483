/* Device groups (contract, endpoint 12). It uses only the port, so it works with any store. */
#include "registry/audit.h"

#include <assert.h>
#include <stdlib.h>

/* --- adding ---------------------------------------------------------------------------------------*/

struct adding {
    uint32_t product;
    const char *parent;
    char *gid;
};

static enum mu_err find_place(struct registry_tx *tx, const struct adding *a, uint32_t *parent)
{
    enum mu_err err;
    struct group_row group;

    if (!a->parent) {
        err = tx_root_group(tx, a->product, &group);
        return err == MU_OK ? MU_E_EXISTS : err == MU_E_NOT_FOUND ? MU_OK : err;
    }
    if ((err = tx_group_by_gid(tx, a->parent, &group)) != MU_OK)
        return err;
    *parent = group.no;
    return group.product == a->product ? MU_OK : MU_E_REFUSED;
}

static enum mu_err add(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct adding *a = arg;
    struct group_row group = { .product = a->product };

    if ((err = find_place(tx, a, &group.parent)) != MU_OK)
        return err;
    id_new_hex(group.gid);
    if ((err = tx_put_group(tx, &group)) != MU_OK)
        return err;
    memcpy(a->gid, group.gid, sizeof(group.gid));
    return tx_audit(tx, "create", KIND_GROUP, group.gid, a->parent ? "parent=%s" : "root", a->parent);
}

enum mu_err registry_add_group(struct registry *reg, const struct audit_by *by, uint32_t product, const char *parent,
                               char gid[ID_HEX_LEN + 1])
{
    return registry_write_by(reg, by, add, &(struct adding){ product, parent, gid });
}

/* --- deleting -------------------------------------------------------------------------------------*/

struct deleting {
    uint32_t group;
    enum group_delete_outcome *out;
};

static enum mu_err delete_group(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct deleting *d = arg;
    struct registry_uses inside;
    struct group_row group;

    if ((err = tx_group_by_no(tx, d->group, &group)) == MU_E_NOT_FOUND) {
        *d->out = GROUP_GONE;
        return MU_OK;
    }
    if (err != MU_OK || (err = tx_uses(tx, KIND_GROUP, d->group, &inside)) != MU_OK)
        return err;
    if (inside.groups || inside.devices) {
        *d->out = inside.groups ? GROUP_HAS_GROUPS : GROUP_HAS_DEVICES;
        return MU_OK;
    }
    *d->out = GROUP_DELETED;
    err = tx_delete(tx, KIND_GROUP, d->group);
    return err == MU_OK ? tx_audit(tx, "delete", KIND_GROUP, group.gid, "%s", "") : err;
}

enum mu_err registry_delete_group(struct registry *reg, const struct audit_by *by, uint32_t group,
                                  enum group_delete_outcome *out)
{
    return registry_write_by(reg, by, delete_group, &(struct deleting){ group, out });
}

/* --- assigning ------------------------------------------------------------------------------------*/

/* The next group of a mac. false: the mac stays where it is, which is a failure. */
static bool next_group(const struct group_assignment *a, uint32_t now, uint32_t *next)
{
    if (a->action == GROUP_UNASSIGN) {
        *next = 0;
        return now == a->group;
    }
    *next = a->group;
    return !now || now == a->group || a->reassign;
}

static enum mu_err move(struct registry_tx *tx, uint32_t no, uint32_t group)
{
    enum mu_err err;
    struct device_row device;

    if ((err = tx_device_by_no(tx, no, &device)) != MU_OK || device.group == group)
        return err;
    device.group = group;
    return tx_put_device(tx, &device);
}

static enum mu_err assign_mac(struct registry_tx *tx, const struct group_assignment *a, const char *gid,
                              const char *mac, bool *done)
{
    enum mu_err err;
    uint32_t *devices, now, next = 0;
    size_t count;

    *done = false;
    if ((err = tx_devices_of_mac(tx, a->product, mac, &devices, &count)) != MU_OK)
        return err;
    if (count == 0)
        return MU_OK;
    if ((err = tx_group_of_mac(tx, a->product, mac, &now)) == MU_OK)
        *done = next_group(a, now, &next);
    for (size_t i = 0; i < count && err == MU_OK && *done; i++)
        err = move(tx, devices[i], next);
    if (err == MU_OK && *done && now != next)
        err = tx_audit(tx, a->action == GROUP_ASSIGN ? "assign" : "unassign", KIND_GROUP, gid, "mac=%s", mac);
    free(devices);
    return err;
}

static enum mu_err assign(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct group_assignment *a = arg;
    struct group_row group;

    if ((err = tx_group_by_no(tx, a->group, &group)) != MU_OK)
        return err;
    for (size_t i = 0; i < a->count && err == MU_OK; i++)
        err = assign_mac(tx, a, group.gid, a->macs[i], &a->done[i]);
    return err;
}

enum mu_err registry_assign_group(struct registry *reg, struct group_assignment *a)
{
    assert(a->count == 0 || (a->macs && a->done));
    return registry_write_by(reg, a->by, assign, a);
}

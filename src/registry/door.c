/* Registering, disabling and locating devices (device-access 1). It uses only the port, so it works with any store. */
#include "registry/registry.h"

#include <assert.h>
#include <string.h>

/* --- registering ----------------------------------------------------------------------------------*/

struct registering {
    const struct register_request *request;
    struct register_result *out;
};

/* Most devices that register were only switched on again. They, and strangers when only known devices may register,
 * cost no write. MU_E_NOT_FOUND: something must be written. */
static enum mu_err answer_from_what_is_known(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct registering *r = arg;

    err = tx_device_by_passcode(tx, r->request->product, r->request->mac, r->request->passcode, &r->out->device);
    if (err == MU_E_NOT_FOUND && r->request->known_only)
        return MU_E_REFUSED;
    if (err == MU_OK && r->out->device.is_barred)
        r->out->outcome = REGISTER_BARRED;
    else if (err == MU_OK && r->out->device.is_disabled)
        return MU_E_NOT_FOUND;
    return err;
}

static enum mu_err disable_enabled_one(struct registry_tx *tx, const struct registering *r, struct device_row *other)
{
    assert(!r->out->old);
    if (!other->no)
        return MU_OK;
    other->is_disabled = true;
    r->out->old = other->no;
    return tx_put_device(tx, other);
}

static enum mu_err create(struct registry_tx *tx, const struct registering *r, struct mac_look *look)
{
    enum mu_err err;
    struct device_row *device = &r->out->device;

    if ((err = disable_enabled_one(tx, r, &look->enabled)) != MU_OK)
        return err;
    memset(device, 0, sizeof(*device));
    device->group = look->group;
    device->product = r->request->product;
    did_new(device->did);
    if (!str_copy(device->mac, sizeof(device->mac), str_of(r->request->mac)) ||
        !str_copy(device->passcode, sizeof(device->passcode), str_of(r->request->passcode)))
        return MU_E_LIMIT;
    device->created_at = r->request->now_s;
    r->out->outcome = r->out->old ? REGISTER_REPLACED : REGISTER_CREATED;
    return tx_put_device(tx, device);
}

static enum mu_err register_device(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct registering *r = arg;
    struct device_row *device = &r->out->device;
    struct mac_look look;

    r->out->old = 0;
    if ((err = tx_look_at_mac(tx, r->request->product, r->request->mac, r->request->passcode, &look)) != MU_OK)
        return err;
    if (!look.same.no)
        return r->request->known_only ? MU_E_REFUSED : create(tx, r, &look);
    *device = look.same;
    r->out->outcome = device->is_barred ? REGISTER_BARRED : device->is_disabled ? REGISTER_ENABLED : REGISTER_SAME;
    if (r->out->outcome != REGISTER_ENABLED)
        return MU_OK;
    if ((err = disable_enabled_one(tx, r, &look.enabled)) != MU_OK)
        return err;
    device->is_disabled = false;
    return tx_put_device(tx, device);
}

enum mu_err registry_register_device(struct registry *reg, const struct register_request *request,
                                     struct register_result *out)
{
    struct registering r = { request, out };

    assert(request->mac && request->passcode);
    out->outcome = REGISTER_SAME;
    out->old = 0;
    enum mu_err err = registry_read(reg, answer_from_what_is_known, &r);
    return err == MU_E_NOT_FOUND ? registry_write(reg, register_device, &r) : err;
}

/* --- disabling ------------------------------------------------------------------------------------*/

struct disabling {
    uint32_t device;
    bool disabled;
};

static enum mu_err set_disabled(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct disabling *d = arg;
    struct device_row device;

    if ((err = tx_device_by_no(tx, d->device, &device)) != MU_OK || device.is_disabled == d->disabled)
        return err;
    device.is_disabled = d->disabled;
    return tx_put_device(tx, &device);
}

enum mu_err registry_set_device_disabled(struct registry *reg, uint32_t device, bool disabled)
{
    return registry_write(reg, set_disabled, &(struct disabling){ device, disabled });
}

/* --- locating -------------------------------------------------------------------------------------*/

struct locating {
    uint32_t device;
    const struct place *place;
    bool has_coordinates;
    double longitude, latitude;
};

static bool is_settled(const struct device_row *device, const struct locating *l)
{
    if (device->place_source == PLACE_CONFIGURED)
        return true;
    return device->place_source == PLACE_LOCATED && strcmp(device->place.country, l->place->country) == 0 &&
           strcmp(device->place.region, l->place->region) == 0 && strcmp(device->place.city, l->place->city) == 0 &&
           device->has_coordinates == l->has_coordinates &&
           (!l->has_coordinates || (device->longitude == l->longitude && device->latitude == l->latitude));
}

/* MU_E_EXISTS: nothing must be written. */
static enum mu_err ask_whether_settled(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct locating *l = arg;
    struct device_row device;

    if ((err = tx_device_by_no(tx, l->device, &device)) != MU_OK)
        return err;
    return is_settled(&device, l) ? MU_E_EXISTS : MU_OK;
}

static enum mu_err locate(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct locating *l = arg;
    struct device_row device;

    if ((err = tx_device_by_no(tx, l->device, &device)) != MU_OK || is_settled(&device, l))
        return err;
    device.place = *l->place;
    device.place_source = PLACE_LOCATED;
    device.has_coordinates = l->has_coordinates;
    device.longitude = l->has_coordinates ? l->longitude : 0;
    device.latitude = l->has_coordinates ? l->latitude : 0;
    return tx_put_device(tx, &device);
}

enum mu_err registry_locate_device(struct registry *reg, uint32_t device, const struct place *place,
                                   bool has_coordinates, double longitude, double latitude)
{
    struct locating l = { device, place, has_coordinates, longitude, latitude };
    enum mu_err err;

    assert(place);
    if ((err = registry_read(reg, ask_whether_settled, &l)) == MU_E_EXISTS)
        return MU_OK;
    return err == MU_OK ? registry_write(reg, locate, &l) : err;
}

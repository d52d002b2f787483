/* Devices: which device an entry means (by its did, or by product and mac), where it is, in which group its mac is. */
#include "transfer/apply_entry.h"

#include <stdlib.h>

#include "base/random.h"
#include "model/mac.h"

static const struct apply_field fields[] = {
    OTHER_FIELD("product_key"),
    OWN_FIELD("mac", device_row, mac),
    OWN_FIELD("did", device_row, did),
    OWN_FIELD("passcode", device_row, passcode),
    { "type", APPLY_WORD, offsetof(struct device_row, type), sizeof(enum device_type), device_type_words, CELL_TEXT },
    FIELD("device_sn", APPLY_CODE, device_row, device_sn),
    FIELD("is_disabled", APPLY_BOOL, device_row, is_disabled),
    FIELD("is_barred", APPLY_BOOL, device_row, is_barred),
    FIELD("created_at", APPLY_TIME, device_row, created_at),
    FIELD("country", APPLY_TEXT, device_row, place.country),
    FIELD("region", APPLY_TEXT, device_row, place.region),
    FIELD("city", APPLY_TEXT, device_row, place.city),
    OWN_CELL("longitude", device_row, longitude, CELL_NUMBER),
    OWN_CELL("latitude", device_row, latitude, CELL_NUMBER),
    OWN_CELL("is_located", device_row, place_source, CELL_BOOL),
    OWN_FIELD("gid", device_row, group),
};
const struct apply_field_list apply_device_fields = FIELD_LIST(fields);

static const struct device_row defaults = { 0 };

/* --- which device ---------------------------------------------------------------------------------*/

/* What an entry gives to say which device it means. */
struct identity {
    uint32_t product;
    char mac[LIMIT_MAC + 1], did[DID_LEN + 1];
    enum given has_product, has_mac, has_did;
};

static enum mu_err read_identity(const struct apply_entry *e, struct identity *id)
{
    memset(id, 0, sizeof(*id));
    id->has_did = apply_text(e, "did", did_valid, "22 characters without 0 O 1 I l", id->did, sizeof(id->did));
    id->has_mac =
        apply_text(e, "mac", mac_valid, "1 to 64 printable characters without blanks", id->mac, sizeof(id->mac));
    if (e->apply->mac_lower)
        mac_make_plain(id->mac);
    enum mu_err err = apply_product_named(e, &id->has_product);
    id->product = e->apply->product.no;
    return err;
}

/* A device's product and mac never change under its number, since reports and the log refer to the number. */
static void check_identity(const struct apply_entry *e, const struct identity *id, const struct device_row *row)
{
    if (id->has_product == GIVEN_WELL && row->product != id->product)
        apply_mistake(e, "product_key", "the did is a device of another product");
    if (id->has_mac == GIVEN_WELL && strcmp(row->mac, id->mac) != 0)
        apply_mistake(e, "mac", "the did has another mac");
}

static void begin_device(const struct apply_entry *e, const struct identity *id, struct device_row *row)
{
    if (id->has_product == GIVEN_NOT)
        apply_mistake(e, "product_key", "missing");
    if (id->has_mac == GIVEN_NOT)
        apply_mistake(e, "mac", "missing");
    memcpy(row, &defaults, sizeof(*row));
    row->product = id->product;
    row->created_at = e->apply->now_s;
    memcpy(row->mac, id->mac, sizeof(row->mac));
    memcpy(row->did, id->did, sizeof(row->did));
    if (id->has_did == GIVEN_NOT) {
        did_new(row->did);
        apply_generated(e, "device", row->mac, "did", row->did);
    }
}

/* MU_E_NOT_FOUND also if a mistake was reported. */
static enum mu_err find_identified(const struct apply_entry *e, const struct identity *id, struct device_row *row)
{
    if (id->has_did == GIVEN_WELL)
        return tx_device_by_did(e->apply->tx, id->did, row);
    if (id->has_did == GIVEN_NOT && id->has_product == GIVEN_WELL && id->has_mac == GIVEN_WELL)
        return tx_device_by_mac(e->apply->tx, id->product, id->mac, row);
    return MU_E_NOT_FOUND;
}

/* Finds the device by did, or else by product and mac, or begins a new one. */
static enum mu_err find(const struct apply_entry *e, struct device_row *row)
{
    struct identity id;
    enum mu_err err;

    if ((err = read_identity(e, &id)) != MU_OK)
        return err;
    err = find_identified(e, &id, row);
    if (err == MU_OK)
        check_identity(e, &id, row);
    else if (err == MU_E_NOT_FOUND)
        begin_device(e, &id, row);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err apply_device_named(const struct apply_entry *e, struct device_row *row)
{
    unsigned mistakes = e->apply->mistakes;
    struct identity id;
    enum mu_err err;

    if ((err = read_identity(e, &id)) != MU_OK)
        return err;
    err = find_identified(e, &id, row);
    if (err == MU_OK)
        check_identity(e, &id, row);
    else if (err == MU_E_NOT_FOUND && id.has_did == GIVEN_WELL)
        apply_mistake(e, "did", "there is no such device");
    else if (err == MU_E_NOT_FOUND && id.has_product == GIVEN_WELL && id.has_mac == GIVEN_WELL)
        apply_mistake(e, "mac", "the product has no such device");
    else if (err == MU_E_NOT_FOUND && e->apply->mistakes == mistakes)
        apply_mistake(e, "did", "missing; or product_key and mac");
    return err == MU_OK && e->apply->mistakes != mistakes ? MU_E_NOT_FOUND : err;
}

/* --- passcode -------------------------------------------------------------------------------------*/

/* Ten letters and digits, like those that the modules in the field make: 59 bits. */
static void new_passcode(char out[LIMIT_PASSCODE + 1])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t number;

    random_bytes(&number, sizeof(number));
    memset(out, 0, LIMIT_PASSCODE + 1);
    for (int i = 0; i < 10; i++, number /= sizeof(alphabet) - 1)
        out[i] = alphabet[number % (sizeof(alphabet) - 1)];
}

static void read_passcode(const struct apply_entry *e, struct device_row *row)
{
    enum given given = apply_text(e, "passcode", passcode_valid, "1 to 32 printable characters without blanks",
                                  row->passcode, sizeof(row->passcode));
    if (given != GIVEN_NOT || row->no)
        return;
    new_passcode(row->passcode);
    apply_generated(e, "device", row->did, "passcode", row->passcode);
}

/* --- place ----------------------------------------------------------------------------------------*/

static void read_coordinate(const struct apply_entry *e, const char *field, double bound, double *value, bool *set)
{
    const struct value *v = apply_value(e, field);

    if (!v)
        return;
    *set = (v->type == VALUE_INTEGER || v->type == VALUE_REAL) && v->real >= -bound && v->real <= bound;
    *value = *set ? v->real : 0;
    if (!*set && v->type != VALUE_NULL)
        apply_mistake(e, field, "must be a number from %g to %g", -bound, bound);
}

static void read_coordinates(const struct apply_entry *e, struct device_row *row)
{
    bool has_longitude = row->has_coordinates, has_latitude = row->has_coordinates;

    read_coordinate(e, "longitude", 180, &row->longitude, &has_longitude);
    read_coordinate(e, "latitude", 90, &row->latitude, &has_latitude);
    row->has_coordinates = has_longitude && has_latitude;
    if (has_longitude != has_latitude)
        apply_mistake(e, has_longitude ? "latitude" : "longitude", "longitude and latitude go together");
}

static bool has_place(const struct device_row *row)
{
    return row->has_coordinates || *row->place.country || *row->place.region || *row->place.city;
}

/* A place that the operator gives replaces a located one as a whole. If the operator gives none, the located one
 * stays. */
static void read_fields(const struct apply_entry *e, struct device_row *row)
{
    struct device_row located;
    bool is_located = row->place_source == PLACE_LOCATED;

    memcpy(&located, row, sizeof(located));
    if (is_located) {
        memset(&row->place, 0, sizeof(row->place));
        row->has_coordinates = false;
        row->longitude = row->latitude = 0;
    }
    apply_fields(e, fields, sizeof(fields) / sizeof(*fields), row, &defaults);
    read_coordinates(e, row);

    if (!row->is_disabled && apply_is_true(e, "is_barred"))
        apply_mistake(e, "is_barred", "only a disabled device can be");
    row->is_barred &= row->is_disabled;

    bool by_address = false;
    apply_bool(e, "is_located", &by_address);
    if (has_place(row)) {
        row->place_source = by_address ? PLACE_LOCATED : PLACE_CONFIGURED;
    } else if (is_located) {
        memcpy(&row->place, &located.place, sizeof(row->place));
        row->has_coordinates = located.has_coordinates;
        row->longitude = located.longitude;
        row->latitude = located.latitude;
    } else {
        row->place_source = PLACE_NONE;
    }
}

/* --- group ----------------------------------------------------------------------------------------*/

/* Reads the group that the entry names. Without one, a new device gets the group of the mac's other registrations. */
static enum mu_err read_group(const struct apply_entry *e, struct device_row *row, bool *named)
{
    enum given given;
    struct group_row group;
    enum mu_err err;

    *named = apply_value(e, "gid") != NULL;
    if (!*named)
        return row->no || !e->apply->has_groups ? MU_OK
                                                : tx_group_of_mac(e->apply->tx, row->product, row->mac, &row->group);
    row->group = 0;
    if (apply_is_null(e, "gid"))
        return MU_OK;
    err = apply_reference(e, "gid", "group", tx_group_by_gid, &given, &group);
    if (err != MU_OK || given != GIVEN_WELL)
        return err;
    row->group = group.no;
    if (group.product != row->product)
        apply_mistake(e, "gid", "it is a group of another product");
    return MU_OK;
}

/* A group contains macs, so the mac's other registrations get the same group. */
static enum mu_err move_others(const struct apply_entry *e, const struct device_row *row)
{
    uint32_t *devices;
    size_t count;
    struct device_row other;
    enum mu_err err = tx_devices_of_mac(e->apply->tx, row->product, row->mac, &devices, &count);

    for (size_t i = 0; i < count && err == MU_OK; i++) {
        if (devices[i] == row->no || (err = tx_device_by_no(e->apply->tx, devices[i], &other)) != MU_OK ||
            other.group == row->group)
            continue;
        other.group = row->group;
        err = tx_put_device(e->apply->tx, &other);
    }
    free(devices);
    return err;
}

/* --- the entry ------------------------------------------------------------------------------------*/

static enum mu_err tell_conflict(const struct apply_entry *e, const struct device_row *row)
{
    struct device_row other;
    enum mu_err err = tx_device_by_passcode(e->apply->tx, row->product, row->mac, row->passcode, &other);

    if (err == MU_OK && other.no != row->no)
        apply_mistake(e, "passcode", "another did of this mac (%s) has it", other.did);
    else if (err == MU_OK || err == MU_E_NOT_FOUND)
        apply_mistake(e, "is_disabled", "another did of this mac is enabled");
    else
        return err;
    return MU_OK;
}

static enum mu_err put(const struct apply_entry *e, const struct device_row *before, struct device_row *row,
                       bool group_named)
{
    const struct apply_change change = APPLY_CHANGE(KIND_DEVICE, row->did, before, row);
    enum mu_err err = MU_OK;

    if (apply_differs(&change)) {
        err = tx_put_device(e->apply->tx, row);
        if (err == MU_E_EXISTS)
            return tell_conflict(e, row);
        if (err == MU_OK && group_named)
            err = move_others(e, row);
    }
    if (err != MU_OK || (err = apply_count(e, &change)) != MU_OK)
        return err;
    return before->no ? MU_OK : apply_see(e, row->no);
}

enum mu_err apply_device(const struct apply_entry *e)
{
    unsigned mistakes = e->apply->mistakes;
    struct device_row row, before;
    bool group_named;
    enum mu_err err;

    memset(&row, 0, sizeof(row));
    if ((err = find(e, &row)) != MU_OK)
        return err;
    bool created = row.no == 0;
    memcpy(&before, &row, sizeof(row));
    read_fields(e, &row);
    read_passcode(e, &row);
    if ((err = read_group(e, &row, &group_named)) != MU_OK || (!created && (err = apply_see(e, row.no)) != MU_OK) ||
        (e->apply->told && (err = apply_told(e)) != MU_OK))
        return err;
    if (e->apply->mistakes != mistakes)
        return MU_OK;

    if ((err = put(e, &before, &row, group_named)) == MU_OK && e->apply->mistakes == mistakes)
        apply_note_mac(e->apply, row.product, row.mac);
    return err;
}

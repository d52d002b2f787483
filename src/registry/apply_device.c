#include "registry/apply_entry.h"

#include "base/random.h"

static const struct field fields[] = {
    OTHER_FIELD("product_key"),
    OWN_FIELD("mac", device_row, mac),
    OWN_FIELD("did", device_row, did),
    OWN_FIELD("passcode", device_row, passcode),
    OWN_FIELD("longitude", device_row, longitude),
    OWN_FIELD("latitude", device_row, latitude),
    { "type", FIELD_WORD, offsetof(struct device_row, type), sizeof(enum device_type),
      device_type_words },
    FIELD("device_sn", FIELD_TEXT, device_row, device_sn),
    FIELD("is_disabled", FIELD_BOOL, device_row, is_disabled),
    FIELD("created_at", FIELD_TIME, device_row, created_at),
    FIELD("country", FIELD_TEXT, device_row, place.country),
    FIELD("region", FIELD_TEXT, device_row, place.region),
    FIELD("city", FIELD_TEXT, device_row, place.city),
};

static const struct device_row defaults = { 0 };

/* --- which device ---------------------------------------------------------------------------------*/

static enum mu_err read_product(const struct entry *e, enum given *given, struct product_row *product)
{
    char key[ID_HEX_LEN + 1];
    enum mu_err err;

    *given = apply_id(e, "product_key", key);
    if (*given != GIVEN_WELL)
        return MU_OK;
    if ((err = tx_product_by_key(e->apply->tx, key, product)) == MU_E_NOT_FOUND) {
        apply_mistake(e, "product_key", "there is no such product");
        *given = GIVEN_WRONG;
        return MU_OK;
    }
    return err;
}

/* What an entry says about which device it means. */
struct identity {
    struct product_row product;
    char mac[LIMIT_MAC + 1], did[DID_LEN + 1];
    enum given has_product, has_mac, has_did;
};

static enum mu_err read_identity(const struct entry *e, struct identity *id)
{
    memset(id, 0, sizeof(*id));
    id->has_did = apply_text(e, "did", did_valid, "22 characters without 0 O 1 I l", id->did,
                             sizeof(id->did));
    id->has_mac = apply_text(e, "mac", mac_valid, "1 to 64 printable characters without blanks",
                             id->mac, sizeof(id->mac));
    return read_product(e, &id->has_product, &id->product);
}

/* What a device is never changes under its number: reports and the log hang on it. */
static void check_identity(const struct entry *e, const struct identity *id,
                           const struct device_row *row)
{
    if (id->has_product == GIVEN_WELL && row->product != id->product.no)
        apply_mistake(e, "product_key", "the did is a device of another product");
    if (id->has_mac == GIVEN_WELL && strcmp(row->mac, id->mac) != 0)
        apply_mistake(e, "mac", "the did has another mac");
}

static void begin_device(const struct entry *e, const struct identity *id, struct device_row *row)
{
    if (id->has_product == GIVEN_NOT)
        apply_mistake(e, "product_key", "missing");
    if (id->has_mac == GIVEN_NOT)
        apply_mistake(e, "mac", "missing");
    memcpy(row, &defaults, sizeof(*row));
    row->product = id->product.no;
    row->created_at = e->apply->now_s;
    memcpy(row->mac, id->mac, sizeof(row->mac));
    memcpy(row->did, id->did, sizeof(row->did));
    if (id->has_did == GIVEN_NOT) {
        did_new(row->did);
        apply_generated(e, "device", row->mac, "did", row->did);
    }
}

/* Finds the device by did, or else by product and mac, or begins a new one. *good is false if that
 * was not possible, which is told. */
static enum mu_err find(const struct entry *e, struct device_row *row, bool *good)
{
    unsigned mistakes = e->apply->mistakes;
    struct identity id;
    enum mu_err err;

    if ((err = read_identity(e, &id)) != MU_OK)
        return err;
    err = MU_E_NOT_FOUND;
    if (id.has_did == GIVEN_WELL)
        err = tx_device_by_did(e->apply->tx, id.did, row);
    else if (id.has_did == GIVEN_NOT && id.has_product == GIVEN_WELL && id.has_mac == GIVEN_WELL)
        err = tx_device_by_mac(e->apply->tx, id.product.no, id.mac, row);
    if (err != MU_OK && err != MU_E_NOT_FOUND)
        return err;

    if (err == MU_OK)
        check_identity(e, &id, row);
    else
        begin_device(e, &id, row);
    *good = e->apply->mistakes == mistakes;
    return MU_OK;
}

/* --- passcode -------------------------------------------------------------------------------------*/

/* Ten letters and digits, as the modules in the field make them: 59 bits. */
static void new_passcode(char out[LIMIT_PASSCODE + 1])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t number;

    random_bytes(&number, sizeof(number));
    memset(out, 0, LIMIT_PASSCODE + 1);
    for (int i = 0; i < 10; i++, number /= sizeof(alphabet) - 1)
        out[i] = alphabet[number % (sizeof(alphabet) - 1)];
}

static void read_passcode(const struct entry *e, struct device_row *row)
{
    enum given given = apply_text(e, "passcode", passcode_valid,
                                  "1 to 32 printable characters without blanks", row->passcode,
                                  sizeof(row->passcode));
    if (given != GIVEN_NOT || row->no)
        return;
    new_passcode(row->passcode);
    apply_generated(e, "device", row->did, "passcode", row->passcode);
}

/* --- place ----------------------------------------------------------------------------------------*/

static void read_coordinate(const struct entry *e, const char *field, double bound, double *value,
                            bool *set)
{
    const json_t *json = json_object_get(e->json, field);
    double v = json_number_value(json);

    if (!json)
        return;
    *set = json_is_number(json) && v >= -bound && v <= bound;
    *value = *set ? v : 0;
    if (!*set && !json_is_null(json))
        apply_mistake(e, field, "must be a number from %g to %g", -bound, bound);
}

static void read_coordinates(const struct entry *e, struct device_row *row)
{
    bool has_longitude = row->has_coordinates, has_latitude = row->has_coordinates;

    read_coordinate(e, "longitude", 180, &row->longitude, &has_longitude);
    read_coordinate(e, "latitude", 90, &row->latitude, &has_latitude);
    row->has_coordinates = has_longitude && has_latitude;
    if (has_longitude != has_latitude)
        apply_mistake(e, has_longitude ? "latitude" : "longitude",
                      "longitude and latitude go together");
}

static bool has_place(const struct device_row *row)
{
    return row->has_coordinates || *row->place.country || *row->place.region || *row->place.city;
}

/* A place that the operator gives replaces a located one altogether; as long as he gives none, the
 * located one stays. */
static void read_fields(const struct entry *e, struct device_row *row)
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

    if (has_place(row)) {
        row->place_source = PLACE_CONFIGURED;
    } else if (is_located) {
        memcpy(&row->place, &located.place, sizeof(row->place));
        row->has_coordinates = located.has_coordinates;
        row->longitude = located.longitude;
        row->latitude = located.latitude;
    } else {
        row->place_source = PLACE_NONE;
    }
}

/* --- the entry ------------------------------------------------------------------------------------*/

static enum mu_err tell_conflict(const struct entry *e, const struct device_row *row)
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

enum mu_err apply_device(const struct entry *e)
{
    struct device_row row, before;
    bool good;
    enum mu_err err;

    memset(&row, 0, sizeof(row));
    if ((err = find(e, &row, &good)) != MU_OK)
        return err;
    bool created = row.no == 0;
    memcpy(&before, &row, sizeof(row));
    read_fields(e, &row);
    read_passcode(e, &row);
    if (!good)
        return MU_OK;

    if (!created && memcmp(&before, &row, sizeof(row)) == 0) {
        e->tally->unchanged++;
        return apply_see(e, row.no);
    }
    *(created ? &e->tally->created : &e->tally->updated) += 1;
    /* A group holds macs: another registration of one belongs to it, too. */
    if (created && (err = tx_group_of_mac(e->apply->tx, row.product, row.mac, &row.group)) != MU_OK)
        return err;
    if ((err = tx_put_device(e->apply->tx, &row)) == MU_E_EXISTS)
        return tell_conflict(e, &row);
    if (err == MU_OK)
        err = apply_audit(e, KIND_DEVICE, row.did, fields, sizeof(fields) / sizeof(*fields), &before, &row,
                          "");
    return err == MU_OK ? apply_see(e, row.no) : err;
}

/* The rows of devices. */
#include <stdlib.h>

#include "sql/sql_registry.h"

void db_row_device(struct db_row *row, void *out)
{
    struct device_row *device = out;

    memset(device, 0, sizeof(*device));
    device->no = col_no(row);
    device->product = col_no(row);
    col_text(row, device->did, sizeof(device->did));
    col_text(row, device->mac, sizeof(device->mac));
    col_text(row, device->passcode, sizeof(device->passcode));
    col_text(row, device->device_sn, sizeof(device->device_sn));
    device->type = (enum device_type)col_int(row);
    device->is_disabled = col_int(row) != 0;
    device->created_at = col_int(row);
    col_text(row, device->place.country, sizeof(device->place.country));
    col_text(row, device->place.region, sizeof(device->place.region));
    col_text(row, device->place.city, sizeof(device->place.city));
    device->place_source = (enum place_source)col_int(row);
    device->longitude = col_real(row, &device->has_coordinates);
    device->latitude = col_real(row, &device->has_coordinates);
    device->group = col_no(row);
    device->is_barred = col_int(row) != 0;
}

#define DEVICE_WHERE "SELECT " DEVICE_COLUMNS " FROM device d WHERE "

const char db_device_by_did[] = DEVICE_WHERE "d.did = $1";

enum mu_err tx_device_by_did(struct registry_tx *tx, const char *did, struct device_row *out)
{
    return db_get(tx->db, db_device_by_did, DB_VALUES(db_text(did)), db_row_device, out);
}

const char db_device_by_no[] = DEVICE_WHERE "d.no = $1";

enum mu_err tx_device_by_no(struct registry_tx *tx, uint32_t no, struct device_row *out)
{
    return db_get(tx->db, db_device_by_no, DB_VALUES(db_int(no)), db_row_device, out);
}

const char db_device_by_mac[] = DEVICE_WHERE "d.product = $1 AND d.mac = $2 ORDER BY d.is_disabled, d.no DESC LIMIT 1";

enum mu_err tx_device_by_mac(struct registry_tx *tx, uint32_t product, const char *mac, struct device_row *out)
{
    return db_get(tx->db, db_device_by_mac, DB_VALUES(db_int(product), db_text(mac)), db_row_device, out);
}

enum mu_err tx_device_by_mac_alone(struct registry_tx *tx, const char *mac, struct device_row *out)
{
    uint32_t *products;
    size_t count;
    enum mu_err err = db_numbers(tx->db,
                                 "SELECT no FROM product p "
                                 "WHERE EXISTS (SELECT 1 FROM device d WHERE d.product = p.no AND d.mac = $1) LIMIT 2",
                                 DB_VALUES(db_text(mac)), &products, &count);

    if (err == MU_OK)
        err = count == 0 ? MU_E_NOT_FOUND : count > 1 ? MU_E_EXISTS : tx_device_by_mac(tx, products[0], mac, out);
    free(products);
    return err;
}

enum mu_err tx_device_by_passcode(struct registry_tx *tx, uint32_t product, const char *mac, const char *passcode,
                                  struct device_row *out)
{
    return db_get(tx->db, DEVICE_WHERE "d.product = $1 AND d.mac = $2 AND d.passcode = $3",
                  DB_VALUES(db_int(product), db_text(mac), db_text(passcode)), db_row_device, out);
}

struct mac_wanted {
    const char *passcode;
    struct mac_look *out;
    uint32_t grouped; /* the youngest device that is in a group */
};

static enum mu_err look_at(void *ctx, struct db_row *row)
{
    struct mac_wanted *wanted = ctx;
    struct mac_look *out = wanted->out;
    struct device_row device;

    db_row_device(row, &device);
    if (strcmp(device.passcode, wanted->passcode) == 0)
        out->same = device;
    if (!device.is_disabled)
        out->enabled = device;
    if (device.group && device.no > wanted->grouped) {
        wanted->grouped = device.no;
        out->group = device.group;
    }
    return MU_OK;
}

enum mu_err tx_look_at_mac(struct registry_tx *tx, uint32_t product, const char *mac, const char *passcode,
                           struct mac_look *out)
{
    struct mac_wanted wanted = { passcode, out, 0 };

    *out = (struct mac_look){ 0 };
    return db_each(tx->db,
                   DEVICE_WHERE "d.product = $1 AND d.mac = $2 "
                                "AND (d.passcode = $3 OR d.is_disabled = 0 OR d.device_group IS NOT NULL)",
                   DB_VALUES(db_int(product), db_text(mac), db_text(passcode)), look_at, &wanted);
}

const char db_devices_of_mac[] = "SELECT no FROM device WHERE product = $1 AND mac = $2 ORDER BY no";

enum mu_err tx_devices_of_mac(struct registry_tx *tx, uint32_t product, const char *mac, uint32_t **devices,
                              size_t *count)
{
    return db_numbers(tx->db, db_devices_of_mac, DB_VALUES(db_int(product), db_text(mac)), devices, count);
}

/* Whoever looks ahead knows that no other device has the did. If none has the mac, either, this one is alone. */
static enum mu_err look_for_others(struct registry_tx *tx, const struct device_row *row, struct db_reserved *reserved)
{
    uint32_t *others;
    size_t count;
    enum mu_err err = tx_devices_of_mac(tx, row->product, row->mac, &others, &count);

    *reserved = (struct db_reserved){ tx_reserved_number(tx, MAKES_DEVICES), count == 0 };
    free(others);
    return err;
}

enum mu_err tx_put_device(struct registry_tx *tx, struct device_row *row)
{
#define COLUMNS                                                                                                    \
    "product, did, mac, passcode, device_sn, type, is_disabled, created_at, country, region, city, place_source, " \
    "longitude, latitude, device_group, is_barred"
#define VALUES "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16"
    static const struct db_put put = {
        DB_INSERT("INSERT INTO device (" COLUMNS ") VALUES (" VALUES ")"),
        DB_NUMBERED("INSERT INTO device (" COLUMNS ", no) VALUES (" VALUES ", $17)"),
        .update = "UPDATE device SET product = $1, did = $2, mac = $3, passcode = $4, device_sn = $5, type = $6, "
                  "is_disabled = $7, created_at = $8, country = $9, region = $10, city = $11, place_source = $12, "
                  "longitude = $13, latitude = $14, device_group = $15, is_barred = $16 WHERE no = $17",
    };
    struct db_reserved reserved = { 0 };
    enum mu_err err = row->no || !tx->ahead ? MU_OK : look_for_others(tx, row, &reserved);

    if (err == MU_OK)
        err = db_put_numbered(
            tx->db, &put, reserved,
            DB_VALUES(db_int(row->product), db_text(row->did), db_text(row->mac), db_text(row->passcode),
                      db_text(row->device_sn), db_int(row->type), db_int(row->is_disabled), db_int(row->created_at),
                      db_text(row->place.country), db_text(row->place.region), db_text(row->place.city),
                      db_int(row->place_source), db_real(row->has_coordinates, row->longitude),
                      db_real(row->has_coordinates, row->latitude), db_ref(row->group), db_int(row->is_barred)),
            &row->no);

    return err == MU_OK ? feed_add(tx->db, FEED_DEVICE, row->no, 0) : err;
}

#include <assert.h>
#include <string.h>

#include "fleet/fleet_internal.h"

/* Finding a device and copying it out. */

static void copy_text(char *out, size_t room, struct str text)
{
    assert(text.len < room);
    memcpy(out, text.at, text.len);
    out[text.len] = '\0';
}

uint64_t fleet_device_open_boot(const struct fleet *f, struct columns_row r)
{
    return fleet_device_session(r) ? f->boot : r.c->told[r.i].session;
}

void fleet_device_read(const struct fleet *f, uint32_t no, struct columns_row r, struct fleet_device *out)
{
    const struct device_told *told = &r.c->told[r.i];
    uint8_t flags = r.c->flags[r.i];
    struct fleet_device_texts texts = fleet_device_texts(f, r);
    char room[LIMIT_MAC + 1];

    out->no = no;
    out->product = &catalog_product(f, r.c->product[r.i])->pub;
    did_unpack(r.c->did[r.i], out->did);
    copy_text(out->mac, sizeof(out->mac), fleet_device_mac(f, r, room));
    copy_text(out->passcode, sizeof(out->passcode), texts.passcode);
    copy_text(out->device_sn, sizeof(out->device_sn), texts.sn);
    out->type = (enum device_type)(flags >> DEVICE_TYPE_SHIFT);
    out->is_disabled = flags & DEVICE_DISABLED;
    out->is_online = flags & DEVICE_ONLINE;
    out->is_faulty = flags & DEVICE_FAULTY;
    out->is_alert = flags & DEVICE_ALERT;
    out->is_placed = flags & DEVICE_PLACED;
    out->created_at = r.c->created_at[r.i];
    out->activated_at = told->activated_at;
    out->online_latest = told->online_latest;
    out->last_report = r.c->last_report[r.i];
    out->last_message_us = told->last_ts_us;
    out->last_session_us = told->last_session_us;
    out->numbers_reports = told->numbers_reports;
    out->open_boot = fleet_device_open_boot(f, r);
    places_read(&f->places, r.c->place[r.i], &out->place);
    out->has_coordinates = flags & DEVICE_COORDINATES;
    out->longitude = r.c->longitude[r.i] / 1e7;
    out->latitude = r.c->latitude[r.i] / 1e7;
    out->group = r.c->group[r.i];
    versions_read(&f->versions, told->versions, &out->versions);
}

uint32_t fleet_device_find(const struct fleet *f, struct str did)
{
    uint8_t packed[DID_PACKED];
    uint32_t no;

    if (did.len != DID_LEN || !did_pack(did, packed))
        return 0;
    struct index_probe probe = index_probe(&f->by_did, hash_bytes(&f->key, 0, packed, DID_PACKED));
    while ((no = index_next(&probe))) {
        struct columns_row r = columns_row(&f->columns, no);
        assert(r.c);
        if (memcmp(r.c->did[r.i], packed, DID_PACKED) == 0)
            return no;
    }
    return 0;
}

bool fleet_device_has_mac(const struct fleet *f, uint32_t no, uint32_t product, struct str mac)
{
    struct columns_row r = columns_row(&f->columns, no);
    char room[LIMIT_MAC + 1];

    assert(r.c);
    return r.c->product[r.i] == product && str_eq(fleet_device_mac(f, r, room), mac);
}

bool fleet_device_by_did(struct fleet *f, struct str did, struct fleet_device *out)
{
    fleet_read_lock(f);
    uint32_t no = fleet_device_find(f, did);
    if (no)
        fleet_device_read(f, no, columns_row(&f->columns, no), out);
    fleet_unlock(f);
    return no != 0;
}

bool fleet_device_by_no(struct fleet *f, uint32_t no, struct fleet_device *out)
{
    fleet_read_lock(f);
    struct columns_row r = columns_row(&f->columns, no);
    if (r.c)
        fleet_device_read(f, no, r, out);
    fleet_unlock(f);
    return r.c != NULL;
}

/* Of several registrations of a mac, an enabled one comes before a disabled one; then the latest comes first. */
static uint32_t latest_of_mac(const struct fleet *f, uint32_t product, struct str mac)
{
    struct index_probe probe = index_probe(&f->by_mac, fleet_device_hash_mac(f, product, mac));
    uint32_t no, best = 0;
    bool best_enabled = false;

    while ((no = index_next(&probe))) {
        if (!fleet_device_has_mac(f, no, product, mac))
            continue;
        struct columns_row r = columns_row(&f->columns, no);
        bool enabled = !(r.c->flags[r.i] & DEVICE_DISABLED);
        if (!best || enabled > best_enabled || (enabled == best_enabled && no > best)) {
            best = no;
            best_enabled = enabled;
        }
    }
    return best;
}

bool fleet_device_by_mac(struct fleet *f, const struct fleet_product *product, struct str mac, struct fleet_device *out)
{
    fleet_read_lock(f);
    uint32_t no = latest_of_mac(f, product->no, mac);
    if (no)
        fleet_device_read(f, no, columns_row(&f->columns, no), out);
    fleet_unlock(f);
    return no != 0;
}

static bool latest_of_named(struct fleet *f, struct str name, struct fleet_device *out)
{
    const char *slash = memchr(name.at, '/', name.len);
    size_t key_len = slash ? (size_t)(slash - name.at) : 0;
    const struct fleet_product *product = slash ? fleet_product_by_key(f, (struct str){ name.at, key_len }) : NULL;

    return product && fleet_device_by_mac(f, product, (struct str){ slash + 1, name.len - key_len - 1 }, out);
}

bool fleet_device_by_name(struct fleet *f, struct str name, struct fleet_device *out, unsigned *others)
{
    *others = 0;
    if (latest_of_named(f, name, out))
        return true;
    fleet_read_lock(f);
    uint32_t no = fleet_device_find(f, name);
    for (uint32_t product = 1, first = no; !first && product < f->products.count; product++) {
        uint32_t one = f->products.at[product] ? latest_of_mac(f, product, name) : 0;
        *others += no && one;
        no = no ? no : one;
    }
    if (no)
        fleet_device_read(f, no, columns_row(&f->columns, no), out);
    fleet_unlock(f);
    return no != 0;
}

bool fleet_login_find(struct fleet *f, struct str did, struct fleet_login *out)
{
    fleet_read_lock(f);
    uint32_t no = fleet_device_find(f, did);
    if (no) {
        struct columns_row r = columns_row(&f->columns, no);
        out->no = no;
        out->product = &catalog_product(f, r.c->product[r.i])->pub;
        out->is_disabled = r.c->flags[r.i] & DEVICE_DISABLED;
        out->is_placed = r.c->flags[r.i] & DEVICE_PLACED;
        copy_text(out->passcode, sizeof(out->passcode), fleet_device_texts(f, r).passcode);
    }
    fleet_unlock(f);
    return no != 0;
}

uint64_t fleet_device_holder(struct fleet *f, uint32_t no)
{
    fleet_read_lock(f);
    struct columns_row r = columns_row(&f->columns, no);
    uint64_t boot = r.c && r.c->flags[r.i] & DEVICE_ONLINE && !r.c->told[r.i].mine ? r.c->told[r.i].session : 0;
    fleet_unlock(f);
    return boot;
}

bool fleet_device_is_here(struct fleet *f, uint32_t no)
{
    fleet_read_lock(f);
    bool here = fleet_holds_session(f, no);
    fleet_unlock(f);
    return here;
}

bool fleet_session_is(struct fleet *f, uint32_t no, uint64_t login)
{
    fleet_read_lock(f);
    bool is = login && fleet_held_login(f, no) == login;
    fleet_unlock(f);
    return is;
}

void fleet_device_state(struct fleet *f, uint32_t no, const struct fleet_definition **definition, struct buf *out)
{
    size_t len = 0;

    *definition = NULL;
    fleet_read_lock(f);
    struct columns_row r = columns_row(&f->columns, no);
    const uint8_t *image = r.c ? fleet_device_image(f, r, &len) : NULL;
    if (image) {
        *definition = catalog_definition(catalog_product(f, r.c->product[r.i]), r.c->told[r.i].definition);
        buf_append(out, image, len);
    }
    fleet_unlock(f);
}

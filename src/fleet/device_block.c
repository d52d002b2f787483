#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "fleet/fleet_internal.h"

/* A device's two blocks of the pool: its texts, and its state image. */

enum { IMAGE_HEAD = 2 }; /* bytes of length */

/* Before the texts stand the lengths of mac and passcode, and that of the device_sn if there is one. Nearly all macs
 * are pairs of lower-case hex digits; such a mac is kept as bytes. */
enum { TEXT_LEN = 0x7f, MAC_AS_BYTES = 0x80, HAS_SN = 0x80 };
_Static_assert(LIMIT_MAC <= TEXT_LEN && LIMIT_PASSCODE <= TEXT_LEN, "seven bits hold the length");

/* --- texts ----------------------------------------------------------------------------------- */

struct kept {
    const uint8_t *mac;
    size_t mac_len, passcode_len, sn_len;
    bool as_bytes;
};

static struct kept kept_texts(const struct fleet *f, struct columns_row r)
{
    assert(r.c->text[r.i]); /* every device has texts */
    const uint8_t *at = pool_at(&f->pool, r.c->text[r.i]);
    bool has_sn = at[1] & HAS_SN;

    return (struct kept){ at + 2 + has_sn, at[0] & TEXT_LEN, at[1] & TEXT_LEN, has_sn ? at[2] : 0,
                          at[0] & MAC_AS_BYTES };
}

struct str fleet_device_mac(const struct fleet *f, struct columns_row r, char room[LIMIT_MAC + 1])
{
    struct kept k = kept_texts(f, r);

    if (!k.as_bytes)
        return (struct str){ (const char *)k.mac, k.mac_len };
    hex_encode(k.mac, k.mac_len, room);
    return (struct str){ room, 2 * k.mac_len };
}

struct fleet_device_texts fleet_device_texts(const struct fleet *f, struct columns_row r)
{
    struct kept k = kept_texts(f, r);
    const char *passcode = (const char *)k.mac + k.mac_len;

    return (struct fleet_device_texts){ .passcode = { passcode, k.passcode_len },
                                        .sn = { passcode + k.passcode_len, k.sn_len } };
}

static size_t texts_size(size_t mac, size_t passcode, size_t sn)
{
    return (sn ? 3 : 2) + mac + passcode + sn;
}

static bool mac_as_bytes(struct str mac, uint8_t bytes[LIMIT_MAC / 2])
{
    char again[LIMIT_MAC + 1];

    if (hex_decode(mac.at, mac.len, bytes) != MU_OK)
        return false;
    hex_encode(bytes, mac.len / 2, again);
    return memcmp(again, mac.at, mac.len) == 0;
}

uint32_t fleet_device_store_texts(struct fleet *f, struct str mac, struct str passcode, struct str sn)
{
    uint8_t bytes[LIMIT_MAC / 2];

    assert(mac.len <= LIMIT_MAC && passcode.len <= LIMIT_PASSCODE && sn.len <= LIMIT_NAME);
    bool as_bytes = mac_as_bytes(mac, bytes);

    if (as_bytes)
        mac = (struct str){ (const char *)bytes, mac.len / 2 };
    uint32_t block = pool_alloc(&f->pool, texts_size(mac.len, passcode.len, sn.len));
    if (!block)
        return 0;
    uint8_t *at = pool_at(&f->pool, block);
    *at++ = (uint8_t)(mac.len | (as_bytes ? MAC_AS_BYTES : 0));
    *at++ = (uint8_t)(passcode.len | (sn.len ? HAS_SN : 0));
    if (sn.len)
        *at++ = (uint8_t)sn.len;
    memcpy(at, mac.at, mac.len);
    memcpy(at + mac.len, passcode.at, passcode.len);
    memcpy(at + mac.len + passcode.len, sn.at, sn.len);
    return block;
}

void fleet_device_free_texts(struct fleet *f, struct columns_row r)
{
    struct kept k = kept_texts(f, r);

    pool_free(&f->pool, r.c->text[r.i], texts_size(k.mac_len, k.passcode_len, k.sn_len));
    r.c->text[r.i] = 0;
}

/* --- image ----------------------------------------------------------------------------------- */

const uint8_t *fleet_device_image(const struct fleet *f, struct columns_row r, size_t *len)
{
    uint16_t size;

    if (!r.c->told[r.i].image)
        return NULL;
    const uint8_t *at = pool_at(&f->pool, r.c->told[r.i].image);
    memcpy(&size, at, IMAGE_HEAD);
    *len = size;
    return at + IMAGE_HEAD;
}

void fleet_device_free_image(struct fleet *f, struct columns_row r)
{
    size_t len;

    if (!fleet_device_image(f, r, &len))
        return;
    pool_free(&f->pool, r.c->told[r.i].image, len + IMAGE_HEAD);
    r.c->told[r.i].image = 0;
}

void fleet_device_set_image(struct fleet *f, struct columns_row r, const uint8_t *image, size_t len)
{
    struct device_told *told = &r.c->told[r.i];
    size_t old_len;
    uint16_t size = (uint16_t)len;

    assert(len + IMAGE_HEAD <= POOL_LARGEST);
    if (told->image && (!fleet_device_image(f, r, &old_len) || old_len != len))
        fleet_device_free_image(f, r);
    if (!told->image && !(told->image = pool_alloc(&f->pool, len + IMAGE_HEAD)))
        fleet_out_of_memory();
    uint8_t *at = pool_at(&f->pool, told->image);
    memcpy(at, &size, IMAGE_HEAD);
    memcpy(at + IMAGE_HEAD, image, len);
}

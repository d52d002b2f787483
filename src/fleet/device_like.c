#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fleet/fleet_internal.h"
#include "model/mac.h"

/* Finds a device whose mac is written in another way. There is no index for that: all devices are looked at. They are
 * locked one chunk at a time, so that the committer gets its turn in between. */

struct likeness {
    uint32_t product;        /* 0 = any */
    char mac[LIMIT_MAC + 1]; /* plain */
    char last;               /* the mac's last character in lower case: it is last in every way of writing the mac */
};

static bool is_like(const struct likeness *l, struct str mac)
{
    char plain[LIMIT_MAC + 1];

    if (!mac.len || tolower((unsigned char)mac.at[mac.len - 1]) != l->last || !str_copy(plain, sizeof(plain), mac))
        return false;
    mac_make_plain(plain);
    return strcasecmp(plain, l->mac) == 0;
}

static uint32_t find_in_chunk(struct fleet *f, const struct likeness *l, uint32_t chunk)
{
    char room[LIMIT_MAC + 1];

    for (uint32_t i = 0; f->columns.chunks[chunk] && i < CHUNK_ROWS; i++) {
        struct columns_row r = { f->columns.chunks[chunk], i };
        if (r.c->product[i] && (!l->product || r.c->product[i] == l->product) &&
            is_like(l, fleet_device_mac(f, r, room)))
            return chunk << CHUNK_BITS | i;
    }
    return 0;
}

bool fleet_device_like(struct fleet *f, struct str name, struct fleet_device *out)
{
    const char *slash = memchr(name.at, '/', name.len);
    size_t key_len = slash ? (size_t)(slash - name.at) : 0;
    const struct fleet_product *product = slash ? fleet_product_by_key(f, (struct str){ name.at, key_len }) : NULL;
    struct str mac = slash ? (struct str){ slash + 1, name.len - key_len - 1 } : name;
    struct likeness l = { .product = product ? product->no : 0 };
    bool found = false, more = true;

    if (!mac.len || (slash && !product) || !str_copy(l.mac, sizeof(l.mac), mac))
        return false;
    mac_make_plain(l.mac);
    l.last = (char)tolower((unsigned char)l.mac[strlen(l.mac) - 1]);
    for (uint32_t chunk = 0; !found && more; chunk++) {
        fleet_read_lock(f);
        more = chunk < f->columns.count;
        uint32_t no = more ? find_in_chunk(f, &l, chunk) : 0;
        if (no)
            fleet_device_read(f, no, columns_row(&f->columns, no), out);
        found = no != 0;
        fleet_unlock(f);
    }
    return found;
}

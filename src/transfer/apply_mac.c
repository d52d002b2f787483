/* Macs that are written in another way than modules write them: they are accepted, with a warning if the product also
 * has macs as modules write them. */
#include "model/mac.h"

#include <assert.h>

#include "transfer/apply_entry.h"

void import_mac_tally_add(struct buf *tallies, const struct import_mac_tally *more)
{
    struct import_mac_tally *at = (struct import_mac_tally *)(void *)tallies->data;

    assert(tallies->len % sizeof(*at) == 0);
    /* Searched from the end, since rows of one product usually follow each other. */
    for (size_t i = tallies->len / sizeof(*at); i-- > 0;) {
        if (at[i].product == more->product) {
            at[i].count += more->count;
            return;
        }
    }
    buf_append(tallies, more, sizeof(*more));
}

void apply_note_mac(struct apply *a, uint32_t product, const char *mac)
{
    struct import_mac_tally tally = { .product = product, .count = 1 };

    if (mac_style(str_of(mac)) != MAC_STYLED)
        return;
    assert(strlen(mac) < sizeof(tally.example));
    strcpy(tally.example, mac);
    import_mac_tally_add(&a->styled, &tally);
}

static enum mu_err warn(struct registry_tx *tx, const struct import_mac_tally *tally, struct buf *out)
{
    char plain[sizeof(tally->example)];
    struct product_row product;
    bool beside;
    enum mu_err err;

    if ((err = tx_has_plain_mac(tx, tally->product, &beside)) != MU_OK || !beside ||
        (err = tx_product_by_no(tx, tally->product, &product)) != MU_OK)
        return err;
    memcpy(plain, tally->example, sizeof(plain));
    mac_make_plain(plain);
    buf_printf(out,
               "product %s: %u mac%s with capitals or separators (such as %s) beside lower-case ones of the "
               "product: a device that registers as %s will be another one; if it is the same, delete these and take "
               "them again with --mac lower\n",
               product.product_key, tally->count, tally->count == 1 ? "" : "s", tally->example, plain);
    return MU_OK;
}

enum mu_err apply_mac_warnings(struct registry_tx *tx, const struct import_mac_tally *styled, size_t count,
                               struct buf *out)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < count && err == MU_OK; i++) {
        err = warn(tx, &styled[i], out);
        if (err == MU_E_NOT_FOUND) /* the product was deleted in the meantime */
            err = MU_OK;
    }
    return err;
}

struct warnings {
    const struct import_mac_tally *styled;
    size_t count;
    struct buf *out;
};

static enum mu_err read_warnings(struct registry_tx *tx, void *arg)
{
    const struct warnings *w = arg;

    return apply_mac_warnings(tx, w->styled, w->count, w->out);
}

enum mu_err import_warnings(struct registry *reg, const struct import_mac_tally *styled, size_t count, struct buf *out)
{
    struct warnings w = { styled, count, out };

    return registry_read(reg, read_warnings, &w);
}

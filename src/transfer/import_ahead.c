/* Which of the next rows are looked at together (registry/apply_rows.h), so that a registry over a network is not asked
 * for each by itself. A row that could be about the same thing as one before it begins anew. A row that does not say
 * plainly what it is about is taken alone. */
#include "transfer/import_ahead.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"
#include "model/mac.h"

struct import_ahead {
    bool unused; /* a group may be the parent of the next one: so much changes what is read */
    struct tx_ahead tx;
    struct row_names rows[AHEAD_ROWS];
    char macs[AHEAD_ROWS][LIMIT_MAC + 1];
    /* Hashes of what the rows are about. Of two that are equal by chance, the second one only begins anew. */
    uint64_t about[2 * AHEAD_ROWS];
    size_t count, about_count;
    size_t left; /* rows that have been looked at and come next */
    struct values values;
};

struct import_ahead *import_ahead_new(enum import_kind kind)
{
    struct import_ahead *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->unused = kind == IMPORT_GROUPS;
    a->tx.makes = kind == IMPORT_USERS ? MAKES_USERS : kind == IMPORT_DEVICES ? MAKES_DEVICES : MAKES_NEITHER;
    return a;
}

void import_ahead_free(struct import_ahead *a)
{
    if (!a)
        return;
    values_free(&a->values);
    free(a);
}

/* --- one row --------------------------------------------------------------------------------------*/

/* false: it is given, and is not such a text. *out is NULL: it is not given. */
static bool take(const struct import_ahead *a, const char *field, bool (*valid)(struct str), const char **out)
{
    const struct value *v = values_find(&a->values, field);

    *out = v ? v->text.at : NULL;
    return !v || (v->type == VALUE_TEXT && valid(v->text));
}

static bool take_names(struct import_ahead *a, bool mac_lower, struct row_names *row)
{
    char *plain = a->macs[a->count];
    const char *mac;

    if (!take(a, "product_key", id_is_hex, &row->product_key) || !take(a, "mac", mac_valid, &mac) ||
        !take(a, "did", did_valid, &row->did) || !take(a, "gid", id_is_hex, &row->gid) ||
        !take(a, "uid", id_is_hex, &row->uid) || !take(a, "appid", id_is_hex, &row->appid))
        return false;
    if (mac && !str_copy(plain, LIMIT_MAC + 1, str_of(mac)))
        return false;
    if (mac && mac_lower)
        mac_make_plain(plain);
    row->mac = mac ? plain : NULL;
    return true;
}

/* false: a row before it is about that, too. */
static bool is_about(struct import_ahead *a, const char *what, const char *of)
{
    uint64_t hash = XXH3_64bits(what, strlen(what));

    if (of)
        hash = XXH3_64bits_withSeed(of, strlen(of), hash);
    for (size_t i = 0; i < a->about_count; i++) {
        if (a->about[i] == hash)
            return false;
    }
    a->about[a->about_count++] = hash;
    return true;
}

/* Bindings change no user and no device. */
static bool can_join(struct import_ahead *a, const struct row_names *row)
{
    switch (a->tx.makes) {
    case MAKES_USERS: return row->uid && is_about(a, row->uid, NULL);
    case MAKES_DEVICES:
        return row->product_key && row->mac && is_about(a, row->mac, row->product_key) &&
               (!row->did || is_about(a, row->did, NULL));
    case MAKES_NEITHER: break;
    }
    return true;
}

/* --- the next rows --------------------------------------------------------------------------------*/

static enum mu_err look(struct import_ahead *a, const struct apply *apply, struct str rows)
{
    enum mu_err err = MU_OK;

    a->count = a->about_count = 0;
    for (size_t line; a->count < AHEAD_ROWS && rows.len; a->count++) {
        struct row_names *row = &a->rows[a->count];
        if ((err = values_row_take(&rows, &line, &a->values)) != MU_OK)
            return err;
        if (!take_names(a, apply->mac_lower, row) || !can_join(a, row))
            break;
    }
    a->left = a->count ? a->count : 1;
    return tx_look_ahead(apply->tx, &a->tx, a->rows, a->count);
}

enum mu_err import_look_ahead(struct import_ahead *a, const struct apply *apply, struct str rows)
{
    enum mu_err err = MU_OK;

    if (a->unused || !tx_can_look_ahead(apply->tx))
        return MU_OK;
    if (a->left == 0)
        err = look(a, apply, rows);
    if (err == MU_OK)
        a->left--;
    return err;
}

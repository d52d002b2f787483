#ifndef MUSTER_REGISTRY_APPLY_ROWS_H
#define MUSTER_REGISTRY_APPLY_ROWS_H

#include "registry/registry.h"

/* What apply and import ask the registry in addition to reading rows. MU_E_NOT_FOUND: there is none. */

/* The oldest enterprise, product or app with a name: its number and id. */
MU_MUST_USE enum mu_err tx_named(struct registry_tx *tx, enum registry_kind kind, const char *name, uint32_t *no,
                                 char id[ID_HEX_LEN + 1]);
/* The oldest user of an app with this login. */
enum user_login { LOGIN_USERNAME, LOGIN_PHONE, LOGIN_EMAIL };
MU_MUST_USE enum mu_err tx_user_like(struct registry_tx *tx, uint32_t app, enum user_login by, const char *text,
                                     char uid[ID_HEX_LEN + 1]);
/* Whether a product has a mac that is written as modules write it: 12 digits, at least one of them a lower-case
 * letter. */
MU_MUST_USE enum mu_err tx_has_plain_mac(struct registry_tx *tx, uint32_t product, bool *has);

/* --- looking ahead --------------------------------------------------------------------------------
 * A registry that is far away is asked once for what many rows of an import will read, and not for each of them. What
 * they read then is of that moment. So no two of these rows may be about the same device or user, under any of the names
 * that they give. */
enum { AHEAD_ROWS = 256 };

/* What a row names; NULL: nothing. Of a row that may make a device or a user, the caller has found these texts valid. */
struct row_names {
    const char *product_key, *mac, *did, *gid, *uid, *appid;
};

/* For all rows of a transaction; { .makes = … } at first. */
struct tx_ahead {
    enum ahead_makes { MAKES_NEITHER, MAKES_USERS /* uid is set */, MAKES_DEVICES /* product_key and mac are */ } makes;
    uint32_t numbers[AHEAD_ROWS]; /* private: reserved for new rows. What is left of them is lost */
    size_t next, count;
};

/* Whether it is of use. If not, tx_look_ahead must not be called. */
bool tx_can_look_ahead(const struct registry_tx *tx);
/* These rows come next; count may be 0: then what the next row reads is read when it is. `ahead` must live until
 * tx_end_ahead. */
MU_MUST_USE enum mu_err tx_look_ahead(struct registry_tx *tx, struct tx_ahead *ahead, const struct row_names *rows,
                                      size_t count);
void tx_end_ahead(struct registry_tx *tx);

#endif

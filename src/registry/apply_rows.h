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

#endif

#ifndef MUSTER_REGISTRY_FAKE_REGISTRY_H
#define MUSTER_REGISTRY_FAKE_REGISTRY_H

#include "registry/registry.h"

/* The part of the registry that a follower sees, for tests. Rows are visited in the order in which the test puts them
 * in, so it puts parents before children. Any thread. */
struct registry *fake_registry_new(void);
void fake_registry_free(struct registry *reg);

void fake_put_enterprise(struct registry *reg, const struct enterprise_row *row);
void fake_put_product(struct registry *reg, const struct product_row *row);
void fake_put_definition(struct registry *reg, uint32_t product, uint32_t version, const char *json);
void fake_associate(struct registry *reg, uint32_t enterprise, uint32_t product, bool removed);
enum { FAKE_APP_PRODUCTS = 4 };
void fake_put_app(struct registry *reg, uint32_t no, const uint32_t *products, size_t count);
void fake_put_user(struct registry *reg, const struct user_brief *row);
void fake_bind(struct registry *reg, const struct bound_row *row);
void fake_first_bound(struct registry *reg, uint32_t product, uint32_t user, int64_t since);
void fake_put_group(struct registry *reg, const struct group_row *row);
void fake_put_device(struct registry *reg, const struct device_row *row);
void fake_put_token(struct registry *reg, const struct token_row *row, bool removed);
void fake_delete(struct registry *reg, enum registry_kind kind, uint32_t no);

/* The next visits of changes end with err. */
void fake_registry_fail(struct registry *reg, enum mu_err err);
/* The next visits of everything end with err instead of the row at that place, counted from 0; MU_OK: no longer. */
void fake_registry_fail_at(struct registry *reg, size_t place, enum mu_err err);
/* Forgets all rows; the test puts those in again that shall exist. Followers are then too far behind. */
void fake_registry_clear(struct registry *reg);

/* --- rows with everything that a test does not care for filled in ---------------------------- */

/* Keys and ids are made from the number: hex digits, or a did. */
void fake_hex(char out[ID_HEX_LEN + 1], uint32_t no);
void fake_did(char out[DID_LEN + 1], uint32_t no);
struct product_row fake_product(uint32_t no);
struct enterprise_row fake_enterprise(uint32_t no);
struct device_row fake_device(uint32_t no, uint32_t product);

/* Points: switch (writable bool), level (writable uint8), Alert_Hot, Fault_Broken. A report is
 * 04 <switch> <level> <alert> <fault>. The second definition has variable length, and `mode` (writable enum of 2)
 * behind the switch: 14 <flags, bit = id> <bits> <level>, each only if it is told. */
extern const char fake_definition[], fake_definition_2[];

#endif

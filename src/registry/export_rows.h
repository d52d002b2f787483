#ifndef MUSTER_REGISTRY_EXPORT_ROWS_H
#define MUSTER_REGISTRY_EXPORT_ROWS_H

#include "base/json_out.h"
#include "registry/registry.h"

/* What an export reads, page by page. export.c writes it as JSON. */

struct apply_field_list;
/* Writes the fields of a row that apply_fields reads. An empty text is not set, and is left out. */
void export_fields(struct json_out *j, const struct apply_field_list *list, const void *row);

struct export_slice {
    uint32_t product; /* 0 = any */
    uint32_t after;   /* only numbers greater than this one */
    uint64_t limit;
};

/* The numbers greater than `after`, ascending. Of groups all numbers, a parent before its children. Of users and
 * devices only those of the product. *numbers is malloc'ed. */
MU_MUST_USE enum mu_err tx_export_numbers(struct registry_tx *tx, enum registry_kind kind,
                                          const struct export_slice *slice, uint32_t **numbers, size_t *count);
MU_MUST_USE enum mu_err tx_appid(struct registry_tx *tx, uint32_t app, char appid[ID_HEX_LEN + 1]);

struct export_binding {
    char uid[ID_HEX_LEN + 1], appid[ID_HEX_LEN + 1], product_key[ID_HEX_LEN + 1];
    char mac[LIMIT_MAC + 1], did[DID_LEN + 1]; /* "": that device is deleted */
    int64_t since, until;
    bool ended, is_owner;
};
typedef enum mu_err (*export_binding_fn)(void *ctx, const struct export_binding *binding);
/* Visits bindings in the order of their numbers. *last: the next page begins after it; 0: this was the last page. */
MU_MUST_USE enum mu_err tx_export_bindings(struct registry_tx *tx, const struct export_slice *slice,
                                           export_binding_fn fn, void *ctx, uint32_t *last);
/* For `limit` users with numbers greater than `after`: visits first bindings to a product that are earlier than all
 * binding rows to it. `since` has the time. */
MU_MUST_USE enum mu_err tx_export_first_bound(struct registry_tx *tx, const struct export_slice *slice,
                                              export_binding_fn fn, void *ctx, uint32_t *last);

#endif

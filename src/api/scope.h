#ifndef MUSTER_API_SCOPE_H
#define MUSTER_API_SCOPE_H

#include "api/call.h"

/* Whose users a call of an enterprise (AUTH_HEADERS) is about: one of its products, named by key or by secret
 * (contract, endpoint 3), and optionally one of the enterprise's apps. A caller with a token may name only the
 * token's product. */

/* As the caller gave them; at least one is given. Either parameter may have either value. */
struct scope_product {
    struct str key, secret;
};

/* The parameter rows of a route whose arguments have a struct scope_product `product`. */
/* clang-format off */
#define SCOPE_PARAMS(args)                                                                           \
    { "product_key", IN_QUERY, ARG(ID, args, product.key), OPTIONAL,                                 \
      { "产品标识符或产品密钥；未给 product_secret 时必填", "Product key or secret; required without product_secret" },  \
      "6f2e214bf2d79649232431b94a25f46a" },                                                          \
    { "product_secret", IN_QUERY, ARG(ID, args, product.secret), OPTIONAL,                           \
      { "与 product_key 相同", "The same as product_key" }, "5d0f3b7e9a1c4c62b8d4e6f2a7c19053" }
/* clang-format on */

#define SCOPE_ERRORS API_PRODUCT_UNKNOWN, API_TOKEN_OTHER_PRODUCT, API_PRODUCT_NOT_ASSOCIATED, API_APP_UNKNOWN

/* For the check of such a route: 5002 if no product is given. */
enum api_error scope_check(struct api_call *call, const struct scope_product *product);

struct scope {
    uint32_t product, app; /* app: 0 = any */
};

/* Looks the product and app up in the registry: 5015, 5010, 5801, 5016. appid may be at NULL. */
MU_MUST_USE enum api_error scope_find(struct api_call *call, const struct scope_product *product, struct str appid,
                                      struct scope *out);

#endif

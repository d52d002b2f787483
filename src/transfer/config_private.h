#ifndef MUSTER_TRANSFER_CONFIG_PRIVATE_H
#define MUSTER_TRANSFER_CONFIG_PRIVATE_H

#include "base/json_out.h"
#include "transfer/config.h"

/* What config_show.c and config_list.c share: they write the members of an entry, without its braces. */
struct config_run {
    struct registry_tx *tx;
    struct buf *out;
    struct json_out j; /* writes to out */
    bool secrets;
    enum registry_kind kind; /* of the thing that is shown */
    const char *id;
    struct config_page *page; /* NULL: one thing is shown, with its definition */
};
MU_MUST_USE enum mu_err config_write_enterprise(struct config_run *run, const struct enterprise_row *row);
MU_MUST_USE enum mu_err config_write_product(struct config_run *run, const struct product_row *row);
MU_MUST_USE enum mu_err config_write_app(struct config_run *run, const struct app_row *row);

#endif

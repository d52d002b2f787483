#ifndef MUSTER_REGISTRY_OPERATE_H
#define MUSTER_REGISTRY_OPERATE_H

#include "base/buf.h"
#include "registry/audit.h"

/* What an operator changes by name: the counterpart of apply.h, which creates and updates.
 *
 *   disable, enable   device, user
 *   delete            all kinds; what is still used is not deleted
 *   rotate            enterprise, product: a new secret, told once; the old one is worth nothing more
 *   revoke            enterprise, product: all tokens of, or for, it */
enum operate_verb { OPERATE_DISABLE, OPERATE_ENABLE, OPERATE_DELETE, OPERATE_ROTATE, OPERATE_REVOKE };

struct operate {
    enum operate_verb verb;
    enum registry_kind kind;
    bool unbind; /* delete: also a device or a user that is bound, whose bindings end then */
    int64_t now_s;
};
bool operate_allows(enum operate_verb verb, enum registry_kind kind);

/* All of the ids or, on a mistake, none. ids: one a line, empty lines are skipped. A device is its did,
 * product_key/mac, or a mac that one product alone knows; of a mac its latest registration. Thousands of ids are done in several
 * transactions: what gets in the way after the first one leaves the earlier ones done, and told.
 *
 * report   gets a line for each id: what was done; on a mistake a line for each, which says what is in
 *          the way and what to do about it (at most 100, and how many more there are)
 *
 * MU_E_VALUE: mistakes; or the registry's errors. Not on a loop. */
MU_MUST_USE enum mu_err operate(struct registry *reg, const struct audit_by *by, const struct operate *o,
                                struct str ids, struct buf *report);

#endif

#ifndef MUSTER_REGISTRY_OPERATE_H
#define MUSTER_REGISTRY_OPERATE_H

#include "base/buf.h"
#include "registry/audit.h"

/* What an operator changes by name. apply.h, its counterpart, creates and updates.
 *
 *   disable, enable   device, user
 *   delete            all kinds; a thing that is still used is not deleted
 *   rotate            enterprise, product: makes a new secret and reports it once; the old one is no longer accepted
 *   revoke            enterprise, product: all its tokens, or all tokens for it */
enum operate_verb { OPERATE_DISABLE, OPERATE_ENABLE, OPERATE_DELETE, OPERATE_ROTATE, OPERATE_REVOKE };

struct operate {
    enum operate_verb verb;
    enum registry_kind kind;
    bool unbind; /* delete: first ends the bindings of a device or a user that is bound */
    int64_t now_s;
};
bool operate_allows(enum operate_verb verb, enum registry_kind kind);

/* Does it to all ids; on a mistake to none. ids: one on each line, empty lines are skipped. A device is named by its
 * did, by product_key/mac, or by a mac that only one product knows; a mac stands for its latest registration. Thousands
 * of ids are done in several transactions: an error after the first leaves the earlier ones done, and reported.
 *
 *   report   gets a line for each id, which says what was done; on a mistake a line for each mistake, which says what
 *            is in the way and what to do about it (at most 100, then how many more there are)
 *
 * MU_E_VALUE: there are mistakes; or the registry's errors. Not on an event loop. */
MU_MUST_USE enum mu_err operate(struct registry *reg, const struct audit_by *by, const struct operate *o,
                                struct str ids, struct buf *report);

#endif

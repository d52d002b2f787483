#ifndef MUSTER_REGISTRY_AUDIT_H
#define MUSTER_REGISTRY_AUDIT_H

#include <sys/types.h>

#include "registry/registry.h"

/* The audit log of what people change: who changed what, and when. An entry is written in the transaction of the change
 * itself, so neither exists without the other. A change that was refused leaves no entry. What devices do when they
 * register is not a change by people and is not in it. Controls are logged in the journal. */

/* In whose name a transaction is: that of an enterprise's call, or of a local operator's command. The texts must live
 * until the write has ended. */
struct audit_by {
    const char *enterprise_id; /* NULL: an operator */
    uint64_t request;          /* of the call, as X-Request-Id shows it */
    uid_t uid;                 /* of the operator */
    const char *command;       /* "apply", "delete", …; for a call "api" */
};

/* registry_write, but its changes are entered in the audit log. */
MU_MUST_USE enum mu_err registry_write_by(struct registry *reg, const struct audit_by *by, registry_fn fn, void *arg);

/* Notes a change that the transaction makes. If the transaction is in nobody's name, notes nothing.
 *
 *   action   one word: "create", "update", "delete", …; static
 *   format   what the change consists of: words separated by blanks, each the name of a field that changed, or
 *            name=value. A value is an identifier, a flag or a count. It is never a secret, and never personal data,
 *            which must be deleted with the person */
MU_MUST_USE enum mu_err tx_audit(struct registry_tx *tx, const char *action, enum registry_kind kind, const char *id,
                                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same for what many transactions do together: "name=count", one entry for all of them. *entry is 0 at first;
 * the caller passes it again each time. A new entry is made if that entry does not exist (any more), or is in
 * another name. */
MU_MUST_USE enum mu_err tx_audit_count(struct registry_tx *tx, uint64_t *entry, const char *action,
                                       enum registry_kind kind, const char *name, unsigned count);

/* --- reading ------------------------------------------------------------------------------------*/
/* Where a change stands in the log. The changes of one transaction have the same moment and the same number. */
struct audit_place {
    int64_t at_us;
    uint64_t no;
    uint32_t change; /* from 1 on */
};
struct audit_row {
    struct audit_place place;
    struct str enterprise_id; /* "": an operator; all texts are valid during the call */
    uint64_t request;
    uid_t uid;
    struct str user; /* the operator's name; "": unknown */
    struct str command, action, kind, id, change;
};
/* Visits the changes after a place and before a moment, the oldest first. An error of fn ends the visit and is
 * returned. */
MU_MUST_USE enum mu_err registry_visit_audit(struct registry *reg, struct audit_place after, int64_t before_us,
                                             enum mu_err (*fn)(void *ctx, const struct audit_row *row), void *ctx);

/* Forgets the changes before a moment, at most some thousands at once. *more: there are more to forget. */
MU_MUST_USE enum mu_err registry_forget_audit(struct registry *reg, int64_t before_us, bool *more);

#endif

#ifndef MUSTER_REGISTRY_AUDIT_H
#define MUSTER_REGISTRY_AUDIT_H

#include <sys/types.h>

#include "registry/registry.h"

/* The audit log of what people change: who changed what, and when. It is written in the transaction of
 * the change itself, so that neither is there without the other; a change that was refused leaves
 * nothing. What devices do at the door is no change of people's and is not in it. The log of controls
 * is the journal's. */

/* In whose name a transaction is: an enterprise's call, or a local operator's command. Its texts live
 * as long as the write. */
struct audit_by {
    const char *enterprise_id; /* NULL: an operator */
    uint64_t request;          /* of the call, as X-Request-Id shows it */
    uid_t uid;                 /* of the operator */
    const char *command;       /* "apply", "delete", …; "api" of a call */
};

/* registry_write, whose changes are entered in the audit log. */
MU_MUST_USE enum mu_err registry_write_by(struct registry *reg, const struct audit_by *by, registry_fn fn, void *arg);

/* Notes a change that the transaction makes; nothing if it is in nobody's name.
 *
 * action   one word: "create", "update", "delete", …; static
 * format   what the change consists of: words with blanks between them, each the name of a field that
 *          changed, or name=value. A value is an identifier, a flag or a count: never a secret, nor what
 *          is known of a person, which must go when he does */
MU_MUST_USE enum mu_err tx_audit(struct registry_tx *tx, const char *action, enum registry_kind kind, const char *id,
                                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The same of what many transactions do together: "name=count", one entry for all of them. *entry is 0 at
 * first and then given again; a new one is made if it is not there (any more), or somebody else's. */
MU_MUST_USE enum mu_err tx_audit_count(struct registry_tx *tx, uint64_t *entry, const char *action,
                                       enum registry_kind kind, const char *name, unsigned count);

/* --- reading ------------------------------------------------------------------------------------*/
/* Where a change stands in the log: changes of one transaction have one moment and one number. */
struct audit_place {
    int64_t at_us;
    uint64_t no;
    uint32_t change; /* from 1 on */
};
struct audit_row {
    struct audit_place place;
    struct str enterprise_id; /* "" = an operator; all texts are valid during the call */
    uint64_t request;
    uid_t uid;
    struct str user; /* the operator's name, "" if he had none */
    struct str command, action, kind, id, change;
};
/* The changes behind a place and before a moment, the oldest first; an error of fn ends the visit and
 * is returned. */
MU_MUST_USE enum mu_err registry_visit_audit(struct registry *reg, struct audit_place after, int64_t before_us,
                                             enum mu_err (*fn)(void *ctx, const struct audit_row *row), void *ctx);

/* Forgets what was before a moment, at most some thousands of changes at once; *more if there is more
 * to forget. */
MU_MUST_USE enum mu_err registry_forget_audit(struct registry *reg, int64_t before_us, bool *more);

#endif

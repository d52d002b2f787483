#ifndef MUSTER_REGISTRY_APPLY_H
#define MUSTER_REGISTRY_APPLY_H

#include "base/buf.h"
#include "registry/audit.h"

struct apply_options {
    int64_t now_s;
    bool mac_lower; /* a MAC-48 is taken in lower case and without separators (model/mac.h) */
    bool force;     /* a definition may move what devices report */
    bool json;      /* the outcome is a JSON object instead of text for people */
    bool quiet;     /* the text has no counts: only what was generated, and warnings */
};

/* The declarative import (design, "apply file"): an entry is created or updated by its key, an
 * absent field stays as it was, null clears it, a missing secret or id is generated. All of a file
 * or nothing of it, in one transaction; applying it again changes nothing.
 *
 * by       in whose name it is entered in the audit log; NULL: it is not
 * report   gets the outcome as text for the operator: one line per kind with counts, and every
 *          generated secret once ("enterprise 1f…: generated enterprise_secret 9c…"), and warnings;
 *          as JSON {"enterprises": {"created": 1, …}, …, "generated": [{"kind", "id", "field", "value"}],
 *          "warnings": ["…"]}. On failure, also then, one line per mistake, each naming list, index and
 *          field ("devices[3].mac: missing"); at most 100 of them
 *
 * MU_E_SYNTAX (not JSON), MU_E_VALUE (mistakes in it), or the registry's errors. Not on a loop. */
MU_MUST_USE enum mu_err apply_json(struct registry *reg, const struct audit_by *by, struct str json,
                                   const struct apply_options *options, struct buf *report);

#endif

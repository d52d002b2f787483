#ifndef MUSTER_TRANSFER_APPLY_H
#define MUSTER_TRANSFER_APPLY_H

#include "base/buf.h"
#include "registry/audit.h"

struct apply_options {
    int64_t now_s;
    bool mac_lower; /* a MAC-48 is stored in lower case and without separators (model/mac.h) */
    bool force;     /* a definition may move what devices report */
    bool json;      /* the report is a JSON object instead of text for people */
    bool quiet;     /* the text has no counts, only what was generated, and warnings */
};

/* The declarative import (design, "apply file"). An entry is created or updated by its key. A field that is absent
 * stays as it was; null clears it; a missing secret or id is generated. A file is taken as a whole or not at all, in
 * one transaction. Applying it again changes nothing.
 *
 *   by       in whose name the changes are entered in the audit log; NULL: they are not
 *   report   gets the outcome as text for the operator: a line with counts for each kind, each generated secret once
 *            ("enterprise 1f…: generated enterprise_secret 9c…"), and warnings. As JSON: {"enterprises":
 *            {"created": 1, …}, …, "generated": [{"kind", "id", "field", "value"}], "warnings": ["…"]}. On failure, in
 *            JSON mode too, a line for each mistake, with list, index and field ("devices[3].mac: missing"); at most
 *            100 of them
 *
 * MU_E_SYNTAX (not JSON), MU_E_VALUE (there are mistakes), or the registry's errors. Not on an event loop. */
MU_MUST_USE enum mu_err apply_json(struct registry *reg, const struct audit_by *by, struct str json,
                                   const struct apply_options *options, struct buf *report);

#endif

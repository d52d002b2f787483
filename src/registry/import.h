#ifndef MUSTER_REGISTRY_IMPORT_H
#define MUSTER_REGISTRY_IMPORT_H

#include "base/buf.h"
#include "registry/audit.h"

/* Rows in bulk: an entry of the lists that apply.h reads, one by one, each for itself. A row that is
 * wrong leaves nothing, the others are kept; the same row again changes nothing. */

enum import_kind { IMPORT_USERS, IMPORT_DEVICES, IMPORT_GROUPS, IMPORT_BINDINGS };
/* "users", "devices", "groups", "bindings", in this order and ended by NULL. */
extern const char *const import_kind_words[];
/* word is one of them. */
enum import_kind import_kind_of(const char *word);

/* The fields of a kind, in the order that they are written in. */
enum import_cell { CELL_TEXT, CELL_BOOL, CELL_NUMBER, CELL_JSON };
struct import_column {
    const char *name;
    enum import_cell cell;
};
/* false: there is no i-th. */
bool import_column(enum import_kind kind, size_t i, struct import_column *out);

/* What a device's row tells that is the journal's to keep. 0 and "": it does not tell. */
enum { TOLD_VERSIONS = 4, TOLD_DAYS_MAX = 4000 };
struct import_told {
    uint32_t device;
    int64_t activated_at, online_latest, last_report; /* Unix seconds */
    char versions[TOLD_VERSIONS][LIMIT_VERSION + 1];  /* in the order of journal_versions */
    uint32_t first_day, day_count;                    /* active on these, in import_batch.days */
};

/* Devices of a product whose mac is a MAC-48 that is not written as modules write it (model/mac.h). */
struct import_mac_tally {
    uint32_t product;
    uint32_t count;
    char example[LIMIT_MAC + 1];
};

struct import_batch {
    enum import_kind kind;
    bool mac_lower; /* apply_options */
    int64_t now_s;
    struct str rows; /* values.h */
    struct str seen; /* a bit a number, from the lowest of the first byte on: what earlier rows
                                 of the file were about, which later ones must not be */
    uint64_t entry;  /* of the audit log, for what the file creates: 0 at first, then what the
                                 batch before has left here */
    /* What came of it. The caller frees the buffers after any outcome. */
    struct buf *report; /* "line 3: mac: missing", each mistake of a refused row a line */
    unsigned created, updated, unchanged, refused;
    struct buf numbers; /* uint32_t each: what the rows that were not refused are about */
    struct buf told;    /* struct import_told each, of devices of which something is told */
    struct buf days;    /* int32_t each, civil days */
    struct buf styled;  /* struct import_mac_tally each, of the rows that were not refused */
};

/* All of it in one transaction, or, if MU_OK is not returned (MU_E_SYNTAX: the rows are none), nothing. The
 * audit log has one entry for all that the batches of a file create, and one for each thing that they
 * change. Not on a loop. */
MU_MUST_USE enum mu_err import_rows(struct registry *reg, const struct audit_by *by, struct import_batch *batch);
void import_batch_free(struct import_batch *batch);

/* For all of a file: a line for each product that has macs both as modules write them and as these. */
MU_MUST_USE enum mu_err import_warnings(struct registry *reg, const struct import_mac_tally *styled, size_t count,
                                        struct buf *out);
/* Adds one tally to those of other products. */
void import_mac_tally_add(struct buf *tallies, const struct import_mac_tally *more);

#endif

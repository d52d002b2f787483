#ifndef MUSTER_TRANSFER_IMPORT_H
#define MUSTER_TRANSFER_IMPORT_H

#include "base/buf.h"
#include "registry/audit.h"

/* Rows in bulk. Each row is an entry of the lists that apply.h reads, and is taken by itself: a row with a mistake
 * changes nothing, and the other rows are kept. The same row again changes nothing. */

enum import_kind { IMPORT_USERS, IMPORT_DEVICES, IMPORT_GROUPS, IMPORT_BINDINGS };
/* "users", "devices", "groups", "bindings", in the order of the enum, ended by NULL. */
extern const char *const import_kind_words[];
/* word must be one of them. */
enum import_kind import_kind_of(const char *word);

/* The fields of a kind, in the order in which they are written. */
enum import_cell { CELL_TEXT, CELL_BOOL, CELL_NUMBER, CELL_JSON };
struct import_column {
    const char *name;
    enum import_cell cell;
};
/* false: the kind has no i-th field. */
bool import_column(enum import_kind kind, size_t i, struct import_column *out);

/* What a device's row tells and the journal keeps. 0 and "": the row does not tell it. */
enum { TOLD_VERSIONS = 4, TOLD_DAYS_MAX = 4000 };
struct import_told {
    uint32_t device;
    int64_t activated_at, online_latest, last_report; /* Unix seconds */
    char versions[TOLD_VERSIONS][LIMIT_VERSION + 1];  /* in the order of journal_versions */
    uint32_t first_day, day_count;                    /* the days on which it was active, in import_batch.days */
};

/* Devices of a product whose mac is a MAC-48 that is written in another way than modules write it (model/mac.h). */
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
    /* Which things earlier rows of the file were about; later rows must not be about the same things. A bit for each
     * number, from the lowest bit of the first byte on. */
    struct str seen;
    /* The entry of the audit log for what the file creates. 0 at first, then what the batch before left here. */
    uint64_t entry;
    /* The outcome. The caller frees the buffers, also after an error. */
    struct buf *report; /* "line 3: mac: missing": a line for each mistake of a refused row */
    unsigned created, updated, unchanged, refused;
    struct buf numbers; /* uint32_t each: the things that the accepted rows are about */
    struct buf told;    /* struct import_told each, of devices whose rows tell something */
    struct buf days;    /* int32_t each, civil days */
    struct buf styled;  /* struct import_mac_tally each, of the accepted rows */
};

/* Takes all rows in one transaction. If it does not return MU_OK, nothing was taken (MU_E_SYNTAX: these are not rows).
 * The audit log has one entry for everything that the batches of a file create, and one for each thing that they
 * change. Not on an event loop. */
MU_MUST_USE enum mu_err import_rows(struct registry *reg, const struct audit_by *by, struct import_batch *batch);
void import_batch_free(struct import_batch *batch);

/* After the whole file: a line for each product that has both macs as modules write them and macs of these tallies. */
MU_MUST_USE enum mu_err import_warnings(struct registry *reg, const struct import_mac_tally *styled, size_t count,
                                        struct buf *out);
/* Adds a tally: to that of the same product if there is one, else as a new one. */
void import_mac_tally_add(struct buf *tallies, const struct import_mac_tally *more);

#endif

#ifndef MUSTER_JOURNAL_ROCKS_SCAN_H
#define MUSTER_JOURNAL_ROCKS_SCAN_H

#include "journal/rocks_internal.h"

/* A cursor over one device's records of one kind within a span of time, as of one moment, across
 * the families of days. Private to the journal. */

/* The place of a record. `order` is the number by which pages are counted: the running number of all records, or of the
 * decoded ones only. In the second case `counted` tells whether the record has a number of its own. */
struct rocks_spot {
    size_t family;
    int64_t ts_us;
    uint64_t number, order;
    bool counted;
};

struct rocks_scan {
    struct rocks_journal *journal;
    uint32_t device;
    enum record_kind kind;
    bool decoded_only;
    size_t first_family, end_family; /* those that the span touches, the end excluded */

    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *options;
    uint8_t lower[RECORD_KEY_HEAD], upper[RECORD_KEY_HEAD];
    rocksdb_iterator_t *at; /* of family here.family; NULL before the first move */
    struct rocks_spot here;
    struct record_head head; /* of the record there */
};

/* s has its journal, device, kind and decoded_only set and is zero otherwise. The caller holds the journal's lock for
 * reading until rocks_scan_close. */
void rocks_scan_open(struct rocks_scan *s, int64_t from_us, int64_t to_us);
void rocks_scan_close(struct rocks_scan *s);

/* Each move sets `here` and *found; MU_E_IO or MU_E_CORRUPT otherwise. Without a record there,
 * `here` is unspecified. first and last: of a family. */
MU_MUST_USE enum mu_err rocks_scan_first(struct rocks_scan *s, size_t family, bool *found);
MU_MUST_USE enum mu_err rocks_scan_last(struct rocks_scan *s, size_t family, bool *found);
/* The first record of the family at or after that moment. */
MU_MUST_USE enum mu_err rocks_scan_seek(struct rocks_scan *s, size_t family, int64_t ts_us, bool *found);
/* The record after or before `here`, also in the next or previous family. */
MU_MUST_USE enum mu_err rocks_scan_next(struct rocks_scan *s, bool *found);
MU_MUST_USE enum mu_err rocks_scan_prev(struct rocks_scan *s, bool *found);

/* The value at `here`; valid until the next move. */
struct bytes rocks_scan_value(const struct rocks_scan *s);

#endif

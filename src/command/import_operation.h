#ifndef MUSTER_COMMAND_IMPORT_OPERATION_H
#define MUSTER_COMMAND_IMPORT_OPERATION_H

#include "ops/operation.h"
#include "transfer/import.h"

/* import_kind_words, as the argument of a command (ops/command_table.h). */
#define IMPORT_KINDS "users|devices|groups|bindings"

/* One batch of an import and its result, between the command and the process that has the directory open. */

/* A batch blocks the registry's other writers, and the storing of device data, for some 20 ms. At rest there are
 * none, and each batch costs syncs and rewrites much of the indexes; there it may take a second. */
enum {
    IMPORT_ROWS = 500,
    IMPORT_BYTES = 4 * 1024 * 1024,
    IMPORT_ROWS_AT_REST = 50000,
    IMPORT_BYTES_AT_REST = 16 * 1024 * 1024,
    IMPORT_UNREAD_BYTES = 256 * 1024, /* error texts about unreadable rows, until they are printed */
};

/* Writes the operation's input from struct import_batch. */
void import_operation_request(struct buf *out, const struct import_batch *batch);
/* Writes another input, for the end of a file. Its answer has the warnings (import_warnings) about `styled`, which
 * has a struct import_mac_tally each. */
void import_operation_warnings(struct buf *out, struct str styled);

/* Reads the answer of a successful batch (status 0). The parts point into the answer. */
struct import_result {
    unsigned created, updated, unchanged, refused;
    uint64_t entry;      /* for the next batch's `entry` */
    struct str numbers;  /* a uint32_t each, in this machine's byte order, not aligned */
    struct str styled;   /* struct import_mac_tally each, not aligned */
    struct str mistakes; /* "line 3: mac: missing", one line each */
};
bool import_operation_result(struct str answer, struct import_result *out);

#endif

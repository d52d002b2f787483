#ifndef MUSTER_COMMAND_IMPORT_OPERATION_H
#define MUSTER_COMMAND_IMPORT_OPERATION_H

#include "ops/operation.h"
#include "registry/import.h"

/* import_kind_words, as the argument of a command (ops/command_table.h). */
#define IMPORT_KINDS "users|devices|groups|bindings"

/* One batch of an import, and its outcome, between the command and the place where it is done. */

/* A batch holds up the registry's other writers, and what devices do, for some 20 ms. At rest there are
 * none, and each costs syncs and writes a good part of the indexes anew: it may take a second. */
enum {
    IMPORT_ROWS = 500,
    IMPORT_BYTES = 4 * 1024 * 1024,
    IMPORT_ROWS_AT_REST = 50000,
    IMPORT_BYTES_AT_REST = 16 * 1024 * 1024,
    IMPORT_UNREAD_BYTES = 256 * 1024, /* of words on rows that cannot be read, until they are said */
};

/* The operation's input: what struct import_batch has of it. */
void import_operation_request(struct buf *out, const struct import_batch *batch);
/* Another one, for the end of a file: its answer is what import_warnings says of these, struct import_mac_tally each. */
void import_operation_warnings(struct buf *out, struct str styled);

/* Its answer, if it is done (status 0). Points into the answer. */
struct import_result {
    unsigned created, updated, unchanged, refused;
    uint64_t entry;      /* for the next batch */
    struct str numbers;  /* uint32_t each, of this machine, not aligned */
    struct str styled;   /* struct import_mac_tally each, not aligned */
    struct str mistakes; /* "line 3: mac: missing", a line each */
};
bool import_operation_result(struct str answer, struct import_result *out);

#endif

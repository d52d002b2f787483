#ifndef MUSTER_JOURNAL_JOURNAL_COPY_H
#define MUSTER_JOURNAL_JOURNAL_COPY_H

#include "journal/journal.h"

/* Copying a whole journal into another store: every record as it is, with its numbers; the starts with their last signs
 * of life, so that an end that nobody saw is told the same; turns; and the moment by which things last expired. */

/* What has been copied, by kind. */
enum journal_kind {
    JOURNAL_STATES,
    JOURNAL_VERSIONS,
    JOURNAL_ACTIVE,
    JOURNAL_ACTIVE_SETS,
    JOURNAL_EVENTS,
    JOURNAL_MESSAGES,
    JOURNAL_SESSIONS,
    JOURNAL_CONTROLS,
    JOURNAL_KINDS
};
extern const char *const journal_kind_words[JOURNAL_KINDS]; /* "messages" */

struct journal_copying {
    struct journal *from, *to; /* `to` is empty, was opened to keep everything, and has never been rolled */
    void (*step)(void *ctx);   /* one more record */
    void *ctx;
    uint64_t counts[JOURNAL_KINDS]; /* of what has been copied */
};
/* On failure why, which is empty, may get a sentence. Memory does not grow with the journal. */
MU_MUST_USE enum mu_err journal_copy(struct journal_copying *c, char *why, size_t why_size);
/* Reads what is in `to`, and compares how much it is. */
MU_MUST_USE enum mu_err journal_compare(struct journal_copying *c, char *why, size_t why_size);

#endif

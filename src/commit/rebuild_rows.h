#ifndef MUSTER_COMMIT_REBUILD_ROWS_H
#define MUSTER_COMMIT_REBUILD_ROWS_H

#include "base/buf.h"
#include "commit/rebuild.h"

/* The rows of both stores on their way from the thread that reads them to the one that builds (rebuild.c). Private to these
 * two. */

struct rebuild_writer {
    struct buf *to;
    /* `to` is full: gives it away, and sets the next one. Its error ends the visit. */
    enum mu_err (*hand_over)(struct rebuild_writer *w);
};

/* What they visit is written, with all that it points to. MU_E_NOMEM. */
struct registry_visitor rebuild_registry_writer(struct rebuild_writer *w);
struct journal_visitor rebuild_journal_writer(struct rebuild_writer *w);

struct rebuild_reader {
    struct registry_visitor rows;
    struct journal_visitor told;
    struct followed *followed;
};

/* Tells the visitors all rows of a batch, and notes which devices are followed. Returns their errors, or MU_E_NOMEM. */
MU_MUST_USE enum mu_err rebuild_read(const struct rebuild_reader *r, const struct buf *batch);

#endif

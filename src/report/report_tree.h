#ifndef MUSTER_REPORT_REPORT_TREE_H
#define MUSTER_REPORT_REPORT_TREE_H

#include "fleet/plain_bits.h"
#include "fleet/fleet_parts.h"
#include "report/report.h"

/* How a report is counted. One pass over the bits of a set, or over events, adds up by place, in an array by place
 * number (places.h). Then each place adds its counts to its parent's, up to place 0, which is the whole. The tree
 * follows from the order of the places. With the fleet locked for reading. */

/* The devices that pass a filter; the caller frees the set. Without memory, the program ends. */
struct plain_bits report_base(struct fleet *f, const struct report_filter *filter);

/* The events of each place and point: cells[place * width + column]. */
struct report_points {
    size_t width;
    const uint32_t *points; /* numbers of points by column, sorted by name */
    uint64_t (*cells)[REPORT_COUNTERS];
};

struct report_counts {
    uint64_t (*n)[REPORT_COUNTERS]; /* by place */
};
MU_MUST_USE enum mu_err report_counts_init(const struct fleet *f, struct report_counts *c);
void report_counts_free(struct report_counts *c);

/* Adds 1 to one counter of each member's place. MU_E_NOMEM. */
MU_MUST_USE enum mu_err report_count(const struct fleet *f, const struct plain_bits *set, unsigned counter,
                                     struct report_counts *c);

/* Sums up and makes the tree. points may be NULL. MU_E_NOMEM. */
MU_MUST_USE enum mu_err report_tree(struct fleet *f, struct report_counts *c, struct report_points *points,
                                    struct report *out);

#endif

#ifndef MUSTER_REPORT_REPORT_H
#define MUSTER_REPORT_REPORT_H

#include "fleet/fleet.h"

/* The device reports (contract, endpoints 14 to 19) and the user reports (20), counted from the fleet as it is now. Any
 * thread. The fleet is locked for reading while a call counts: a millisecond or two for a million devices.
 *
 * Places, groups and disabled marks are those of now, not those of the day that is asked about. Disabled and deleted
 * devices are left out, unless noted.
 *
 * Days are civil days of the calendar with which the committer was started (model/calendar.h). A range of days includes
 * both ends; an empty range (first > last) has no devices. A device is active on a day when it sent a report on that
 * day; that is known for committer_options.activity_days. It is activated on the day of its first login; that is known
 * for ever. */

struct report_filter {
    const struct fleet_product *product;
    uint32_t group;                   /* with its subtree; 0 = any */
    struct str country, region, city; /* .at NULL = any */
};

/* --- counted by place ----------------------------------------------------------------------------
 * A tree in one array. nodes[0] is the whole. Every other node stands behind its parent and before its parent's next
 * sibling; siblings are sorted by name. depth: 0 the whole, 1 country, 2 region, 3 city. So a writer opens an object
 * for each node, after closing the objects that are as deep or deeper.
 *
 * A place in which nothing is counted has no node. A device or user without a location counts only in nodes[0]; one
 * that has a country but no region counts in the whole and in its country. */

/* What n[] holds. The comments name the reports. */
enum {
    REPORT_COUNT = 0, /* places, active, activated */
    REPORT_ACTIVATED = 0,
    REPORT_FAULTY = 1,
    REPORT_ALERT = 2, /* realtime */
    REPORT_TOTAL = 0,
    REPORT_RESOLVED = 1,
    REPORT_UNRESOLVED = 2, /* events */
    REPORT_COUNTERS = 3
};

/* The events of one datapoint, for `detail`. */
struct report_point {
    struct str name; /* lives as long as the fleet */
    uint64_t n[REPORT_COUNTERS];
};

struct report_node {
    struct str name; /* lives as long as the fleet; "" for the whole */
    unsigned depth;
    uint64_t n[REPORT_COUNTERS];
    const struct report_point *points; /* sorted by name; only in a report of events */
    size_t point_count;
};

struct report {
    struct report_node *nodes; /* at least nodes[0] */
    size_t count;
    struct report_point *points; /* the points of all nodes */
};

/* Frees what a report holds. All zero is an empty one. */
void report_free(struct report *r);

/* Each fills *out, completely or not at all; the caller frees it. MU_E_NOMEM.
 *
 * report_places     all devices (or only those that are, or are not, online, faulty, alert)
 * report_active     devices that were active on at least one day of the range, each counted once
 * report_activated  devices that were activated in the range
 * report_realtime   activated, faulty and alert devices as they are now: n[REPORT_ACTIVATED] … */
MU_MUST_USE enum mu_err report_places(struct fleet *f, const struct report_filter *filter, enum fleet_tri online,
                                      enum fleet_tri faulty, enum fleet_tri alert, struct report *out);
MU_MUST_USE enum mu_err report_active(struct fleet *f, const struct report_filter *filter, int32_t first_day,
                                      int32_t last_day, struct report *out);
MU_MUST_USE enum mu_err report_activated(struct fleet *f, const struct report_filter *filter, int32_t first_day,
                                         int32_t last_day, struct report *out);
MU_MUST_USE enum mu_err report_realtime(struct fleet *f, const struct report_filter *filter, struct report *out);

/* Faults or alerts of the last 13 months, and older ones that are still open: n[REPORT_TOTAL], n[REPORT_RESOLVED],
 * n[REPORT_UNRESOLVED].
 *
 * report_event_devices  devices that have events; a device is resolved when none of its events is open
 * report_events         the events; each node lists those of its points that have events */
MU_MUST_USE enum mu_err report_event_devices(struct fleet *f, const struct report_filter *filter,
                                             enum fleet_event_kind kind, struct report *out);
MU_MUST_USE enum mu_err report_events(struct fleet *f, const struct report_filter *filter, enum fleet_event_kind kind,
                                      struct report *out);

/* --- at a glance --------------------------------------------------------------------------------- */
struct report_summary {
    uint64_t online;
    uint64_t activated;                               /* ever */
    uint64_t active_yesterday, active_7;              /* active_7: today and the six days before */
    uint64_t new_today, new_yesterday, new_7, new_30; /* activated */
};
void report_summary(struct fleet *f, const struct fleet_product *product, int32_t today, struct report_summary *out);

struct report_liveness {
    uint64_t yesterday, days_7, days_30; /* active devices; 7 and 30 days include today */
};
void report_liveness(struct fleet *f, const struct report_filter *filter, int32_t today, struct report_liveness *out);

/* --- row by row ----------------------------------------------------------------------------------
 * A row for each device and day: newest day first, then by mac (bytewise), then by device number. Activations have one
 * row per device. rows has room for page->limit. Returns how many were written; *total = the number of all rows.
 *
 * The first such call after a start sorts the product's macs with the fleet locked for reading: 45 ms for 700,000. */
struct report_row {
    int32_t day;
    struct fleet_device device;
};
struct report_page {
    int32_t first_day, last_day;
    uint64_t skip, limit;
};
size_t report_incr_rows(struct fleet *f, const struct report_filter *filter, const struct report_page *page,
                        struct report_row *rows, uint64_t *total);
size_t report_active_rows(struct fleet *f, const struct report_filter *filter, const struct report_page *page,
                          struct report_row *rows, uint64_t *total);

/* --- users ---------------------------------------------------------------------------------------
 * Disabled and deleted users are left out of all of these. An unknown product has no users. Each report takes a
 * nanosecond or two for every user or binding of the fleet. MU_E_NOMEM. */

/* Users who were ever bound to a device of the product, even if the device has been deleted since. With a group: to a
 * device that is now in the group or below it, even if the device is disabled. */
MU_MUST_USE enum mu_err report_users_total(struct fleet *f, uint32_t product, uint32_t group, uint64_t *total);
/* How many of these users were bound for the first time at starts[i] or later and before starts[i + 1], into counts[i].
 * starts: Unix seconds, ascending, one more than periods. */
MU_MUST_USE enum mu_err report_users_new(struct fleet *f, uint32_t product, uint32_t group, const int64_t *starts,
                                         size_t periods, uint32_t *counts);
/* How many users were active on a day: an enabled device of the product was active, and it was bound to the user at
 * some time of that day. app 0: users of any app. */
MU_MUST_USE enum mu_err report_users_active(struct fleet *f, uint32_t product, uint32_t app, int32_t day,
                                            uint32_t *count);
/* The users of the product's apps by place, in n[REPORT_COUNT]. */
MU_MUST_USE enum mu_err report_users_places(struct fleet *f, uint32_t product, struct report *out);

#endif

#ifndef MUSTER_FLEET_REPORT_H
#define MUSTER_FLEET_REPORT_H

#include "fleet/fleet.h"

/* The device reports (contract, endpoints 14 to 19) and the user reports (20): counted from the fleet as it
 * is. Any thread; the fleet is
 * locked for reading while a call counts, which for a million devices is a millisecond or two.
 *
 * Places, groups and disabled marks are those of now, not those of the day that is asked about.
 * Disabled (and deleted) devices are left out of everything here, except where it says so.
 *
 * Days are civil days of the calendar that the committer was started with (model/calendar.h). A
 * range of days includes both ends; an empty one (first > last) has nothing in it. A device is active
 * on a day when it sent a report on it; that is known for committer_options.activity_days back. It
 * is activated on the day of its first login; that is known for ever. */

struct fleet_report_filter {
    const struct fleet_product *product;
    uint32_t group;                   /* with its subtree; 0 = any */
    struct str country, region, city; /* at NULL = any */
};

/* --- counted by place ----------------------------------------------------------------------------
 * A tree in one array: nodes[0] is the whole, every other node comes behind its parent and before
 * its parent's next sibling, siblings by name. depth: 0 the whole, 1 country, 2 region, 3 city. So a
 * writer opens an object per node and closes those that are as deep or deeper than the next one.
 *
 * A place that nothing is counted in has no node. What has no location is counted in nodes[0]
 * alone; what has a country but no region, in the whole and its country. */

/* What n[] holds, after the report. */
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

/* The events of one datapoint: `detail`. */
struct fleet_report_point {
    struct str name; /* lives as long as the fleet */
    uint64_t n[REPORT_COUNTERS];
};

struct fleet_report_node {
    struct str name; /* lives as long as the fleet; "" for the whole */
    unsigned depth;
    uint64_t n[REPORT_COUNTERS];
    const struct fleet_report_point *points; /* by name; only in a report of events */
    size_t point_count;
};

struct fleet_report {
    struct fleet_report_node *nodes; /* at least nodes[0] */
    size_t count;
    struct fleet_report_point *points; /* of all nodes */
};

/* Frees what a report holds. All zero is an empty one. */
void fleet_report_free(struct fleet_report *r);

/* Each fills *out anew, all or nothing; the caller frees it. MU_E_NOMEM.
 *
 * fleet_report_places     all devices (or those that are online, faulty, alert, or not)
 * fleet_report_active     devices that were active on at least one day of the range, each once
 * fleet_report_activated  devices that were activated in the range
 * fleet_report_realtime   activated, faulty and alert devices as they are now: n[REPORT_ACTIVATED] … */
MU_MUST_USE enum mu_err fleet_report_places(struct fleet *f, const struct fleet_report_filter *filter,
                                            enum fleet_tri online, enum fleet_tri faulty, enum fleet_tri alert,
                                            struct fleet_report *out);
MU_MUST_USE enum mu_err fleet_report_active(struct fleet *f, const struct fleet_report_filter *filter,
                                            int32_t first_day, int32_t last_day, struct fleet_report *out);
MU_MUST_USE enum mu_err fleet_report_activated(struct fleet *f, const struct fleet_report_filter *filter,
                                               int32_t first_day, int32_t last_day, struct fleet_report *out);
MU_MUST_USE enum mu_err fleet_report_realtime(struct fleet *f, const struct fleet_report_filter *filter,
                                              struct fleet_report *out);

/* Faults or alerts of the last 13 months (and older ones that are still open): n[REPORT_TOTAL],
 * n[REPORT_RESOLVED], n[REPORT_UNRESOLVED].
 *
 * fleet_report_event_devices  devices that have events; one is resolved when none of them is open
 * fleet_report_events         the events; each node tells those of its points that have any */
enum fleet_event_kind { EVENT_FAULT, EVENT_ALERT };
MU_MUST_USE enum mu_err fleet_report_event_devices(struct fleet *f, const struct fleet_report_filter *filter,
                                                   enum fleet_event_kind kind, struct fleet_report *out);
MU_MUST_USE enum mu_err fleet_report_events(struct fleet *f, const struct fleet_report_filter *filter,
                                            enum fleet_event_kind kind, struct fleet_report *out);

/* --- days that are over --------------------------------------------------------------------------
 * What fleet_report_active, _activated and _users_active say of days up to last_day (INT32_MIN: there are
 * none) is said again as long as the version is the same: so a caller can keep it, with the version that he
 * asked for before. */
struct fleet_past {
    uint64_t version; /* only grows */
    int32_t last_day; /* the one before the newest that anything has happened on */
};
struct fleet_past fleet_report_past(struct fleet *f);

/* --- at a glance --------------------------------------------------------------------------------- */
struct fleet_summary {
    uint64_t online;
    uint64_t activated;                               /* ever */
    uint64_t active_yesterday, active_7;              /* 7: today and the six days before */
    uint64_t new_today, new_yesterday, new_7, new_30; /* activated */
};
void fleet_report_summary(struct fleet *f, const struct fleet_product *product, int32_t today,
                          struct fleet_summary *out);

struct fleet_liveness {
    uint64_t yesterday, days_7, days_30; /* active; 7, 30: with today */
};
void fleet_report_liveness(struct fleet *f, const struct fleet_report_filter *filter, int32_t today,
                           struct fleet_liveness *out);

/* --- row by row ----------------------------------------------------------------------------------
 * A row per device and day, newest day first, then by mac (bytewise), then by device number:
 * activations have one row per device. rows has room for page->limit; returns how many were written;
 * *total = all rows there are.
 *
 * The first such call after a start sorts the product's macs, with the fleet locked for reading: 45 ms
 * for 700,000. */
struct fleet_report_row {
    int32_t day;
    struct fleet_device device;
};
struct fleet_report_page {
    int32_t first_day, last_day;
    uint64_t skip, limit;
};
size_t fleet_report_incr_rows(struct fleet *f, const struct fleet_report_filter *filter,
                              const struct fleet_report_page *page, struct fleet_report_row *rows, uint64_t *total);
size_t fleet_report_active_rows(struct fleet *f, const struct fleet_report_filter *filter,
                                const struct fleet_report_page *page, struct fleet_report_row *rows, uint64_t *total);

/* --- users ---------------------------------------------------------------------------------------
 * Disabled (and deleted) users are left out of all of these; of an unknown product there are none. Each
 * takes a nanosecond or two for every user or binding that there is. MU_E_NOMEM. */

/* Users who were ever bound to a device of the product, also one that has been deleted since; with a
 * group, to a device that is in it or below it now, also a disabled one. */
MU_MUST_USE enum mu_err fleet_report_users_total(struct fleet *f, uint32_t product, uint32_t group, uint64_t *total);
/* How many of these were bound so for the first time at starts[i] or later and before starts[i + 1], into
 * counts[i]. starts: Unix seconds, ascending, one more than periods. */
MU_MUST_USE enum mu_err fleet_report_users_new(struct fleet *f, uint32_t product, uint32_t group, const int64_t *starts,
                                               size_t periods, uint32_t *counts);
/* How many were active on a day: a device of the product was, which is not disabled, and it was bound to the
 * user at some time of that day. app 0: users of any. */
MU_MUST_USE enum mu_err fleet_report_users_active(struct fleet *f, uint32_t product, uint32_t app, int32_t day,
                                                  uint32_t *count);
/* n[REPORT_COUNT]: the users of the product's apps by place. */
MU_MUST_USE enum mu_err fleet_report_users_places(struct fleet *f, uint32_t product, struct fleet_report *out);

#endif

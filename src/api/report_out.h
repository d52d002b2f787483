#ifndef MUSTER_API_REPORT_OUT_H
#define MUSTER_API_REPORT_OUT_H

#include "api/call.h"
#include "fleet/report.h"

/* What the answers of the reports share. */

/* The device group that a report may be asked for. */
/* clang-format off */
#define GID_PARAM(args)                                                                              \
    { "gid", IN_QUERY, ARG(GROUP, args, group), OPTIONAL,                                            \
      { "设备组 id（含其子组）", "Device group, with its subtree" }, "c8e4b5634b047dc495be4a05a39d02a3" }
/* clang-format on */
/* clang-format off */
#define GID_FIELD                                                                                    \
    { "gid", FIELD_TEXT, true, { "设备组 id", "The device group that was asked for" }, "null", NULL }
/* clang-format on */

/* "gid": as the caller gave it, which is a group by then, or null. */
void report_write_gid(struct json_out *j, const struct api_call *call);

/* What a place's object says beside the places in it. */
typedef void (*report_members)(struct json_out *j, const struct fleet_report_node *node);

/* "location": {country: {…, region: {…, city: {…}}}}. With leaf_count a city is its REPORT_COUNT
 * alone, no object. */
void report_write_location(struct json_out *j, const struct fleet_report *report, report_members members,
                           bool leaf_count);
/* The countries of that object alone. */
void report_write_places(struct json_out *j, const struct fleet_report *report, report_members members,
                         bool leaf_count);
/* Such members: "count": n[REPORT_COUNT]. */
void report_write_count(struct json_out *j, const struct fleet_report_node *node);

/* The civil day it is, in the calendar of the reports. */
int32_t report_today(const struct api_call *call);

#endif

#ifndef MUSTER_API_REPORT_OUT_H
#define MUSTER_API_REPORT_OUT_H

#include "api/call.h"
#include "report/report.h"

/* What the answers of the reports share. */

/* The parameter for the device group that a report is asked for. */
/* clang-format off */
#define GID_PARAM(args)                                                                              \
    { "gid", IN_QUERY, ARG(GROUP, args, group), OPTIONAL,                                            \
      { "设备组 id（含其子组）", "Device group, including the groups below it" }, "c8e4b5634b047dc495be4a05a39d02a3" }
/* clang-format on */
/* clang-format off */
#define GID_FIELD                                                                                    \
    { "gid", FIELD_TEXT, true, { "设备组 id", "The device group that was asked for" }, "null", NULL }
/* clang-format on */

/* Writes "gid": as the caller gave it (it names a group by then), or null. */
void report_out_gid(struct json_out *j, const struct api_call *call);

/* Writes the members of a place's object other than the places in it. */
typedef void (*report_out_members)(struct json_out *j, const struct report_node *node);

/* Writes "location": {country: {…, region: {…, city: {…}}}}. With leaf_count a city is only its REPORT_COUNT, not an
 * object. */
void report_out_location(struct json_out *j, const struct report *report, report_out_members members, bool leaf_count);
/* Writes only the countries of that object. */
void report_out_places(struct json_out *j, const struct report *report, report_out_members members, bool leaf_count);
/* A report_out_members: "count": n[REPORT_COUNT]. */
void report_out_count(struct json_out *j, const struct report_node *node);

/* Today's civil day number, in the calendar of the reports. */
int32_t report_out_today(const struct api_call *call);

#endif

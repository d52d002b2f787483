#ifndef MUSTER_MODEL_CALENDAR_H
#define MUSTER_MODEL_CALENDAR_H

#include <stdint.h>

#include "base/err.h"

/* Days as people of a time zone count them. A day number is the count of days since 1970-01-01 of
 * the civil date, whatever the zone. */

struct calendar;

/* zone: an IANA name such as "Asia/Shanghai", looked up in the system's zone files, or "UTC".
 * MU_E_NOT_FOUND for an unknown one. Freed with calendar_free.
 *
 * Call it before threads are started: the C library knows one zone per process, and this call changes it for a moment.
 * Any thread may use the result. */
MU_MUST_USE enum mu_err calendar_open(struct calendar **out, const char *zone);
void calendar_free(struct calendar *cal);

/* The civil day number of a moment (Unix seconds). Takes no lock, since it is called for every message. Before 1970 the
 * zone's offset counts as it was then; after 2100, as it will be then. */
int32_t calendar_day(const struct calendar *cal, int64_t unix_s);

/* The local time at a moment, as seconds since 1970-01-01 00:00 local time. Otherwise as calendar_day. */
int64_t calendar_local(const struct calendar *cal, int64_t unix_s);

/* The first second of a civil day: not always its midnight, which some zones skip when summer time
 * begins. A day that a zone left out altogether starts where the next one does. */
int64_t calendar_day_start(const struct calendar *cal, int32_t day);

#endif

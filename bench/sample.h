#ifndef MUSTER_BENCH_SAMPLE_H
#define MUSTER_BENCH_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/calendar.h"
#include "model/id.h"
#include "registry/rows.h"

/* The fleet that the benchmarks run on: what device n is, was and did, as a function of n and the moment
 * that is taken for now. The seed is fixed, so every program that asks gets the same fleet, and nothing
 * of it need be kept. Any thread.
 *
 * Five products with 70, 12, 8, 6 and 4 % of the devices; 300 cities, the larger ones with more devices;
 * 1,000 groups, 700 of them in a tree of the first product, 75 in one of each other; 80 % of the devices
 * are in one. Devices came over 1,000 days, one after the other. 40 % of them report nearly daily, 35 % every other
 * day, 25 % now and then. About 40 % are online, 2 % have an open fault, 1 % an open alert, 3 % are disabled. */

enum {
    SAMPLE_PRODUCTS = 5,
    SAMPLE_CITIES = 300,
    SAMPLE_GROUPS = 1000,
    SAMPLE_DAYS = 396, /* 13 months of activity */
};

struct sample {
    uint32_t devices;
    int64_t now_s;
    const struct calendar *calendar; /* the zone's days are counted in it */
    int32_t today;
};

struct sample_device {
    struct device_row row;
    bool is_online, is_faulty, is_alert;
    int64_t activated_at; /* Unix seconds; 0 = never */
    int32_t activated_day;
    int64_t last_report; /* Unix seconds; 0 = never */
    int32_t last_day;    /* of it */
    unsigned version;    /* of its firmware, 0 to 7 */
};
/* no: 1 to devices. */
void sample_device(const struct sample *s, uint32_t no, struct sample_device *out);
/* Whether it reported on a day of the last SAMPLE_DAYS. */
bool sample_active(const struct sample_device *d, int32_t day);

/* One that is over, of a device that had some in the last 13 months; false: it had not so many. */
struct sample_event {
    int64_t opened_us, resolved_us; /* resolved 0 = open */
    bool alert;
    const char *name; /* of a point of the air conditioner's definition */
};
bool sample_event(const struct sample *s, const struct sample_device *d, unsigned i, struct sample_event *out);

/* no: 1 to SAMPLE_GROUPS. The gid is the number in 32 hex digits. */
void sample_group(uint32_t no, struct group_row *out);

/* One user in five devices, bound to device 5 * no since it came. */
uint32_t sample_users(const struct sample *s);
void sample_user(const struct sample *s, uint32_t no, struct user_row *out);

#endif

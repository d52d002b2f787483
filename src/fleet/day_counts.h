#ifndef MUSTER_FLEET_DAY_COUNTS_H
#define MUSTER_FLEET_DAY_COUNTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What has been counted of days that are over, kept: how many devices of each place were active, or
 * activated, in a range of days, of a product and a group; and how many users were active on a day, of a
 * product and an app. A report of 53 weeks counts half a million devices 53 times; the second time, it
 * counts the present week only.
 *
 * Places and groups are those of now, so that all of it is dropped when a device that was active or
 * activated on such a day is moved, disabled or deleted, when a group is, or when one of the days
 * itself changes. Devices that come and log in for the first time, or report today, leave it as it
 * is. What was counted of users is kept by itself, and dropped when a user or a device that are or were
 * bound are disabled or deleted, or a binding of such a day comes, or ends on it. Each at most
 * LIMIT_DAY_COUNTS bytes: when they are full it begins anew. */
struct fleet;
struct day_counts_entry;

struct day_counts {
    pthread_mutex_t lock;            /* readers of the fleet look things up and add them */
    struct day_counts_entry **slots;
    uint64_t bytes;                  /* 0 = empty */
};

enum day_counted { DAYS_ACTIVE, DAYS_ACTIVATED, DAYS_USERS };

struct day_counts_key {
    uint32_t product, part;          /* a group, or of users an app; 0 = any */
    int32_t first, last;             /* days */
    uint32_t counted;                /* enum day_counted */
};

void day_counts_init(struct day_counts *c);
void day_counts_free(struct day_counts *c);

/* With the fleet locked for reading. n: by place, of users one alone; column 0 of those that have any is
 * set, or read. */
bool day_counts_find(struct fleet *f, const struct day_counts_key *key, uint64_t (*n)[3]);
/* The last day that is over: the one before the newest that anything has happened on. INT32_MIN: none. */
int32_t day_counts_last_over(const struct fleet *f);
/* Keeps them if the days are over, and there is memory. */
void day_counts_keep(struct fleet *f, const struct day_counts_key *key, uint64_t (*n)[3], uint32_t count);

/* With the fleet locked for writing. A device changes its product, place, group or mark; a day changes
 * its devices, or anything does. */
void day_counts_device_changes(struct fleet *f, uint32_t no);
void day_counts_day_changes(struct fleet *f, int32_t day);
void day_counts_clear(struct fleet *f);

/* The same for what was counted of users: all of it; who was bound on a day of that moment (Unix seconds)
 * or later; a device's product or mark. */
void user_counts_clear(struct fleet *f);
void user_counts_change(struct fleet *f, uint32_t from);
void user_counts_device_changes(struct fleet *f, uint32_t no);

#endif

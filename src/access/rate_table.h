#ifndef MUSTER_ACCESS_RATE_TABLE_H
#define MUSTER_ACCESS_RATE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/cidr.h"

/* How often something may happen per minute and key: connections, registrations and wrong passcodes per
 * source address, registrations per product, wrong passcodes per device. Bounded: if there is no room, the key that has
 * been quiet longest is dropped. Any thread. */
struct rate_table;

/* per_minute 0 = unlimited. */
MU_MUST_USE enum mu_err rate_table_create(struct rate_table **out, double per_minute);
void rate_table_destroy(struct rate_table *t);

/* Counts one; false if it is one too many. Loopback is exempt. Of an IPv6 address the /64 counts, since a client
 * usually has a whole /64. */
bool rate_table_take_address(struct rate_table *t, const struct ip_addr *ip, int64_t mono_us);
bool rate_table_take_number(struct rate_table *t, uint64_t number, int64_t mono_us);
/* Takes back one that was counted. */
void rate_table_give_address(struct rate_table *t, const struct ip_addr *ip);
void rate_table_give_number(struct rate_table *t, uint64_t number);

#endif

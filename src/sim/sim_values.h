#ifndef MUSTER_SIM_SIM_VALUES_H
#define MUSTER_SIM_SIM_VALUES_H

#include "base/buf.h"
#include "model/datapoint.h"

/* What a simulated device measures: a value for every datapoint, wandering from report to report.
 * Without a plan it passes bytes through (action 06). Owned by one device. */
struct sim_values {
    const struct datapoint_plan *plan;
    struct point_value *points;
    uint8_t *binary; /* what the binary points point into */
    uint64_t random; /* state of a small generator: a fleet with the same seeds repeats itself */
};

MU_MUST_USE enum mu_err sim_values_init(struct sim_values *v, const struct datapoint_plan *plan, uint64_t seed);
void sim_values_free(struct sim_values *v);

/* A little later: numbers wander within their bounds, switches rarely flip, alerts and faults come
 * and go (about one report in 200 raises one). */
void sim_values_wander(struct sim_values *v);

/* Takes over the flagged points of a control (its P0, action included). */
MU_MUST_USE enum mu_err sim_values_control(struct sim_values *v, const uint8_t *p0, size_t len);

/* The device's P0: a report, or the answer to a read. */
void sim_values_write(const struct sim_values *v, bool answer, struct buf *out);

#endif

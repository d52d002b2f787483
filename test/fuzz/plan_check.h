#ifndef MUSTER_FUZZ_PLAN_CHECK_H
#define MUSTER_FUZZ_PLAN_CHECK_H

#include "model/datapoint.h"

/* What holds for every compiled definition, tried with these bytes: as a P0, and as values. */
void plan_check(const struct datapoint_plan *plan, const uint8_t *bytes, size_t len);

#endif

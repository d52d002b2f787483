#ifndef MUSTER_MODEL_DATAPOINT_UI_H
#define MUSTER_MODEL_DATAPOINT_UI_H

#include "model/datapoint.h"

/* The `ui` object of GET datapoint, derived from a definition that came without one (contract,
 * endpoint 2): one section with an element for each status point in id order, without alerts and faults. A new
 * reference; NULL without memory. Pure; any thread.
 *
 * Numbers are doubles where they have decimals: dump it with JSON_REAL_PRECISION(15), or jansson
 * writes a step of 0.1 as 0.10000000000000001. */
json_t *datapoint_ui(const struct datapoint_plan *plan);

#endif

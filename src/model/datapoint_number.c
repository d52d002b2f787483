#include <float.h>
#include <math.h>

#include "model/datapoint_plan.h"

/* Decimals such as ratio 0.01 have no exact double, so 732 * 0.01 is 7.3200000000000003. Instead all
 * is counted in units of the last decimal that ratio or addition has: with scale 100, whole_ratio 1
 * and whole_addition 0 it is 732 / 100. Whole numbers are exact, and one division of exact numbers
 * gives the nearest double there is, which prints as 7.32. */

#define SCALE_MAX 1e9

/* The power of ten that makes v a whole number; 0 if there is none up to SCALE_MAX. */
static double scale_of(double v)
{
    for (double scale = 1; scale <= SCALE_MAX; scale *= 10) {
        if (nearbyint(v * scale) / scale == v)
            return scale;
    }
    return 0;
}

void plan_number_prepare(struct plan_point *p)
{
    double ratio = scale_of(p->face.ratio), addition = scale_of(p->face.addition);

    if (ratio > 0 && addition > 0) {
        p->scale = fmax(ratio, addition);
        p->whole_ratio = nearbyint(p->face.ratio * p->scale);
        p->whole_addition = nearbyint(p->face.addition * p->scale);
    } else { /* something like 1/3: as good as it gets */
        p->scale = 1;
        p->whole_ratio = p->face.ratio;
        p->whole_addition = p->face.addition;
    }
}

double plan_number_shown(const struct plan_point *p, uint32_t x)
{
    return (p->whole_ratio * x + p->whole_addition) / p->scale;
}

double datapoint_shown(const struct datapoint_plan *plan, size_t id, uint32_t x)
{
    return plan_number_shown(&plan->points[id], x);
}

bool plan_number_x(const struct plan_point *p, double v, uint32_t *x)
{
    double scaled = v * p->scale, steps = (scaled - p->whole_addition) / p->whole_ratio;
    /* How far a number that its sender has computed may miss a limit that he means: 0.1 * 3 is more than
     * 0.3 in doubles, 0.3 - 0.1 * 3 less than 0. */
    double slack = 1e-9 + 4 * DBL_EPSILON * (fabs(scaled) + fabs(p->whole_addition)) / p->whole_ratio;

    /* The number itself must be within the limits: -0.4 is not within 0 to 24, although its nearest step is. */
    if (!(steps >= p->face.min - slack && steps <= p->face.max + slack))
        return false;
    *x = (uint32_t)fmin(fmax(round(steps), p->face.min), p->face.max);
    return true;
}

#ifndef MUSTER_API_REPORT_PERIOD_H
#define MUSTER_API_REPORT_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* The periods of reports (contract, "time", "reports"). Everything here is pure and works with civil day numbers
 * (model/calendar.h), so no time zone is needed.
 *
 * The periods of a cycle are numbered without gaps: a day by its day number; weeks and months from those of
 * 1970-01-01 on. So the next period has the next number, and the length of a range is a subtraction. */

enum cycle { CYCLE_DATE, CYCLE_WEEK, CYCLE_MONTH };
extern const char *const period_cycle_names[]; /* "date", "week", "month", NULL; also the keys in the rows */

/* Reads "2016-08-01", the ISO 8601 week "2016-51" or the month "2016-12", of the years 0001 to 9999. False if the
 * text is not of this form, or there is no such day or week. */
bool period_parse(enum cycle cycle, struct str text, int32_t *period);
#define PERIOD_TEXT_MAX 40
void period_text(enum cycle cycle, int32_t period, char out[PERIOD_TEXT_MAX]);

int32_t period_first_day(enum cycle cycle, int32_t period);
int32_t period_last_day(enum cycle cycle, int32_t period);
int32_t period_of_day(enum cycle cycle, int32_t day);

/* Writes a moment of the civil clock (calendar_local) as "2017-12-07 10:12:45". */
#define LOCAL_TEXT_MAX 80
void period_local_text(int64_t local_s, char out[LOCAL_TEXT_MAX]);

/* Reads the first and last period that a caller asks for. NULL, or a sentence that says what is wrong: a text that
 * cannot be read, or the start after the end. */
struct period_range {
    int32_t first, last; /* both included */
};
const char *period_range_read(enum cycle cycle, struct str start, struct str end, struct period_range *out);

/* NULL, or a sentence if a history has more periods than allowed: 30 days, 53 weeks, 12 months. */
const char *period_range_too_long(enum cycle cycle, const struct period_range *range);

#endif

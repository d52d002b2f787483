#include "api/report_period.h"

#include <assert.h>
#include <stdio.h>

/* Periods of reports: days, ISO weeks and months as numbers, and their texts. */

/* clang-format off: a table */
const char *const period_cycle_names[] = {
    [CYCLE_DATE] = "date",
    [CYCLE_WEEK] = "week",
    [CYCLE_MONTH] = "month",
    NULL,
};
/* clang-format on */

/* --- the civil calendar -------------------------------------------------------------------------- */
struct civil {
    int32_t year, month, day;
};

static int32_t divide_down(int32_t a, int32_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01. Years are counted from March, so that a leap day is the last day of a year. Then the months
 * before one have (153 * m + 2) / 5 days, m counted from March. */
static int32_t day_of_civil(struct civil c)
{
    int32_t month = (c.month + 9) % 12;
    int32_t year = c.year - (c.month < 3);
    int32_t leaps = divide_down(year, 4) - divide_down(year, 100) + divide_down(year, 400);

    assert(c.month >= 1 && c.month <= 12);
    return 365 * year + leaps + (153 * month + 2) / 5 + c.day - 1 - 719468;
}

/* The inverse: first the year within its 400 years, then the day within that year. */
static struct civil civil_of_day(int32_t day)
{
    int32_t from_march = day + 719468;
    int32_t era = divide_down(from_march, 146097);
    int32_t of_era = from_march - era * 146097;
    int32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int32_t month = (5 * of_year + 2) / 153;
    struct civil c = {
        .year = year + 400 * era + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = of_year - (153 * month + 2) / 5 + 1,
    };

    assert(c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31);
    return c;
}

/* --- periods ------------------------------------------------------------------------------------- */
int32_t period_first_day(enum cycle cycle, int32_t period)
{
    switch (cycle) {
    case CYCLE_WEEK: /* 1970-01-01 was a Thursday */ return period * 7 - 3;
    case CYCLE_MONTH: {
        int32_t years = divide_down(period, 12);
        return day_of_civil((struct civil){ 1970 + years, period - 12 * years + 1, 1 });
    }
    case CYCLE_DATE: break;
    }
    return period;
}

int32_t period_last_day(enum cycle cycle, int32_t period)
{
    return period_first_day(cycle, period + 1) - 1;
}

int32_t period_of_day(enum cycle cycle, int32_t day)
{
    switch (cycle) {
    case CYCLE_WEEK: return divide_down(day + 3, 7);
    case CYCLE_MONTH: {
        struct civil c = civil_of_day(day);
        return 12 * (c.year - 1970) + c.month - 1;
    }
    case CYCLE_DATE: break;
    }
    return day;
}

/* --- their texts ---------------------------------------------------------------------------------- */
void period_text(enum cycle cycle, int32_t period, char out[PERIOD_TEXT_MAX])
{
    int32_t day = period_first_day(cycle, period);
    /* A week belongs to the year of its Thursday. */
    struct civil c = civil_of_day(cycle == CYCLE_WEEK ? day + 3 : day);

    switch (cycle) {
    case CYCLE_DATE: snprintf(out, PERIOD_TEXT_MAX, "%04d-%02d-%02d", c.year, c.month, c.day); break;
    case CYCLE_WEEK:
        snprintf(out, PERIOD_TEXT_MAX, "%04d-%02d", c.year,
                 (day + 3 - day_of_civil((struct civil){ c.year, 1, 1 })) / 7 + 1);
        break;
    case CYCLE_MONTH: snprintf(out, PERIOD_TEXT_MAX, "%04d-%02d", c.year, c.month); break;
    }
}

void period_local_text(int64_t local_s, char out[LOCAL_TEXT_MAX])
{
    int32_t day = (int32_t)(local_s / 86400 - (local_s % 86400 < 0));
    int32_t second = (int32_t)(local_s - (int64_t)day * 86400);
    char date[PERIOD_TEXT_MAX];

    period_text(CYCLE_DATE, day, date);
    snprintf(out, LOCAL_TEXT_MAX, "%s %02d:%02d:%02d", date, second / 3600, second / 60 % 60, second % 60);
}

/* Reads that many digits; -1 if the text has others or fewer. */
static int32_t take_number(struct str *text, size_t digits)
{
    int32_t n = 0;

    if (text->len < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return -1;
        n = 10 * n + text->at[i] - '0';
    }
    *text = (struct str){ text->at + digits, text->len - digits };
    return n;
}

static bool take_dash(struct str *text)
{
    if (text->len == 0 || text->at[0] != '-')
        return false;
    *text = (struct str){ text->at + 1, text->len - 1 };
    return true;
}

bool period_parse(enum cycle cycle, struct str text, int32_t *period)
{
    struct str rest = text;
    struct civil c = { .year = take_number(&rest, 4), .month = 1, .day = 1 };
    int32_t week = 0;
    char again[PERIOD_TEXT_MAX];

    if (c.year < 1 || !take_dash(&rest))
        return false;
    if (cycle == CYCLE_WEEK)
        week = take_number(&rest, 2);
    else
        c.month = take_number(&rest, 2);
    if (cycle == CYCLE_DATE)
        c.day = take_dash(&rest) ? take_number(&rest, 2) : -1;
    if (rest.len || week < 0 || week > 53 || c.month < 1 || c.month > 12 || c.day < 1 || c.day > 31)
        return false;
    if (cycle == CYCLE_WEEK) /* January 4th is always in the first week */
        *period = period_of_day(cycle, day_of_civil((struct civil){ c.year, 1, 4 })) + week - 1;
    else
        *period = period_of_day(cycle, day_of_civil(c));
    /* February 30th, or week 53 of a short year, became another day or another year's week: then the texts differ. */
    period_text(cycle, *period, again);
    return str_eq(text, str_of(again));
}

const char *period_range_read(enum cycle cycle, struct str start, struct str end, struct period_range *out)
{
    static const char *const bad_start[] = {
        [CYCLE_DATE] = "start: not a date such as 2016-08-01",
        [CYCLE_WEEK] = "start: not a week such as 2016-51",
        [CYCLE_MONTH] = "start: not a month such as 2016-12",
    };
    static const char *const bad_end[] = {
        [CYCLE_DATE] = "end: not a date such as 2016-08-01",
        [CYCLE_WEEK] = "end: not a week such as 2016-51",
        [CYCLE_MONTH] = "end: not a month such as 2016-12",
    };

    assert(cycle <= CYCLE_MONTH);
    if (!period_parse(cycle, start, &out->first))
        return bad_start[cycle];
    if (!period_parse(cycle, end, &out->last))
        return bad_end[cycle];
    if (out->first > out->last)
        return "start: after end";
    return NULL;
}

const char *period_range_too_long(enum cycle cycle, const struct period_range *range)
{
    static const struct {
        int32_t max;
        const char *why;
    } limits[] = {
        [CYCLE_DATE] = { 30, "start, end: more than 30 days" },
        [CYCLE_WEEK] = { 53, "start, end: more than 53 weeks" },
        [CYCLE_MONTH] = { 12, "start, end: more than 12 months" },
    };

    assert(cycle <= CYCLE_MONTH && range->first <= range->last);
    return range->last - range->first < limits[cycle].max ? NULL : limits[cycle].why;
}

#include "model/calendar.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Time zones. When a zone is opened, the C library is asked once, and the moments at which the offset changes are kept
 * in a table. Afterwards no call touches the process's TZ or takes its lock. */

#define DAY_S     86400
#define FIRST_S   0
#define LAST_S    ((int64_t)4133980800) /* 2101-01-01 */
#define SPANS_MAX 1024                  /* two a year, and irregular ones; the most seen is 272 */
#define ZONEINFO  "/usr/share/zoneinfo"

/* From its start until the next one's, local time is UTC + offset. */
struct span {
    int64_t start;
    int64_t offset;
};

struct calendar {
    size_t count; /* at least 1; the first span starts at INT64_MIN */
    struct span spans[];
};

/* Whether the name is a relative path that stays below the zone directory. */
static bool plausible_name(const char *zone)
{
    if (!*zone || *zone == '/' || strlen(zone) > 64 || strstr(zone, ".."))
        return false;
    return strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") == strlen(zone);
}

/* The library silently takes an unknown name for UTC, so look for the zone's file first. */
static bool zone_exists(const char *zone)
{
    const char *dir = getenv("TZDIR");
    char path[4096], magic[4];
    bool found = false;

    int n = snprintf(path, sizeof(path), "%s/%s", dir ? dir : ZONEINFO, zone);
    if (n < 0 || (size_t)n >= sizeof(path))
        return false;
    FILE *f = fopen(path, "re");
    if (f) {
        found = fread(magic, sizeof(magic), 1, f) == 1 && memcmp(magic, "TZif", 4) == 0;
        fclose(f);
    }
    return found;
}

static int64_t offset_at(int64_t unix_s)
{
    time_t t = unix_s;
    struct tm tm;

    localtime_r(&t, &tm);
    return tm.tm_gmtoff;
}

/* The first second of (low, high] that has the offset of high. */
static int64_t find_change(int64_t low, int64_t high)
{
    int64_t offset = offset_at(high);

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (offset_at(middle) == offset)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* No zone has changed its offset twice within a day, so looking once a day finds every change. */
static size_t collect_spans(struct span *spans)
{
    size_t count = 0;
    int64_t offset = offset_at(FIRST_S);

    spans[count++] = (struct span){ INT64_MIN, offset };
    for (int64_t t = FIRST_S + DAY_S; t <= LAST_S && count < SPANS_MAX; t += DAY_S) {
        int64_t now = offset_at(t);
        if (now != offset)
            spans[count++] = (struct span){ find_change(t - DAY_S, t), now };
        offset = now;
    }
    return count;
}

static enum mu_err spans_of_zone(const char *zone, struct span *spans, size_t *count)
{
    static pthread_mutex_t one_zone_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    char name[80];

    /* The colon means "a file", also if the name could be a rule such as EST5EDT. */
    snprintf(name, sizeof(name), ":%s", zone);
    pthread_mutex_lock(&one_zone_at_a_time);
    const char *tz = getenv("TZ");
    char *before = tz ? strdup(tz) : NULL;
    bool ok = (before || !tz) && setenv("TZ", name, 1) == 0;
    if (ok) {
        tzset();
        *count = collect_spans(spans);
        if (before)
            setenv("TZ", before, 1);
        else
            unsetenv("TZ");
        tzset();
    }
    free(before);
    pthread_mutex_unlock(&one_zone_at_a_time);
    return ok ? MU_OK : MU_E_NOMEM;
}

enum mu_err calendar_open(struct calendar **out, const char *zone)
{
    enum mu_err err = MU_OK;
    size_t count = 1;
    struct calendar *cal = malloc(sizeof(*cal) + SPANS_MAX * sizeof(cal->spans[0]));

    if (!cal)
        return MU_E_NOMEM;
    if (strcmp(zone, "UTC") == 0)
        cal->spans[0] = (struct span){ INT64_MIN, 0 }; /* needs no zone files */
    else if (!plausible_name(zone) || !zone_exists(zone))
        err = MU_E_NOT_FOUND;
    else
        err = spans_of_zone(zone, cal->spans, &count);
    if (err != MU_OK) {
        free(cal);
        return err;
    }
    cal->count = count;
    *out = cal;
    return MU_OK;
}

void calendar_free(struct calendar *cal)
{
    free(cal);
}

static size_t span_at(const struct calendar *cal, int64_t unix_s)
{
    size_t low = 0, high = cal->count;

    assert(high > 0 && cal->spans[0].start == INT64_MIN);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (cal->spans[middle].start <= unix_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t calendar_local(const struct calendar *cal, int64_t unix_s)
{
    return unix_s + cal->spans[span_at(cal, unix_s)].offset;
}

int32_t calendar_day(const struct calendar *cal, int64_t unix_s)
{
    int64_t local = calendar_local(cal, unix_s);

    return (int32_t)(local / DAY_S - (local % DAY_S < 0));
}

int64_t calendar_day_start(const struct calendar *cal, int32_t day)
{
    int64_t midnight = (int64_t)day * DAY_S;
    size_t i = span_at(cal, midnight - DAY_S); /* no zone is a whole day away from UTC */

    for (;; i++) {
        int64_t start = midnight - cal->spans[i].offset;
        if (start < cal->spans[i].start)
            start = cal->spans[i].start; /* this span's clock never showed that midnight */
        if (i + 1 == cal->count || start < cal->spans[i + 1].start)
            return start;
    }
}

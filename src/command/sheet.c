#include "command/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void sheet_line(struct buf *out, const char *label, const char *format, ...)
{
    size_t start = out->len;
    va_list args;

    buf_printf(out, "%-16s", label);
    va_start(args, format);
    buf_vprintf(out, format, args);
    va_end(args);
    buf_make_plain(out, start);
    buf_append_str(out, "\n");
}

const char *sheet_span(int64_t seconds, char out[32])
{
    if (seconds < 120)
        snprintf(out, 32, "%" PRId64 " s", seconds);
    else if (seconds < 120 * 60)
        snprintf(out, 32, "%" PRId64 " min", seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(out, 32, "%" PRId64 " h", seconds / 3600);
    else
        snprintf(out, 32, "%" PRId64 " days", seconds / 86400);
    return out;
}

const char *sheet_bytes(uint64_t bytes, char out[32])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    double amount = (double)bytes / 1024;
    size_t unit = 0;

    for (; amount >= 1000 && unit < 3; unit++)
        amount /= 1024;
    snprintf(out, 32, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
    return out;
}

const char *sheet_time(const struct calendar *calendar, int64_t unix_s, char out[32])
{
    time_t local = (time_t)(calendar ? calendar_local(calendar, unix_s) : unix_s);
    long offset_min = (long)(local - unix_s) / 60, size = labs(offset_min);
    struct tm tm;
    size_t n = strftime(out, 32, "%F %T", gmtime_r(&local, &tm));

    if (calendar)
        snprintf(out + n, 32 - n, "%c%02ld:%02ld", offset_min < 0 ? '-' : '+', size / 60, size % 60);
    else
        snprintf(out + n, 32 - n, "Z");
    return out;
}

/* Reads what a device's row tells beside the device: what it did before it came here. */
#include "transfer/apply_entry.h"
#include "transfer/export.h"

#include <assert.h>
#include <time.h>

enum { DAY_S = 86400, EAST_MOST_S = 14 * 3600 }; /* before UTC, where a day begins first */

/* clang-format off */
#define VERSION_FIELD(name, i) \
    { name, APPLY_CODE, offsetof(struct import_told, versions[i]), LIMIT_VERSION + 1, NULL, CELL_TEXT }
/* clang-format on */

static const struct apply_field fields[] = {
    FIELD("activated_at", APPLY_TIME, import_told, activated_at),
    FIELD("online_latest", APPLY_TIME, import_told, online_latest),
    FIELD("last_report", APPLY_TIME, import_told, last_report),
    VERSION_FIELD("mcu_hard_version", 0),
    VERSION_FIELD("mcu_soft_version", 1),
    VERSION_FIELD("wifi_hard_version", 2),
    VERSION_FIELD("wifi_soft_version", 3),
    OTHER_FIELD("active_days"),
};
const struct apply_field_list apply_told_fields = FIELD_LIST(fields);

/* --- days -----------------------------------------------------------------------------------------*/

static bool read_digits(struct str *s, unsigned count, int *out)
{
    *out = 0;
    for (unsigned i = 0; i < count; i++, s->at++, s->len--) {
        if (!s->len || *s->at < '0' || *s->at > '9')
            return false;
        *out = *out * 10 + (*s->at - '0');
    }
    return true;
}

static bool read_mark(struct str *s, struct str mark)
{
    if (!str_starts(*s, mark))
        return false;
    s->at += mark.len;
    s->len -= mark.len;
    return true;
}

/* Takes a day such as "2016-08-01" off s, from 1970 on. */
static bool read_day(struct str *s, int32_t *day)
{
    struct tm asked = { 0 }, is;

    if (!read_digits(s, 4, &asked.tm_year) || !read_mark(s, STR("-")) || !read_digits(s, 2, &asked.tm_mon) ||
        !read_mark(s, STR("-")) || !read_digits(s, 2, &asked.tm_mday) || asked.tm_year < 1970)
        return false;
    asked.tm_year -= 1900;
    asked.tm_mon -= 1;
    is = asked;
    *day = (int32_t)(timegm(&is) / DAY_S);
    return is.tm_mon == asked.tm_mon && is.tm_mday == asked.tm_mday;
}

/* Reads days and ranges of days, separated by blanks. false: a wrong form, or too many days. */
static bool read_days(struct str s, struct buf *out, uint32_t *count, int32_t *last)
{
    int32_t from, to;

    *count = 0;
    *last = 0;
    do {
        if (!read_day(&s, &from))
            return false;
        to = from;
        if (read_mark(&s, STR("..")) && (!read_day(&s, &to) || to < from))
            return false;
        *count += (uint32_t)(to - from) + 1;
        if (*count > TOLD_DAYS_MAX)
            return false;
        for (int32_t day = from; day <= to; day++)
            buf_append(out, &day, sizeof(day));
        *last = to > *last ? to : *last;
    } while (read_mark(&s, STR(" ")));
    return s.len == 0;
}

static enum mu_err read_active_days(const struct apply_entry *e, struct import_told *told)
{
    const struct value *v = apply_value(e, "active_days");
    struct buf *days = e->apply->days;
    int64_t now_s = e->apply->now_s;
    size_t before = days->len;
    int32_t last;

    told->first_day = (uint32_t)(before / sizeof(int32_t));
    if (!v)
        return MU_OK;
    if (v->type != VALUE_TEXT || !read_days(v->text, days, &told->day_count, &last)) {
        apply_mistake(e, "active_days",
                      "must be days and ranges such as \"2016-08-01 2016-08-03..2016-08-31\", "
                      "at most %d days",
                      TOLD_DAYS_MAX);
    } else if (last > (now_s + EAST_MOST_S) / DAY_S) {
        apply_mistake(e, "active_days", "lies in the future");
    } else if (!told->last_report) {
        /* A time that is on that day in most time zones. */
        int64_t noon = (int64_t)last * DAY_S + DAY_S / 2;
        told->last_report = noon < now_s ? noon : now_s;
    }
    return days->err;
}

/* --- all of it ------------------------------------------------------------------------------------*/

enum mu_err apply_told(const struct apply_entry *e)
{
    static const struct import_told untold = { 0 };
    struct import_told *told = e->apply->told;

    assert(told && e->apply->days);
    for (size_t i = 0; i < apply_told_fields.count; i++) {
        const struct apply_field *f = &fields[i];
        if (f->type == APPLY_OWN)
            continue;
        apply_field(e, f, told, &untold);
        if (f->type == APPLY_TIME && *(int64_t *)(void *)((char *)told + f->offset) > e->apply->now_s)
            apply_mistake(e, f->name, "lies in the future");
    }
    return read_active_days(e, told);
}

/* --- the other way --------------------------------------------------------------------------------*/

static void write_day(struct buf *out, int32_t day)
{
    time_t s = (time_t)day * DAY_S;
    struct tm tm;

    gmtime_r(&s, &tm);
    buf_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static void write_days(struct json_out *j, const int32_t *days, size_t count)
{
    struct buf text;

    buf_init(&text, TOLD_DAYS_MAX * sizeof("2016-08-01"));
    for (size_t i = 0, last; i < count; i = last + 1) {
        for (last = i; last + 1 < count && days[last + 1] == days[last] + 1;)
            last++;
        if (i)
            buf_append_u8(&text, ' ');
        write_day(&text, days[i]);
        if (last > i) {
            buf_append_str(&text, "..");
            write_day(&text, days[last]);
        }
    }
    json_put_str(j, "active_days", (struct str){ (const char *)text.data, text.len });
    if (text.err != MU_OK)
        j->out->err = text.err;
    buf_free(&text);
}

void export_told(struct json_out *j, const struct import_told *told, const int32_t *days, size_t day_count)
{
    for (size_t i = 0; i < apply_told_fields.count; i++) {
        const char *at = (const char *)told + fields[i].offset;

        if (fields[i].type == APPLY_TIME && *(const int64_t *)(const void *)at) {
            json_put_int(j, fields[i].name, *(const int64_t *)(const void *)at);
        } else if (fields[i].type == APPLY_CODE && *at) {
            json_put_text(j, fields[i].name, at);
        }
    }
    if (day_count)
        write_days(j, days, day_count);
}

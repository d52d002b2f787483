/* muster audit: who has changed or controlled what. It is read page by page, from the running server or from a
 * directory at rest, so that nobody ever holds the whole log. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "command/audit_page.h"
#include "command/commands.h"
#include "ops/local.h"
#include "ops/settings.h"

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input has one line each for: layout, enterprise_id, kind, id, --from, --to, the cursor ("" at the
 * beginning). The answer: one line with the next cursor ("" at the end), then the rows. */

#define CURSOR "%" PRId64 " %" PRIu64 " %" PRIu32 " %" PRId64 " %" PRIu64

static const char *const layout_words[AUDIT_LAYOUTS] = { "text", "wide", "json" };

/* The moment at which clocks in this zone show the local time. */
static int64_t moment_of(const struct calendar *cal, int64_t local)
{
    int64_t unix_s = local;

    /* The offset at the first guess is the right one, or that of an hour nearby; the second round corrects it. */
    for (int i = 0; i < 2; i++)
        unix_s = local - (calendar_local(cal, unix_s) - unix_s);
    return unix_s;
}

/* Reads a time: Unix seconds; a day; or a day and a time, in the directory's zone or with an offset, as times are
 * shown. until: a day means its end. */
static bool read_time(const struct calendar *cal, struct str text, bool until, int64_t *us)
{
    char copy[32];
    struct tm tm = { 0 };
    int64_t seconds;

    if (str_int64(text, &seconds)) {
        *us = seconds * 1000000;
        return seconds >= 0 && seconds < INT64_MAX / 1000000;
    }
    if (!str_copy(copy, sizeof(copy), text))
        return false;
    const char *end = strptime(copy, "%Y-%m-%d", &tm);
    if (!end)
        return false;
    if (!*end) {
        int32_t day = (int32_t)(timegm(&tm) / 86400);
        *us = calendar_day_start(cal, until ? day + 1 : day) * 1000000;
        return true;
    }
    if (*end != 'T' && *end != ' ')
        return false;
    const char *rest = strptime(end + 1, "%H:%M", &tm);
    if (rest && *rest == ':')
        rest = strptime(rest, ":%S", &tm);
    bool has_offset = rest && *rest;
    if (has_offset)
        rest = strptime(rest, "%z", &tm);
    long offset = tm.tm_gmtoff; /* timegm resets it */
    int64_t local = timegm(&tm);
    *us = (has_offset ? local - offset : moment_of(cal, local)) * 1000000;
    return rest && !*rest;
}

static bool read_cursor(struct str text, struct audit_cursor *cursor)
{
    char copy[128];

    return str_copy(copy, sizeof(copy), text) &&
           sscanf(copy, "%" SCNd64 " %" SCNu64 " %" SCNu32 " %" SCNd64 " %" SCNu64, &cursor->changes.at_us,
                  &cursor->changes.no, &cursor->changes.change, &cursor->controls.at_us, &cursor->controls.no) == 5;
}

static int run_audit(const struct operation_call *call)
{
    const struct stores *s = call->stores;
    struct str input = call->input;
    struct audit_cursor cursor = { 0 };
    struct buf rows;
    bool end = false;

    struct audit_filter filter = { 0 };
    struct str layout = str_take_line(&input);
    for (unsigned i = 0; i < AUDIT_LAYOUTS; i++)
        if (str_eq(layout, str_of(layout_words[i])))
            filter.layout = (enum audit_layout)i;
    filter.enterprise_id = str_take_line(&input);
    filter.kind = str_take_line(&input);
    filter.id = str_take_line(&input);
    struct str from = str_take_line(&input), to = str_take_line(&input), place = str_take_line(&input);
    int64_t from_us = 0;
    if (from.len && !read_time(s->calendar, from, false, &from_us)) {
        buf_printf(call->answer, "--from: '%.*s' is not a time (see muster audit --help)\n", (int)from.len, from.at);
        return 2;
    }
    if (!read_time(s->calendar, to, true, &filter.before_us)) {
        buf_printf(call->answer, "--to: '%.*s' is not a time (see muster audit --help)\n", (int)to.len, to.at);
        return 2;
    }
    if (!read_cursor(place, &cursor)) {
        cursor.changes.at_us = from_us;
        /* The cursor names the last row that was seen. So it starts just before from_us. */
        cursor.controls.at_us = from_us ? from_us - 1 : 0;
        cursor.controls.no = from_us ? UINT64_MAX : 0;
    }
    buf_init(&rows, LOCAL_ANSWER_MAX);
    enum mu_err err = audit_page(s, &filter, &cursor, &rows, &end);
    if (err == MU_OK && end)
        buf_append_str(call->answer, "\n");
    else if (err == MU_OK)
        buf_printf(call->answer, CURSOR "\n", cursor.changes.at_us, cursor.changes.no, cursor.changes.change,
                   cursor.controls.at_us, cursor.controls.no);
    if (err == MU_OK)
        buf_append(call->answer, rows.data, rows.len);
    buf_free(&rows);
    return operation_result(call, err);
}

const struct operation command_op_audit = { .name = "audit", .needs = STORES_ALL, .run = run_audit };

/* --- the command's side --------------------------------------------------------------------------- */

static const char *text_of(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text ? text : "";
}

static bool settings_good(const struct settings *s)
{
    static const char *const lines[] = { "from", "to", "enterprise", "id" };

    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        if (strchr(text_of(s, lines[i]), '\n')) {
            fprintf(stderr, "muster audit: --%s: must be one line\n", lines[i]);
            return false;
        }
    }
    return true;
}

/* Removes the cursor from the beginning of an answer; false at the end of the log. */
static bool take_cursor(struct buf *answer, char *cursor, size_t size)
{
    struct str text = { (const char *)answer->data, answer->len }, line = str_take_line(&text);
    bool more = line.len && str_copy(cursor, size, line);

    assert(text.len <= answer->len);
    buf_consume(answer, answer->len - text.len);
    return more;
}

static int print_log(const struct settings *s)
{
    struct operation_place place = operation_place(s);
    enum audit_layout layout = setting_on(s, "json") ? AUDIT_JSON : setting_on(s, "wide") ? AUDIT_WIDE : AUDIT_BLOCK;
    bool more = true;
    struct buf heading;
    char cursor[128] = "", now[32];
    struct buf input, answer;
    int status = 0;

    /* Rows that are added while this prints are not shown. */
    snprintf(now, sizeof(now), "%" PRId64, clock_wall_s() + 1);
    buf_init(&input, 65536);
    buf_init(&answer, LOCAL_ANSWER_MAX);
    buf_init(&heading, 1000);
    if (layout == AUDIT_WIDE)
        audit_row_heading(&heading);
    while (status == 0 && more && !ferror(stdout)) {
        buf_clear(&answer);
        buf_clear(&input);
        buf_printf(&input, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n", layout_words[layout], text_of(s, "enterprise"),
                   text_of(s, "kind"), text_of(s, "id"), text_of(s, "from"),
                   setting_text(s, "to") ? setting_text(s, "to") : now, cursor);
        status = operation_run(&place, &command_op_audit, (struct str){ (const char *)input.data, input.len }, &answer);
        if (status == 0) {
            more = take_cursor(&answer, cursor, sizeof(cursor));
            operation_print("muster audit", 0, &heading); /* printed only now that a page has arrived */
            buf_clear(&heading);
        }
        operation_print("muster audit", status, &answer);
    }
    operation_leave(&place);
    buf_free(&heading);
    buf_free(&answer);
    buf_free(&input);
    return status;
}

static int audit(const struct settings *s)
{
    return settings_good(s) ? print_log(s) : 2;
}

/* clang-format off: a table */
static const struct setting audit_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "from",
      .kind = SETTING_TEXT,
      .flag_only = true,
      .metavar = "TIME",
      .help = "only entries from TIME on: 2026-11-26 or 2026-11-26T08:30, both in the directory's time zone; "
              "2026-11-26T08:30+02:00; or Unix seconds" },
    { .name = "to",
      .kind = SETTING_TEXT,
      .flag_only = true,
      .metavar = "TIME",
      .help = "only entries before TIME; a day means its end; by default until now" },
    { .name = "enterprise",
      .kind = SETTING_TEXT,
      .flag_only = true,
      .metavar = "ID",
      .help = "only what this enterprise did" },
    { .name = "kind",
      .kind = SETTING_WORD,
      .flag_only = true,
      .metavar = "enterprise|product|app|device|group|user",
      .help = "only what was done to things of this kind" },
    { .name = "id",
      .kind = SETTING_TEXT,
      .flag_only = true,
      .metavar = "ID",
      .help = "only what was done to the thing with this id (for a device: its did), and entries that name it: a "
              "user who was bound, a mac that was put into a group" },
    { .name = "wide",
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "one line for each entry, 180 columns and more, under headings" },
    JSON_SETTING("one JSON object per line, for programs"),
    COMMON_SETTINGS
};
/* clang-format on */

const struct command command_audit = {
    .name = "audit",
    .group = COMMAND_DATA,
    .summary = "shows who has changed or controlled what",
    .description = "Shows who has changed what, and who has controlled which device, the newest last. Works while the "
                   "server runs.",
    .settings = audit_settings,
    .examples = { { "muster audit --data data --from 2026-11-26 --kind device", "devices, since that day" } },
    .run = audit,
};

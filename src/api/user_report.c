#include "api/call.h"
#include "api/report_out.h"
#include "api/report_period.h"

/* 用户报表: users that were bound to a product's devices, for a caller with the product's token. */

enum { PERIODS_MAX = 1000 };

/* --- new ----------------------------------------------------------------------------------------- */
struct new_args {
    uint32_t group;
    int cycle; /* enum cycle */
    struct str start, end;
    struct period_range range; /* computed from both by users_new_check */
};

/* clang-format off: a table */
static const struct param new_params[] = {
    PRODUCT_KEY,
    GID_PARAM(struct new_args),
    { "cycle",
      IN_QUERY,
      ARG(CHOICE, struct new_args, cycle),
      OPTIONAL,
      { "统计周期：date（默认）、week 或 month", "date, which is the default, week or month" },
      "month",
      .fallback = CYCLE_DATE,
      .choices = period_cycle_names },
    { "start",
      IN_QUERY,
      ARG(TEXT, struct new_args, start),
      REQUIRED,
      { "起始日期 2016-08-01、起始周 2016-51 或起始月 2016-12",
        "First date 2016-08-01, ISO week 2016-51 or month 2016-12" },
      "2017-12" },
    { "end",
      IN_QUERY,
      ARG(TEXT, struct new_args, end),
      REQUIRED,
      { "结束日期，格式同 start", "Last one, in the same form" },
      "2017-12" },
};
/* clang-format on */

static const struct field new_row_fields[] = {
    { "count", FIELD_INT, false, { "新增用户数", "New users" }, "3", NULL },
    { "date", FIELD_TEXT, MAY_BE_ABSENT, { "日期，cycle 为 date 时", "The day, if cycle is date" }, NULL, NULL },
    { "week", FIELD_TEXT, MAY_BE_ABSENT, { "周，cycle 为 week 时", "The week, if cycle is week" }, NULL, NULL },
    { "month",
      FIELD_TEXT,
      MAY_BE_ABSENT,
      { "月，cycle 为 month 时", "The month, if cycle is month" },
      "\"2017-12\"",
      NULL },
    { 0 },
};
static const struct field new_fields[] = {
    { "start", FIELD_TEXT, false, { "起始周期", "First period" }, "\"2017-12\"", NULL },
    GID_FIELD,
    { "end", FIELD_TEXT, false, { "结束周期", "Last period" }, "\"2017-12\"", NULL },
    { "data", FIELD_ARRAY, false, { "每个周期一行", "A row for each period" }, NULL, new_row_fields },
    { "cycle", FIELD_TEXT, false, { "周期", "The cycle" }, "\"month\"", NULL },
    { 0 },
};

static enum api_error users_new_check(struct api_call *call);

ROUTE(users_new, GET, "/v1/products/{product_key}/users/report/new", TOKEN, SLOW, PARAMS(new_params),
      ARGS(struct new_args), .check = users_new_check, .fields = new_fields, ERRORS(API_REPORT_NOT_GENERATED),
      .summary = { "用户新增报表", "New users by day, week or month" },
      .about = { "首次绑定该产品设备的用户；指定 gid 时为首次绑定该设备组内设备的用户。",
                 "Users who were bound to a device of the product for the first time; with a gid, to "
                 "one of that group." });

static enum api_error users_new_check(struct api_call *call)
{
    struct new_args *args = call->args;
    const char *why = period_range_read((enum cycle)args->cycle, args->start, args->end, &args->range);

    if (!why && args->range.last - args->range.first >= PERIODS_MAX)
        why = "start, end: more than 1000 periods";
    return why ? api_refuse(call, API_FORM_INVALID, "%s", why) : API_OK;
}

static void write_new(struct json_out *j, const struct api_call *call, const uint32_t *counts)
{
    const struct new_args *args = call->args;
    char text[PERIOD_TEXT_MAX];

    json_object_begin(j);
    json_put_str(j, "start", args->start);
    report_out_gid(j, call);
    json_put_str(j, "end", args->end);
    json_put_array(j, "data");
    for (int32_t i = 0; i <= args->range.last - args->range.first; i++) {
        json_object_begin(j);
        json_put_count(j, "count", counts[i]);
        json_key(j, period_cycle_names[args->cycle]);
        period_text((enum cycle)args->cycle, args->range.first + i, text);
        json_text(j, text);
        json_object_end(j);
    }
    json_array_end(j);
    json_put_text(j, "cycle", period_cycle_names[args->cycle]);
    json_object_end(j);
}

static enum api_error users_new(struct api_call *call)
{
    const struct new_args *args = call->args;
    enum cycle cycle = (enum cycle)args->cycle;
    size_t periods = (size_t)(args->range.last - args->range.first + 1);
    int64_t *starts = arena_alloc(&call->ex->arena, (periods + 1) * sizeof(*starts));
    uint32_t *counts = arena_alloc(&call->ex->arena, periods * sizeof(*counts));

    if (args->range.first > period_of_day(cycle, report_out_today(call)))
        return api_refuse(call, API_REPORT_NOT_GENERATED, "start: in the future");
    if (!starts || !counts)
        return API_INTERNAL;
    for (size_t i = 0; i <= periods; i++)
        starts[i] =
            calendar_day_start(call->api->parts.calendar, period_first_day(cycle, args->range.first + (int32_t)i));
    if (report_users_new(call->api->parts.fleet, call->product->no, args->group, starts, periods, counts) != MU_OK)
        return API_INTERNAL;
    struct json_out j = api_answer(call, 200);
    write_new(&j, call, counts);
    return API_OK;
}

/* --- total --------------------------------------------------------------------------------------- */
struct total_args {
    uint32_t group;
};

static const struct param total_params[] = { PRODUCT_KEY, GID_PARAM(struct total_args) };

static const struct field total_fields[] = {
    GID_FIELD,
    { "total", FIELD_INT, false, { "用户总数", "How many users" }, "31", NULL },
    { 0 },
};

ROUTE(users_total, GET, "/v1/products/{product_key}/users/report/total", TOKEN, SLOW, PARAMS(total_params),
      ARGS(struct total_args), .fields = total_fields, .summary = { "用户总数报表", "All users" },
      .about = { "曾经绑定过该产品设备的用户总数；指定 gid 时为曾经绑定过该设备组内设备的用户。",
                 "Users who were ever bound to a device of the product; with a gid, to one of that "
                 "group." });

static enum api_error users_total(struct api_call *call)
{
    const struct total_args *args = call->args;
    uint64_t total;

    if (report_users_total(call->api->parts.fleet, call->product->no, args->group, &total) != MU_OK)
        return API_INTERNAL;
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    report_out_gid(&j, call);
    json_put_count(&j, "total", total);
    json_object_end(&j);
    return API_OK;
}

const struct api_chapter chapter_user_report = {
    .name = { "用户报表", "User reports" },
    ROUTES(&users_new_route, &users_total_route),
};

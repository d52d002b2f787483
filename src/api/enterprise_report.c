#include "api/call.h"
#include "api/report_out.h"
#include "api/report_period.h"
#include "api/scope.h"

/* 用户报表: reports about an enterprise's users, for a caller with its id and secret. */

/* --- liveness_total ------------------------------------------------------------------------------ */
enum { DAYS_MAX = 366 };

struct liveness_args {
    struct scope_product product;
    struct str appid, start, end;
    struct period_range range; /* computed from both dates by users_liveness_check */
};

/* clang-format off: a table */
static const struct param liveness_params[] = {
    SCOPE_PARAMS(struct liveness_args),
    { "appid",
      IN_QUERY,
      ARG(ID, struct liveness_args, appid),
      OPTIONAL,
      { "应用 id", "Users of this app only" },
      "a39d02a3c8e4b5634b047dc495be4a05" },
    { "start_date",
      IN_QUERY,
      ARG(TEXT, struct liveness_args, start),
      REQUIRED,
      { "开始日期", "First day" },
      "2017-12-13" },
    { "end_date",
      IN_QUERY,
      ARG(TEXT, struct liveness_args, end),
      REQUIRED,
      { "结束日期，最多 366 天", "Last day; at most 366 days" },
      "2017-12-13" },
};
/* clang-format on */

static const struct field liveness_row_fields[] = {
    { "count", FIELD_INT, false, { "活跃用户数", "Active users" }, "2", NULL },
    { "date", FIELD_TEXT, false, { "日期", "The day" }, "\"2017-12-13\"", NULL },
    { 0 },
};
static const struct field liveness_fields[] = {
    { "data", FIELD_ARRAY, false, { "每天一行", "A row for each day" }, NULL, liveness_row_fields },
    { 0 },
};

static enum api_error users_liveness_check(struct api_call *call);

ROUTE(users_liveness, GET, "/v1/users/liveness_total", HEADERS, SLOW, PARAMS(liveness_params),
      ARGS(struct liveness_args), .check = users_liveness_check, .fields = liveness_fields,
      ERRORS(SCOPE_ERRORS, API_REPORT_NOT_GENERATED),
      .summary = { "企业活跃用户人数", "Active users of an enterprise" },
      .about = { "当天绑定的设备有数据上报的用户为活跃用户。",
                 "A user is active on a day when a device that was bound to him on that day "
                 "reported." });

static enum api_error users_liveness_check(struct api_call *call)
{
    struct liveness_args *args = call->args;
    enum api_error error = scope_check(call, &args->product);

    if (error != API_OK)
        return error;
    if (!period_parse(CYCLE_DATE, args->start, &args->range.first))
        return api_refuse(call, API_FORM_INVALID, "start_date: not a date such as 2015-01-02");
    if (!period_parse(CYCLE_DATE, args->end, &args->range.last))
        return api_refuse(call, API_FORM_INVALID, "end_date: not a date such as 2015-01-02");
    if (args->range.first > args->range.last)
        return api_refuse(call, API_FORM_INVALID, "start_date: after end_date");
    if (args->range.last - args->range.first >= DAYS_MAX)
        return api_refuse(call, API_FORM_INVALID, "start_date, end_date: more than %d days", DAYS_MAX);
    return API_OK;
}

static enum mu_err write_day(const struct api_call *call, struct json_out *j, const struct scope *scope,
                             const struct fleet_past *past, int32_t day)
{
    const struct past_key key = { .version = past->version,
                                  .what = PAST_USERS,
                                  .product = scope->product,
                                  .part = scope->app,
                                  .cycle = CYCLE_DATE,
                                  .period = day };
    bool is_over = day <= past->last_day;
    char text[PERIOD_TEXT_MAX];
    uint32_t count;
    enum mu_err err;

    if (is_over && past_rows_write(call->api->past, &key, j))
        return MU_OK;
    err = report_users_active(call->api->parts.fleet, scope->product, scope->app, day, &count);
    if (err != MU_OK)
        return err;
    size_t from = j->out->len;
    json_object_begin(j);
    json_put_count(j, "count", count);
    json_key(j, "date");
    period_text(CYCLE_DATE, day, text);
    json_text(j, text);
    json_object_end(j);
    if (is_over)
        past_rows_keep(call->api->past, &key, j->out, from);
    return MU_OK;
}

static enum api_error users_liveness(struct api_call *call)
{
    const struct liveness_args *args = call->args;
    const struct fleet_past past = fleet_get_past(call->api->parts.fleet);
    struct scope scope;
    enum api_error error = scope_find(call, &args->product, args->appid, &scope);

    if (error != API_OK)
        return error;
    if (args->range.first > report_out_today(call))
        return api_refuse(call, API_REPORT_NOT_GENERATED, "start_date: in the future");
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    json_put_array(&j, "data");
    for (int32_t day = args->range.first; day <= args->range.last; day++) {
        enum mu_err err = write_day(call, &j, &scope, &past, day);
        if (err != MU_OK)
            return api_store_failed(call, API_INTERNAL, "count users by day", err);
    }
    json_array_end(&j);
    json_object_end(&j);
    return API_OK;
}

/* --- location -------------------------------------------------------------------------------------- */
struct location_args {
    struct scope_product product;
};

static const struct param location_params[] = { SCOPE_PARAMS(struct location_args) };

static enum api_error users_location_check(struct api_call *call);

ROUTE(users_location, GET, "/v1/users/location", HEADERS, SLOW, PARAMS(location_params), ARGS(struct location_args),
      .check = users_location_check, ERRORS(SCOPE_ERRORS), .answer_schema = "{\"type\":\"object\"}",
      .answer_example = "{\"China\":{\"count\":4,\"Guangdong\":{\"count\":4,"
                        "\"Guangzhou\":{\"count\":4}}}}",
      .summary = { "用户地理分布", "Where users are" },
      .about = { "该产品的应用的注册用户，按国家、省及城市统计；没有地理位置的用户不计入。",
                 "The registered users of the product's apps by country, region and city; those without "
                 "a place are not counted." });

static enum api_error users_location_check(struct api_call *call)
{
    const struct location_args *args = call->args;

    return scope_check(call, &args->product);
}

static enum api_error users_location(struct api_call *call)
{
    const struct location_args *args = call->args;
    struct report places;
    struct scope scope;
    enum api_error error = scope_find(call, &args->product, (struct str){ NULL, 0 }, &scope);

    if (error != API_OK)
        return error;
    if (report_users_places(call->api->parts.fleet, scope.product, &places) != MU_OK)
        return API_INTERNAL;
    struct json_out j = api_answer(call, 200);
    json_object_begin(&j);
    report_out_places(&j, &places, report_out_count, false);
    json_object_end(&j);
    report_free(&places);
    return API_OK;
}

const struct api_chapter chapter_enterprise_report = {
    .name = { "用户报表", "User reports" },
    ROUTES(&users_liveness_route, &users_location_route),
};

#include <stdlib.h>

#include "api/call.h"
#include "api/report_out.h"
#include "api/report_period.h"
#include "api/scope.h"

/* 用户报表: an enterprise's users, by its id and secret. */

/* --- liveness_total ------------------------------------------------------------------------------ */
enum {
    DAYS_MAX = 366,
    WORDS_MAX = (DAYS_MAX + 63) / 64,
    BOUND_MAX = 4096, /* bindings that the fleet is asked about at once */
};

struct liveness_args {
    struct scope_product product;
    struct str appid, start, end;
    struct period_range range; /* from both, by users_liveness_check */
};

static const struct param liveness_params[] = {
    SCOPE_PARAMS(struct liveness_args),
    { "appid", IN_QUERY, ARG(ID, struct liveness_args, appid), OPTIONAL,
      { "应用 id", "Users of this app only" }, "a39d02a3c8e4b5634b047dc495be4a05" },
    { "start_date", IN_QUERY, ARG(TEXT, struct liveness_args, start), REQUIRED,
      { "开始日期", "First day" }, "2017-12-13" },
    { "end_date", IN_QUERY, ARG(TEXT, struct liveness_args, end), REQUIRED,
      { "结束日期，最多 366 天", "Last day; at most 366 days" }, "2017-12-13" },
};

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

/* The bindings come user by user, and go to the fleet in lots. What a user's devices did on the days
 * of the range is gathered until the next user's first one. */
struct liveness {
    const struct api_call *call;
    int32_t first_day;
    uint32_t days;
    uint32_t user;                  /* whose days are in `active`; 0 = none yet */
    uint64_t active[WORDS_MAX];
    uint32_t counts[DAYS_MAX];
    size_t waiting;
    uint32_t users[BOUND_MAX];      /* of the bindings */
    struct fleet_bound bound[BOUND_MAX];
    uint64_t bits[BOUND_MAX * WORDS_MAX];
};

static void end_user(struct liveness *l)
{
    for (uint32_t day = 0; day < l->days; day++)
        l->counts[day] += (uint32_t)(l->active[day / 64] >> day % 64 & 1);
    memset(l->active, 0, sizeof(l->active));
}

static void ask_fleet(struct liveness *l)
{
    size_t words = fleet_bound_words(l->days);

    fleet_report_bound(l->call->api->parts.fleet, l->bound, l->waiting, l->first_day, l->days, l->bits);
    for (size_t i = 0; i < l->waiting; i++) {
        if (l->users[i] != l->user)
            end_user(l);
        l->user = l->users[i];
        for (size_t w = 0; w < words; w++)
            l->active[w] |= l->bits[i * words + w];
    }
    l->waiting = 0;
}

static enum mu_err add_binding(void *ctx, const struct past_binding *b)
{
    struct liveness *l = ctx;
    const struct calendar *calendar = l->call->api->parts.calendar;

    l->users[l->waiting] = b->user;
    l->bound[l->waiting++] = (struct fleet_bound){
        .device = b->device,
        .from_day = calendar_day(calendar, b->since),
        .until_day = b->until == INT64_MAX ? INT32_MAX : calendar_day(calendar, b->until),
    };
    if (l->waiting == BOUND_MAX)
        ask_fleet(l);
    return MU_OK;
}

static void write_liveness(struct json_out *j, const struct liveness *l)
{
    char text[PERIOD_TEXT_MAX];

    json_object_begin(j);
    json_key(j, "data");
    json_array_begin(j);
    for (uint32_t day = 0; day < l->days; day++) {
        json_object_begin(j);
        report_write_number(j, "count", l->counts[day]);
        json_key(j, "date");
        period_text(CYCLE_DATE, l->first_day + (int32_t)day, text);
        json_text(j, text);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static enum api_error users_liveness(struct api_call *call)
{
    const struct liveness_args *args = call->args;
    const struct calendar *calendar = call->api->parts.calendar;
    struct scope scope;
    enum api_error error = scope_find(call, &args->product, args->appid, &scope);

    if (error != API_OK)
        return error;
    if (args->range.first > report_today(call))
        return api_refuse(call, API_REPORT_NOT_GENERATED, "start_date: in the future");
    struct liveness *l = arena_alloc(&call->ex->arena, sizeof(*l));
    if (!l)
        return API_INTERNAL;
    l->call = call;
    l->first_day = args->range.first;
    l->days = (uint32_t)(args->range.last - args->range.first + 1);
    enum mu_err err = registry_visit_bindings(call->api->parts.registry, scope.product, scope.app,
                                              calendar_day_start(calendar, args->range.first),
                                              calendar_day_start(calendar, args->range.last + 1),
                                              add_binding, l);
    if (err != MU_OK)
        return api_store_failed(call, API_INTERNAL, "read bindings", err);
    ask_fleet(l);
    end_user(l);
    struct json_out j = api_answer(call, 200);
    write_liveness(&j, l);
    return API_OK;
}

/* --- location -------------------------------------------------------------------------------------- */
struct location_args { struct scope_product product; };

static const struct param location_params[] = { SCOPE_PARAMS(struct location_args) };

static enum api_error users_location_check(struct api_call *call);

ROUTE(users_location, GET, "/v1/users/location", HEADERS, SLOW, PARAMS(location_params),
      ARGS(struct location_args), .check = users_location_check, ERRORS(SCOPE_ERRORS),
      .answer_schema = "{\"type\":\"object\"}",
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

/* The tree that the fleet would make of devices, made of rows that come in the order of their names. */
struct places {
    struct arena *arena;
    struct fleet_report tree;
    size_t room;
    size_t path[4]; /* the nodes of the row before, by their depth */
};

static enum mu_err add_node(struct places *p, unsigned depth, struct str name)
{
    if (p->tree.count == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        struct fleet_report_node *nodes = realloc(p->tree.nodes, room * sizeof(*nodes));
        if (!nodes)
            return MU_E_NOMEM;
        p->tree.nodes = nodes;
        p->room = room;
    }
    const char *copy = arena_strndup(p->arena, name.at, name.len);
    if (!copy)
        return MU_E_NOMEM;
    p->path[depth] = p->tree.count;
    p->tree.nodes[p->tree.count++] = (struct fleet_report_node){ .name = { copy, name.len },
                                                                 .depth = depth };
    return MU_OK;
}

static enum mu_err add_place(void *ctx, const struct place *place, uint64_t count)
{
    const char *const names[] = { "", place->country, place->region, place->city };
    struct places *p = ctx;
    bool same = true; /* as in the row before, down to this depth */
    enum mu_err err;

    p->tree.nodes[0].n[REPORT_COUNT] += count;
    for (unsigned depth = 1; depth < 4 && *names[depth]; depth++) {
        struct str name = str_of(names[depth]);
        same = same && p->path[depth] && str_eq(p->tree.nodes[p->path[depth]].name, name);
        if (!same) {
            if ((err = add_node(p, depth, name)) != MU_OK)
                return err;
            memset(&p->path[depth + 1], 0, (3 - depth) * sizeof(p->path[0]));
        }
        p->tree.nodes[p->path[depth]].n[REPORT_COUNT] += count;
    }
    return MU_OK;
}

static enum api_error users_location(struct api_call *call)
{
    const struct location_args *args = call->args;
    struct places p = { .arena = &call->ex->arena };
    struct scope scope;
    enum api_error error = scope_find(call, &args->product, (struct str){ NULL, 0 }, &scope);

    if (error != API_OK)
        return error;
    enum mu_err err = add_node(&p, 0, STR(""));
    if (err == MU_OK)
        err = registry_visit_user_places(call->api->parts.registry, scope.product, add_place, &p);
    if (err != MU_OK) {
        error = api_store_failed(call, API_INTERNAL, "count users by place", err);
    } else {
        struct json_out j = api_answer(call, 200);
        json_object_begin(&j);
        report_write_places(&j, &p.tree, report_write_count, false);
        json_object_end(&j);
    }
    free(p.tree.nodes);
    return error;
}

const struct api_chapter enterprise_report_chapter = {
    .name = { "用户报表", "User reports" },
    ROUTES(&users_liveness_route, &users_location_route),
};

#include "api/report_out.h"

#include "api/query.h"
#include "base/clock.h"
#include "model/id.h"

int32_t report_today(const struct api_call *call)
{
    return calendar_day(call->api->parts.calendar, clock_wall_s());
}

void report_write_number(struct json_out *j, const char *key, uint64_t v)
{
    json_key(j, key);
    json_int(j, (int64_t)v);
}

void report_write_gid(struct json_out *j, const struct api_call *call)
{
    struct str gid;
    char text[3 * ID_HEX_LEN + 1];

    json_key(j, "gid");
    /* It named a group, so unescaped it has the length of one. */
    if (query_find(call->ex->req.query, "gid", &gid) && str_copy(text, sizeof(text), gid)
        && url_decode(text, &gid.len, true) == MU_OK)
        json_str(j, (struct str){ text, gid.len });
    else
        json_no_value(j);
}

void report_write_count(struct json_out *j, const struct fleet_report_node *node)
{
    report_write_number(j, "count", node->n[REPORT_COUNT]);
}

/* A place of this name would hide what its surroundings say of themselves. It is counted there. */
static bool is_reserved(struct str name)
{
    return str_eq(name, STR("count")) || str_eq(name, STR("detail"));
}

void report_write_places(struct json_out *j, const struct fleet_report *report, report_members members,
                         bool leaf_count)
{
    enum { CITY = 3 };
    unsigned open = 0, left_out = 0; /* depths */

    for (size_t i = 1; i < report->count; i++) {
        const struct fleet_report_node *node = &report->nodes[i];
        if (left_out && node->depth > left_out)
            continue;
        left_out = is_reserved(node->name) ? node->depth : 0;
        if (left_out)
            continue;
        for (; open >= node->depth; open--)
            json_object_end(j);
        json_key_str(j, node->name);
        if (leaf_count && node->depth == CITY) {
            json_int(j, (int64_t)node->n[REPORT_COUNT]);
            continue;
        }
        json_object_begin(j);
        members(j, node);
        open = node->depth;
    }
    for (; open; open--)
        json_object_end(j);
}

void report_write_location(struct json_out *j, const struct fleet_report *report, report_members members,
                           bool leaf_count)
{
    json_key(j, "location");
    json_object_begin(j);
    report_write_places(j, report, members, leaf_count);
    json_object_end(j);
}

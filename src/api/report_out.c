#include "api/report_out.h"

#include <assert.h>
#include <string.h>

#include "api/query.h"
#include "base/clock.h"
#include "model/id.h"

/* Writes the parts that the answers of reports share: the group, and the tree of places. */

int32_t report_out_today(const struct api_call *call)
{
    return calendar_day(call->api->parts.calendar, clock_wall_s());
}

void report_out_gid(struct json_out *j, const struct api_call *call)
{
    struct str gid;
    char text[3 * ID_HEX_LEN + 1];

    json_key(j, "gid");
    /* The parameter named a group, so it has the length of a group id when it is unescaped. */
    if (query_find(call->ex->req.query, "gid", &gid) && str_copy(text, sizeof(text), gid) &&
        url_decode(text, &gid.len, true) == MU_OK)
        json_str(j, (struct str){ text, gid.len });
    else
        json_no_value(j);
}

void report_out_count(struct json_out *j, const struct report_node *node)
{
    json_put_count(j, "count", node->n[REPORT_COUNT]);
}

/* A place with this name would replace the "count" or "detail" of the place around it. It is left out, but counted
 * there. */
static bool is_reserved(struct str name)
{
    return str_eq(name, STR("count")) || str_eq(name, STR("detail"));
}

/* Writes the ends of some objects, then a place with its count, up to where the places in it would follow. It is
 * done in one piece, since a history of 53 weeks has 16,000 of these. The place's name needs no escapes. */
static void write_counted(struct json_out *j, unsigned ends, const struct report_node *node)
{
    static const char count[] = "\":{\"count\":";
    char digits[20], *first = decimal_before(digits + sizeof(digits), node->n[REPORT_COUNT]);
    size_t digit_count = (size_t)(digits + sizeof(digits) - first);
    char *start = (char *)buf_reserve(j->out, ends + 2 + node->name.len + sizeof(count) + sizeof(digits));
    char *at = start;

    if (!start)
        return;
    for (unsigned i = 0; i < ends; i++)
        *at++ = '}';
    if (ends || j->need_comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, node->name.at, node->name.len);
    at += node->name.len;
    memcpy(at, count, sizeof(count) - 1);
    at += sizeof(count) - 1;
    memcpy(at, first, digit_count);
    j->out->len += (size_t)(at + digit_count - start);
    j->need_comma = true;
}

void report_out_places(struct json_out *j, const struct report *report, report_out_members members, bool leaf_count)
{
    enum { CITY = 3 };
    unsigned open = 0, left_out = 0; /* both are depths; 0 = none */

    for (size_t i = 1; i < report->count; i++) {
        const struct report_node *node = &report->nodes[i];
        bool is_leaf = leaf_count && node->depth == CITY;
        if (left_out && node->depth > left_out)
            continue;
        left_out = is_reserved(node->name) ? node->depth : 0;
        if (left_out)
            continue;
        assert(node->depth > 0 && node->depth <= CITY);
        unsigned ends = open >= node->depth ? open - node->depth + 1 : 0;
        open = is_leaf ? node->depth - 1 : node->depth;
        if (members == report_out_count && !is_leaf && str_is_plain(node->name, ' ', '"', '\\')) {
            write_counted(j, ends, node);
            continue;
        }
        while (ends--)
            json_object_end(j);
        json_key_str(j, node->name);
        if (is_leaf) {
            json_int(j, (int64_t)node->n[REPORT_COUNT]);
        } else {
            json_object_begin(j);
            members(j, node);
        }
    }
    for (; open; open--)
        json_object_end(j);
}

void report_out_location(struct json_out *j, const struct report *report, report_out_members members, bool leaf_count)
{
    json_put_object(j, "location");
    report_out_places(j, report, members, leaf_count);
    json_object_end(j);
}

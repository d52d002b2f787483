#include "access/topics.h"

#include <stdio.h>

/* Which topics and filters a device may use, and what they mean. */

#define OUR_CLIENT "enterprise" /* the <client> of our controls */

_Static_assert(sizeof(OUR_CLIENT) - 1 <= LIMIT_TOPIC_CLIENT, "device-access 2");
/* Fixed header, the topic and its length. */
_Static_assert(3 + 2 + sizeof("app2dev//" OUR_CLIENT) - 1 + DID_LEN + LIMIT_FRAME == LIMIT_DEVICE_PACKET,
               "a frame of LIMIT_FRAME fits, and none that is longer");

static bool has_wildcard(struct str s)
{
    return s.len && (memchr(s.at, '+', s.len) || memchr(s.at, '#', s.len));
}

bool topic_name_valid(struct str topic)
{
    return topic.len > 0 && !has_wildcard(topic);
}

/* Removes the prefix from s; false if s does not start with it, and s stays. */
static bool skip(struct str *s, struct str prefix)
{
    if (!str_starts(*s, prefix))
        return false;
    s->at += prefix.len;
    s->len -= prefix.len;
    return true;
}

static bool is_one_level(struct str s)
{
    return s.len && !memchr(s.at, '/', s.len);
}

/* The first level that is a did tells whose topic it is, unless a wildcard stands before it. */
static bool is_own(struct str topic, struct str did)
{
    while (topic.len) {
        const char *slash = memchr(topic.at, '/', topic.len);
        struct str level = { topic.at, slash ? (size_t)(slash - topic.at) : topic.len };
        if (did_valid(level) || has_wildcard(level))
            return str_eq(level, did);
        topic.at += level.len + (slash != NULL);
        topic.len -= level.len + (slash != NULL);
    }
    return false;
}

enum topic_kind topic_kind(struct str topic, struct str did)
{
    struct str rest = topic;

    if (skip(&rest, STR("dev2app/")) && skip(&rest, did) &&
        (rest.len == 0 || (skip(&rest, STR("/")) && is_one_level(rest))))
        return TOPIC_REPORT;
    if (str_eq(topic, STR("cli2ser_req")) || str_eq(topic, STR("cli2ser")))
        return TOPIC_REQUEST;
    return is_own(topic, did) ? TOPIC_UNKNOWN : TOPIC_FOREIGN;
}

/* '+' must be a whole level, '#' the whole last level. */
static bool filter_valid(struct str filter)
{
    if (filter.len == 0)
        return false;
    for (size_t i = 0; i < filter.len; i++) {
        char c = filter.at[i];
        if (c != '+' && c != '#')
            continue;
        bool starts = i == 0 || filter.at[i - 1] == '/';
        bool ends = i + 1 == filter.len || (c == '+' && filter.at[i + 1] == '/');
        if (!starts || !ends)
            return false;
    }
    return true;
}

/* Behind $share/: a name without a wildcard, and a filter. */
static bool share_valid(struct str rest)
{
    const char *slash = rest.len ? memchr(rest.at, '/', rest.len) : NULL;
    size_t name_len = slash ? (size_t)(slash - rest.at) : 0;

    return name_len && name_len + 1 < rest.len && !has_wildcard((struct str){ rest.at, name_len });
}

static enum topic_filter_kind control_filter(struct str client)
{
    if (str_eq(client, STR("#")))
        return FILTER_CONTROL_ALL;
    if (str_eq(client, STR("+")))
        return FILTER_CONTROL_ANY;
    if (str_eq(client, STR(OUR_CLIENT)))
        return FILTER_CONTROL_OURS;
    return is_one_level(client) ? FILTER_UNUSED : FILTER_FOREIGN;
}

enum topic_filter_kind topic_filter_kind(struct str filter, struct str did, struct str product_key)
{
    struct str rest = filter;

    if (!filter_valid(filter))
        return FILTER_INVALID;
    if (skip(&rest, STR("$share/")))
        return share_valid(rest) ? FILTER_SHARED : FILTER_INVALID;
    if (skip(&rest, STR("app2dev/")) && skip(&rest, did)) {
        if (rest.len == 0)
            return FILTER_UNUSED;
        return skip(&rest, STR("/")) ? control_filter(rest) : FILTER_FOREIGN;
    }
    rest = filter;
    if (skip(&rest, STR("ser2cli_res/")))
        return str_eq(rest, did) ? FILTER_ANSWER : FILTER_FOREIGN;
    if (skip(&rest, STR("ser2cli_noti/")))
        return str_eq(rest, product_key) ? FILTER_NOTICE : FILTER_FOREIGN;
    if (skip(&rest, STR("dev2app/")))
        return FILTER_FOREIGN; /* no device hears its own reports */
    return is_own(filter, did) ? FILTER_UNUSED : FILTER_FOREIGN;
}

void topic_of_control(const char *did, char out[TOPIC_SIZE])
{
    snprintf(out, TOPIC_SIZE, "app2dev/%s/" OUR_CLIENT, did);
}

void topic_of_answer(const char *did, char out[TOPIC_SIZE])
{
    snprintf(out, TOPIC_SIZE, "ser2cli_res/%s", did);
}

#include <stdlib.h>

#include "net/http_internal.h"

#include "base/array.h"

/* Which table and route a path belongs to. Each table has a tree of its paths' segments. At each place the literal
 * segment is tried first, and the capture only if nothing below the literal matches. */

/* The segments of a path, without empty ones. At most HTTP_SEGMENTS are stored; *count counts all. */
static void split(struct str path, struct str segments[HTTP_SEGMENTS], size_t *count)
{
    const char *end = path.at + path.len;

    *count = 0;
    for (const char *at = path.at; at < end;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        if (!slash)
            slash = end;
        if (slash > at) {
            if (*count < HTTP_SEGMENTS)
                segments[*count] = (struct str){ at, (size_t)(slash - at) };
            (*count)++;
        }
        at = slash + 1;
    }
}

static bool unescape(struct arena *arena, struct str *s)
{
    if (!memchr(s->at, '%', s->len))
        return true;
    char *copy = arena_strndup(arena, s->at, s->len);
    if (!copy || url_decode(copy, &s->len, false) != MU_OK)
        return false;
    s->at = copy;
    return true;
}

static const struct http_node *match(const struct http_node *n, const struct str *segment, size_t count,
                                     struct str *captures)
{
    const struct http_node *found = NULL;

    if (count == 0)
        return n->is_path ? n : NULL;
    for (const struct http_node *child = n->literals; child && !found; child = child->next) {
        if (str_eq(child->segment, *segment))
            found = match(child, segment + 1, count - 1, captures);
    }
    if (!found && n->capture) {
        found = match(n->capture, segment + 1, count - 1, captures + 1);
        if (found)
            *captures = *segment;
    }
    return found;
}

static bool owns(const struct http_mount *m, const struct str *segments, size_t count)
{
    if (count < m->prefix_count)
        return false;
    for (size_t i = 0; i < m->prefix_count; i++) {
        if (!str_eq(m->prefix[i], segments[i]))
            return false;
    }
    return true;
}

bool http_route_find(const struct http_server *s, struct exchange *x)
{
    struct http_request *req = &x->pub.req;
    const struct http_mount *mount = NULL;
    struct str segments[HTTP_SEGMENTS];
    struct str all = req->path;
    size_t count;

    if (str_eq(req->path, STR("*"))) /* the server itself, no table's */
        return true;
    /* The whole path first: segments that are not stored must be well formed too. */
    if (!unescape(&x->pub.arena, &all))
        return false;
    split(req->path, segments, &count);
    size_t stored = count < HTTP_SEGMENTS ? count : HTTP_SEGMENTS;
    if (all.at != req->path.at) {
        for (size_t i = 0; i < stored; i++) {
            if (!unescape(&x->pub.arena, &segments[i]))
                return false;
        }
    }

    for (size_t i = 0; i < s->mount_count && !mount; i++) {
        if (owns(s->mounts[i], segments, stored))
            mount = s->mounts[i];
    }
    if (!mount)
        return true;
    x->table = mount->table;
    x->pub.ctx = mount->table->ctx;
    if (count <= HTTP_SEGMENTS)
        x->node = match(&mount->root, segments, count, req->captures);
    if (x->node && req->method != HTTP_M_OTHER)
        x->pub.route = x->node->routes[req->method];
    return true;
}

void http_route_allow(struct exchange *x, const struct http_node *node)
{
    bool has[HTTP_M_OTHER];

    for (int m = 0; m < HTTP_M_OTHER; m++)
        has[m] = !node || node->routes[m];
    http_add_header(&x->pub, "Allow", "%s%s%s%sOPTIONS", has[HTTP_M_GET] ? "GET, HEAD, " : "",
                    has[HTTP_M_POST] ? "POST, " : "", has[HTTP_M_PUT] ? "PUT, " : "",
                    has[HTTP_M_DELETE] ? "DELETE, " : "");
}

/* --- building ----------------------------------------------------------------------------------*/
static bool is_capture(struct str segment)
{
    return segment.at[0] == '{';
}

/* The child for a segment, made if there is none. */
static struct http_node *child_of(struct http_node *n, struct str segment)
{
    if (is_capture(segment)) {
        if (!n->capture)
            n->capture = calloc(1, sizeof(*n));
        return n->capture;
    }
    for (struct http_node *child = n->literals; child; child = child->next) {
        if (str_eq(child->segment, segment))
            return child;
    }
    struct http_node *child = calloc(1, sizeof(*child));
    if (child) {
        child->segment = segment;
        child->next = n->literals;
        n->literals = child;
    }
    return child;
}

static enum mu_err add_route(struct http_mount *mount, struct http_route *route)
{
    struct str segments[HTTP_SEGMENTS];
    struct http_node *n = &mount->root;
    size_t count, captures = 0;

    split(str_of(route->path), segments, &count);
    if (count > HTTP_SEGMENTS || route->method >= HTTP_M_OTHER)
        return MU_E_VALUE;
    if (!owns(mount, segments, count))
        return MU_E_VALUE;
    for (size_t i = 0; i < count; i++) {
        if (is_capture(segments[i]) && ++captures > HTTP_CAPTURES)
            return MU_E_VALUE;
        n = child_of(n, segments[i]);
        if (!n)
            return MU_E_NOMEM;
    }
    if (n->routes[route->method])
        return MU_E_EXISTS;
    n->routes[route->method] = route;
    n->is_path = true;
    return MU_OK;
}

static void free_below(struct http_node *n)
{
    struct http_node *next;

    for (struct http_node *child = n->literals; child; child = next) {
        next = child->next;
        free_below(child);
        free(child);
    }
    if (n->capture)
        free_below(n->capture);
    free(n->capture);
}

static void mount_free(struct http_mount *mount)
{
    if (mount)
        free_below(&mount->root);
    free(mount);
}

enum mu_err http_server_add(struct http_server *s, struct http_table *table)
{
    struct http_mount *mount = calloc(1, sizeof(*mount));
    enum mu_err err = MU_E_NOMEM;

    if (!mount)
        goto out;
    mount->table = table;
    split(str_of(table->prefix), mount->prefix, &mount->prefix_count);

    if (!ARRAY_RESERVE(s->mounts, s->mount_cap, s->mount_count + 1) ||
        !ARRAY_RESERVE(s->routes, s->route_cap, s->route_count + table->count))
        goto out;

    err = mount->prefix_count > HTTP_SEGMENTS ? MU_E_VALUE : MU_OK;
    for (size_t i = 0; i < table->count && err == MU_OK; i++) {
        struct http_route *route = &table->routes[i];
        if (route->where == HTTP_SLOW && !s->workers)
            err = MU_E_VALUE;
        else
            err = add_route(mount, route);
    }
    if (err != MU_OK)
        goto out;
    for (size_t i = 0; i < table->count; i++) {
        table->routes[i].number = (unsigned)s->route_count;
        s->routes[s->route_count++] = &table->routes[i];
    }
    size_t at = s->mount_count++;
    for (; at && s->mounts[at - 1]->prefix_count < mount->prefix_count; at--)
        s->mounts[at] = s->mounts[at - 1];
    s->mounts[at] = mount;
    mount = NULL;
out:
    mount_free(mount);
    return err;
}

void http_routes_free(struct http_server *s)
{
    for (size_t i = 0; i < s->mount_count; i++)
        mount_free(s->mounts[i]);
    free(s->mounts);
    free(s->routes);
}

#include "api/auth.h"

#include <assert.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "net/workers.h"
#include "registry/secret.h"

/* Finds out who the caller is (a token, or enterprise headers) and checks whether he may call: the address list and
 * the hourly quota. */

/* --- the quota -------------------------------------------------------------------------------- */
static enum quota_taken take(struct api_call *call, struct fleet_enterprise *e, uint32_t limit, struct quota_view *view)
{
    const struct api_options *parts = &call->api->parts;
    int64_t until_ms = clock_mono_ms() + LIMIT_QUOTA_WAIT_MS;
    enum quota_taken taken;
    bool ask;

    if (!parts->ask_quota)
        return quota_take(e->quota, limit, call->now_s, view) ? QUOTA_TAKEN : QUOTA_OVER;
    for (;;) {
        taken = quota_take_shared(e->quota, &e->share, limit, call->now_s, view, &ask);
        if (ask)
            parts->ask_quota(parts->nodes);
        if (taken != QUOTA_WAIT || !workers_is_one() || !parts->await_quota(parts->nodes, &e->share, until_ms))
            return taken;
        /* If the hour has ended meanwhile, what was granted is of the next one. */
        call->now_s = clock_wall_s();
    }
}

void auth_known(struct api_call *call, struct fleet_enterprise *enterprise)
{
    const struct enterprise_row *row = enterprise->row;
    struct quota_view view;

    call->enterprise = enterprise;
    call->now_s = clock_wall_s();
    call->quota = take(call, enterprise, row->hourly_quota, &view);
    call->quota_reset = view.reset;
    if (call->quota == QUOTA_WAIT)
        return;
    answer_add_number(call->ex, STR("X-RateLimit-Limit"), view.limit);
    answer_add_number(call->ex, STR("X-RateLimit-Remaining"), view.remaining);
    answer_add_number(call->ex, STR("X-RateLimit-Reset"), (uint64_t)view.reset);
}

enum api_error auth_admit(struct api_call *call)
{
    const struct enterprise_row *row = call->enterprise->row;
    const struct ip_addr *client = &call->ex->req.peer;

    assert(call->enterprise && call->now_s > 0);
    if (row->ip_allow_count && !cidr_any_contains(row->ip_allow, row->ip_allow_count, client)) {
        char text[IP_TEXT_SIZE];
        ip_text(client, text);
        return api_refuse(call, API_IP_NOT_ALLOWED, "the call comes from %s", text);
    }
    if (call->quota == QUOTA_WAIT)
        return api_refuse(call, API_UNAVAILABLE, "the call could not be counted; call again, or another node");
    if (call->quota == QUOTA_OVER) {
        int64_t wait = call->quota_reset - call->now_s;
        answer_add_number(call->ex, STR("Retry-After"), wait > 1 ? (uint64_t)wait : 1);
        return API_QUOTA_EXCEEDED;
    }
    return API_OK;
}

/* --- the caller -----------------------------------------------------------------------------------*/
struct str auth_token_of(struct str header)
{
    static const struct str scheme = { "token", 5 };
    struct str none = { NULL, 0 }, s = str_trim(header);

    if (s.len > scheme.len && str_eq_nocase((struct str){ s.at, scheme.len }, scheme) &&
        (s.at[scheme.len] == ' ' || s.at[scheme.len] == '\t'))
        s = str_trim((struct str){ s.at + scheme.len, s.len - scheme.len });
    return id_is_hex(s) ? s : none;
}

static enum api_error find_token(struct api_call *call, struct fleet_token *token)
{
    struct str header = http_header_get(&call->ex->req, "Authorization");
    struct str text = auth_token_of(header);
    uint8_t hash[32];

    if (!text.at)
        return api_refuse(call, API_TOKEN_INVALID, "Authorization: %s",
                          header.len ? "not \"token <32 hex digits>\"" : "required");
    secret_token_hash(text, hash);
    if (!fleet_token_find(call->api->parts.fleet, hash, token))
        return API_TOKEN_INVALID;
    auth_known(call, token->enterprise);
    return call->now_s < token->expires_at ? API_OK : API_TOKEN_EXPIRED;
}

static enum api_error check_token(struct api_call *call)
{
    struct fleet_token token;
    enum api_error error = find_token(call, &token);

    if (error != API_OK)
        return error;
    /* product_key is the first path parameter of every route with a token. */
    struct str product_key = call->ex->req.captures[0];
    if (!str_eq(product_key, str_of(token.product->product_key)))
        return fleet_product_by_key(call->api->parts.fleet, product_key) ? API_TOKEN_OTHER_PRODUCT
                                                                         : API_PRODUCT_UNKNOWN;
    call->product = token.product;
    return auth_admit(call);
}

static enum api_error check_headers(struct api_call *call)
{
    struct str id = http_header_get(&call->ex->req, "X-Gizwits-Enterprise-ID");
    struct str secret = http_header_get(&call->ex->req, "X-Gizwits-Enterprise-Secret");
    struct fleet_enterprise *enterprise;
    struct fleet_token token;

    if (id.len == 0) {
        if (http_header_get(&call->ex->req, "Authorization").len == 0)
            return api_refuse(call, API_TOKEN_INVALID, "X-Gizwits-Enterprise-ID: required");
        enum api_error error = find_token(call, &token);
        if (error != API_OK)
            return error;
        call->product = token.product;
        return auth_admit(call);
    }
    enterprise = fleet_enterprise_by_id(call->api->parts.fleet, id);
    if (!enterprise)
        return API_ENTERPRISE_UNKNOWN;
    const struct enterprise_row *row = enterprise->row;
    if (secret.len ? !secret_equal(row->secret_salt, secret, row->secret_hash) : row->secret_required)
        return API_ENTERPRISE_SECRET;
    auth_known(call, enterprise);
    return auth_admit(call);
}

enum api_error auth_check(struct api_call *call)
{
    switch (call->route->auth) {
    case AUTH_TOKEN: return check_token(call);
    case AUTH_HEADERS: return check_headers(call);
    case AUTH_NONE:
    case AUTH_BODY: break;
    }
    return API_OK;
}

#include "api/openapi.h"
#include "api/params.h"

static void mark(bool can[API_ERROR_COUNT], const enum api_error *errors)
{
    while (*errors != API_OK)
        can[*errors++] = true;
}

static void mark_caller(const struct api_route *route, bool can[API_ERROR_COUNT])
{
    static const enum api_error of_any[] = { API_IP_NOT_ALLOWED, API_QUOTA_EXCEEDED, API_OK };
    static const enum api_error of_token[] = { API_TOKEN_INVALID, API_TOKEN_EXPIRED, API_TOKEN_OTHER_PRODUCT, API_OK };
    static const enum api_error of_headers[] = { API_TOKEN_INVALID, API_TOKEN_EXPIRED, API_ENTERPRISE_UNKNOWN,
                                                 API_ENTERPRISE_SECRET, API_OK };

    static const enum api_error of_node[] = { API_UNAVAILABLE, API_OK };

    if (route->auth != AUTH_NONE) {
        mark(can, of_node);
        mark(can, of_any);
    }
    if (route->auth == AUTH_TOKEN)
        mark(can, of_token);
    if (route->auth == AUTH_HEADERS)
        mark(can, of_headers);
}

static void mark_param(const struct param *p, bool can[API_ERROR_COUNT])
{
    switch (p->type) {
    case PARAM_PRODUCT: can[API_PRODUCT_UNKNOWN] = true; return;
    case PARAM_DEVICE: can[API_DEVICE_UNKNOWN] = can[API_DEVICE_OTHER_PRODUCT] = true; break;
    case PARAM_GROUP: can[API_GROUP_UNKNOWN] = can[API_GROUP_OTHER_PRODUCT] = true; break;
    default: break;
    }
    if (p->in != IN_PATH)
        can[API_FORM_INVALID] = true;
}

void openapi_route_errors(const struct api_route *route, bool can[API_ERROR_COUNT])
{
    for (int i = 0; i < API_ERROR_COUNT; i++)
        can[i] = false;
    mark_caller(route, can);
    if (params_in_body(route))
        can[API_BODY_INVALID] = true;
    for (size_t i = 0; i < route->param_count; i++)
        mark_param(&route->params[i], can);
    if (route->errors)
        mark(can, route->errors);
    can[API_INTERNAL] = true;
}

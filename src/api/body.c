#include "api/body.h"

#include "base/json_in.h"

enum api_error body_read(struct api_call *call, json_t **out)
{
    struct str text = call->ex->req.body;
    json_error_t why;

    *out = json_read(str_skip_mark(text), 0, &why);
    if (!*out) {
        if (text.len == 0)
            return api_refuse(call, API_BODY_INVALID, "the body is empty");
        if (json_error_code(&why) == json_error_out_of_memory)
            return API_INTERNAL;
        return api_refuse(call, API_BODY_INVALID, "line %d, column %d: %s", why.line, why.column, why.text);
    }
    if (!json_is_object(*out)) {
        json_decref(*out);
        *out = NULL;
        return api_refuse(call, API_BODY_INVALID, "not an object");
    }
    return API_OK;
}

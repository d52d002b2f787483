#include "model/api_error.h"

#include <assert.h>

static const struct api_error_row rows[API_ERROR_COUNT] = {
#define X(name, status, code, message) [name] = { status, code, message },
    API_ERROR_TABLE(X)
#undef X
};

const struct api_error_row *api_error_row(enum api_error error)
{
    assert(error > API_OK && error < API_ERROR_COUNT);
    return &rows[error];
}

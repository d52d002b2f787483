#ifndef MUSTER_API_OPENAPI_H
#define MUSTER_API_OPENAPI_H

#include "api/route.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "net/http_static.h"

/* The OpenAPI 3.1 document, made from the routes' declarations. */

/* Writes the whole document. out is initialized here and must be freed by the caller, also on failure. */
MU_MUST_USE enum mu_err openapi_write(struct buf *out, enum lang lang);

/* The same, as an answer that is ready to be sent. out must be freed, also on failure. */
MU_MUST_USE enum mu_err openapi_make(struct http_made *out, enum lang lang);

const char *openapi_words(const struct words *w, enum lang lang);

/* The operationId of a route: "get_v1_products_product_key_devices_search". */
#define OPENAPI_ID_MAX 160
void openapi_operation_id(const struct api_route *route, char out[OPENAPI_ID_MAX]);

/* --- openapi_schema.c: one value's schema ------------------------------------------------------ */
/* Writes "parameters" and "requestBody" of an operation, where there are any. */
void openapi_write_params(struct json_out *j, const struct api_route *route, enum lang lang);
void openapi_write_body(struct json_out *j, const struct api_route *route, enum lang lang);
/* Writes the schema of a route's successful answer; the other function writes the example. */
void openapi_write_answer_schema(struct json_out *j, const struct api_route *route, enum lang lang);
void openapi_write_answer_example(struct json_out *j, const struct api_route *route);

/* --- openapi_errors.c: which errors a route can answer ------------------------------------------ */
/* Sets can[] for the errors that a route declares, and for those that follow from auth and parameters. */
void openapi_route_errors(const struct api_route *route, bool can[API_ERROR_COUNT]);

/* --- openapi_components.c: what the operations refer to --------------------------------------------*/
void openapi_write_components(struct json_out *j, enum lang lang);

/* --- openapi_route.c ---------------------------------------------------------------------------- */
/* The language that an Accept-Language header prefers; English if it has no preference for Chinese. */
enum lang openapi_accepted_lang(struct str header);

#endif

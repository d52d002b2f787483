#ifndef MUSTER_API_PAGE_H
#define MUSTER_API_PAGE_H

#include "api/call.h"
#include "base/json_out.h"
#include "base/limits.h"

/* Paging (contract, "pagination"): two parameters, and the `meta` of the answer. */

struct page {
    int64_t limit, skip;
};

/* The parameter rows of a route whose arguments have a field `page`. */
/* clang-format off */
#define PAGE_PARAMS(args)                                                                            \
    { "limit", IN_QUERY, ARG(INT, args, page.limit), OPTIONAL,                                       \
      { "返回的条数", "Rows in the answer" }, "20", 0, LIMIT_PAGE, 20 },                             \
    { "skip", IN_QUERY, ARG(INT, args, page.skip), OPTIONAL,                                         \
      { "跳过的条数", "Rows to skip" }, "0", 0, INT64_MAX, 0 }
/* clang-format on */

/* Writes {"previous", "skip", "total", "limit", "next"}. The links are null, or a path with a query that keeps the
 * other parameters of the request. */
void page_write_meta(struct json_out *j, const struct http_request *req, const struct page *page, uint64_t total);

/* Answers {"meta": …, "objects": [rows]}. rows: the JSON texts of the objects, with commas between them. They are
 * written first, since `total` is known only then. 5002 if they are more than one answer may hold: then the caller
 * must ask for fewer. */
enum { PAGE_ROWS_MAX = LIMIT_HTTP_ANSWER - 64 * 1024 };
MU_MUST_USE enum api_error page_answer(struct api_call *call, const struct page *page, uint64_t total,
                                       const struct buf *rows);

#endif

#ifndef MUSTER_API_WINDOW_H
#define MUSTER_API_WINDOW_H

#include "api/call.h"
#include "api/page.h"
#include "journal/journal.h"

/* The time window of a device's logs (contract, endpoint 9). */

enum sort { SORT_DESC, SORT_ASC };
extern const char *const window_sorts[];

/* Arguments of online, cmd and data, which differ only in what they show. */
struct log_args {
    struct fleet_device device;
    int64_t start_ts, end_ts; /* Unix seconds; -1 = not given */
    int sort;                 /* enum sort */
    struct page page;
    struct journal_window window; /* computed from all of them by window_check */
};

#define LOG_PARAMS                                                                                            \
    PRODUCT_KEY, DID(struct log_args),                                                                        \
        { "start_ts",                                                                                         \
          IN_QUERY,                                                                                           \
          ARG(INT, struct log_args, start_ts),                                                                \
          OPTIONAL,                                                                                           \
          { "开始时间戳（秒），7 天以内", "Start, Unix seconds, within the last 7 days" },                    \
          "1517296665",                                                                                       \
          0,                                                                                                  \
          INT64_MAX,                                                                                          \
          -1 },                                                                                               \
        { "end_ts",                                                                                           \
          IN_QUERY,                                                                                           \
          ARG(INT, struct log_args, end_ts),                                                                  \
          OPTIONAL,                                                                                           \
          { "结束时间戳（秒），与开始相差不超过 2 天", "End, Unix seconds, at most 2 days after the start" }, \
          "1517384124",                                                                                       \
          0,                                                                                                  \
          INT64_MAX,                                                                                          \
          -1 },                                                                                               \
        { "sort",                                                                                             \
          IN_QUERY,                                                                                           \
          ARG(CHOICE, struct log_args, sort),                                                                 \
          OPTIONAL,                                                                                           \
          { "排序，desc 降序（默认）或 asc 升序", "By time: desc, newest first, or asc" },                    \
          "desc",                                                                                             \
          .fallback = SORT_DESC,                                                                              \
          .choices = window_sorts },                                                                          \
        PAGE_PARAMS(struct log_args)

/* Resolves start and end (-1 = not given) at the moment now_s: *from_us and *to_us, both included. The end includes
 * its whole second; if the end is now, it includes everything later, too. NULL, or a sentence that says what is
 * wrong. */
const char *window_resolve(int64_t start_s, int64_t end_s, int64_t now_s, int64_t *from_us, int64_t *to_us);

/* The check of the routes with struct log_args; sets args->window. */
enum api_error window_check(struct api_call *call);

#endif

/* A page of an export, wherever the data directory is open: in the server or in the command's process. */
#include "command/export_operation.h"

#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "transfer/export.h"

/* 1,000 devices that were active on every other day of 400 take 5 MB. */
enum { PAGE_ROWS = 1000 };

void export_operation_request(struct buf *out, enum import_kind kind, uint64_t after, const char *product_key)
{
    buf_printf(out, "%u %llu %s", kind, (unsigned long long)after, product_key ? product_key : "");
}

bool export_operation_answer(struct str answer, uint64_t *next, struct str *rows)
{
    const char *end = answer.len ? memchr(answer.at, '\n', answer.len) : NULL;
    int64_t number;

    if (!end || !str_int64((struct str){ answer.at, (size_t)(end - answer.at) }, &number))
        return false;
    *next = (uint64_t)number;
    *rows = (struct str){ end + 1, answer.len - (size_t)(end + 1 - answer.at) };
    return true;
}

static void tell(void *ctx, uint32_t device, struct json_out *j)
{
    struct fleet *f = ctx;
    struct fleet_device d;
    int32_t days[TOLD_DAYS_MAX];

    if (!fleet_device_by_no(f, device, &d))
        return;
    struct import_told told = { .activated_at = d.activated_at,
                                .online_latest = d.online_latest,
                                .last_report = d.last_report };
    memcpy(told.versions, d.versions.text, sizeof(told.versions));
    export_told(j, &told, days, fleet_active_days(f, device, days, TOLD_DAYS_MAX));
}

/* Reads the request. Returns the exit status; 0 if it could be read. */
static int read_request(const struct operation_call *call, struct export_page *page)
{
    char text[100], key[ID_HEX_LEN + 1] = "";
    unsigned kind;
    unsigned long long after;
    const struct fleet_product *product;

    if (!str_copy(text, sizeof(text), call->input) || sscanf(text, "%u %llu %32s", &kind, &after, key) < 2 ||
        kind > IMPORT_BINDINGS) {
        buf_append_str(call->answer, "the running server does not understand the request; is it older?\n");
        return 1;
    }
    page->kind = (enum import_kind)kind;
    page->after = after;
    if (!*key)
        return 0;
    product = fleet_product_by_key(call->stores->fleet, str_of(key));
    if (product)
        page->product = product->no;
    else
        buf_printf(call->answer, "there is no product %s\n", key);
    return product ? 0 : 2;
}

static int run_export(const struct operation_call *call)
{
    struct buf rows;
    struct export_page page = { .limit = PAGE_ROWS, .rows = &rows, .tell = tell, .ctx = call->stores->fleet };

    int status = read_request(call, &page);
    if (status != 0)
        return status;
    buf_init(&rows, EXPORT_PAGE_MAX);
    enum mu_err err = export_rows(call->stores->registry, &page);
    if (err == MU_OK) {
        buf_printf(call->answer, "%llu\n", (unsigned long long)page.next);
        buf_append(call->answer, rows.data, rows.len);
    }
    buf_free(&rows);
    return operation_result(call, err);
}

const struct operation export_operation = { .name = "export", .needs = STORES_ALL, .run = run_export };

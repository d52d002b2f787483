/* muster tail: shows events as they happen, one line each, until the reader ends it. */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "command/commands.h"
#include "command/device_name.h"
#include "command/tail_line.h"
#include "ops/settings.h"

/* --- in the server -------------------------------------------------------------------------------------
 * The input has one line each for: a product key or nothing; a device or nothing; "json" or nothing. */

/* Events are fetched at this interval, so that the committer need not wake anybody. Lines are sent when there are
 * SENT_BYTES of them, and after the last fetched event. */
enum { FETCH_MS = 50, SENT_BYTES = 256 * 1024 };

static bool read_filter(const struct operation_call *call, struct str product_key, struct str name,
                        struct watch_filter *out)
{
    struct fleet_device device;

    *out = (struct watch_filter){ 0 };
    if (product_key.len && !(out->product = fleet_product_by_key(call->stores->fleet, product_key))) {
        buf_printf(call->answer, "no product has this product_key\n");
        return false;
    }
    if (!name.len)
        return true;
    if (!device_name_find(call, name, &device))
        return false;
    if (out->product && out->product != device.product) {
        buf_printf(call->answer, "device %s is of product %s\n", device.did, device.product->product_key);
        return false;
    }
    out->product = device.product;
    str_copy(out->did, sizeof(out->did), str_of(device.did));
    str_copy(out->mac, sizeof(out->mac), str_of(device.mac));
    return true;
}

/* Sends the events. false: nobody listens any more. */
static bool show(const struct operation_call *call, const struct buf *events, uint64_t lost, bool json)
{
    const struct watch_event *e;

    for (size_t at = 0; (e = watch_next(events, &at));) {
        if (json)
            tail_line_json(call->answer, e);
        else
            tail_line_text(call->answer, e, call->stores->calendar);
        if (call->answer->len >= SENT_BYTES && !local_send(call->client, call->answer))
            return false;
    }
    if (lost)
        tail_line_lost(call->answer, lost, json);
    return local_send(call->client, call->answer);
}

static int run_tail(const struct operation_call *call)
{
    struct str rest = call->input, product_key = str_take_line(&rest), name = str_take_line(&rest);
    bool json = str_eq(str_take_line(&rest), STR("json"));
    struct watch_filter filter;
    struct watcher *watcher;
    uint64_t lost;
    struct buf events;

    if (!call->client) {
        buf_printf(call->answer, "no server runs here, so nothing happens\n");
        return 1;
    }
    if (!read_filter(call, product_key, name, &filter))
        return 2;
    enum mu_err err = watch_begin(call->stores->watch, &filter, &watcher);
    if (err != MU_OK)
        return operation_result(call, err);
    local_go_on(call->client);
    buf_init(&events, LIMIT_WATCH_QUEUE);
    do {
        lost = watch_take(watcher, &events);
    } while (show(call, &events, lost, json) && local_rest(call->client, FETCH_MS));
    watch_end(watcher);
    buf_free(&events);
    return 0;
}

const struct operation command_op_tail = { .name = "tail", .needs = STORES_REGISTRY, .run = run_tail };

/* --- the command's side --------------------------------------------------------------------------------- */

static void hear(void *ctx, struct str piece)
{
    (void)ctx;
    if (fwrite(piece.at, 1, piece.len, stdout) != piece.len || fflush(stdout) != 0) {
        fprintf(stderr, "muster tail: cannot write; is there room?\n");
        _exit(1);
    }
}

/* The normal end of the command. */
static void end_well(int sig)
{
    (void)sig;
    _exit(0);
}

static int tail(const struct settings *s)
{
    const struct local_listener listener = { .hear = hear };
    struct operation_place place = operation_place(s);
    const char *product_key = setting_text(s, "product"), *device = s->arguments[0];
    struct buf input, answer;

    place.listener = &listener;
    buf_init(&input, LOCAL_INPUT_MAX);
    buf_init(&answer, LOCAL_ANSWER_MAX);
    buf_printf(&input, "%s\n%s\n%s\n", product_key ? product_key : "", device ? device : "",
               setting_on(s, "json") ? "json" : "");
    signal(SIGINT, end_well);
    signal(SIGTERM, end_well);
    int status = operation_run(&place, &command_op_tail, (struct str){ (const char *)input.data, input.len }, &answer);
    operation_leave(&place);
    if (status == 0) { /* the command never ends by itself */
        buf_append_str(&answer, "the server has ended\n");
        status = 1;
    }
    operation_print("muster tail", status, &answer);
    buf_free(&input);
    buf_free(&answer);
    return status;
}

/* clang-format off: tables */
static const struct setting tail_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "product",
      .kind = SETTING_TEXT,
      .flag_only = true,
      .metavar = "PRODUCT_KEY",
      .help = "only what happens to devices of this product" },
    JSON_SETTING("one JSON object per line, for programs; times are Unix seconds"),
    COMMON_SETTINGS,
};

const struct command command_tail = {
    .name = "tail",
    .group = COMMAND_DEVICES,
    .summary = "shows what devices do, as it happens",
    .description =
        "Shows what devices do, as it happens, one line per event: logins, refusals, ends of sessions, "
        "reports, controls, acknowledgements, faults, alerts and registrations. What a device sends is shown "
        "when it has been stored. Ends with Ctrl-C, or when the server ends (exit status 1).",
    .settings = tail_settings,
    .arguments = { { .name = "DEVICE",
                     .kind = SETTING_TEXT,
                     .optional = true,
                     .help = "only what this device does: a did, PRODUCT_KEY/MAC, or a mac" } },
    .examples = { { "muster tail --data data", "all that happens" } },
    .run = tail,
};
/* clang-format on */

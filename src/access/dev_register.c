#include "access/dev_http.h"

#include "access/dev_form.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/api_error.h"

/* POST /dev/devices: a module registers and gets its did (device-access 1). */

struct application {
    struct str product_key;
    const struct fleet_product *product; /* NULL: unknown */
    struct fleet_device device;          /* that the product has with this mac already; no 0: none */
    char mac[LIMIT_MAC + 1];
    char passcode[LIMIT_PASSCODE + 1];
};

static void refuse(struct http_exchange *ex, const struct application *app, int status, enum refusal_reason why)
{
    dev_refuse(
        ex, status,
        (struct access_caller){ .name = str_of(app->mac), .known = app->device.no != 0, .product = app->product }, why);
}

static bool read_application(struct http_exchange *ex, struct application *out)
{
    struct access *a = ex->ctx;
    struct str form = ex->req.body;

    *out = (struct application){ 0 };
    bool has_mac = dev_form_text(form, "mac", out->mac, sizeof(out->mac)) && mac_valid(str_of(out->mac));
    if (!has_mac)
        out->mac[0] = '\0'; /* not a mac: the refusal is noted without a name */
    bool has_key = dev_form_get(form, "product_key", &out->product_key) && id_is_hex(out->product_key);
    if (has_key)
        out->product = fleet_product_by_key(a->options.fleet, out->product_key);
    if (!has_mac || !out->product ||
        !fleet_device_by_mac(a->options.fleet, out->product, str_of(out->mac), &out->device))
        out->device.no = 0;
    if (!has_key)
        refuse(ex, out, 400, REFUSED_REGISTER_KEY);
    else if (!has_mac)
        refuse(ex, out, 400, REFUSED_REGISTER_MAC);
    else if (!dev_form_text(form, "passcode", out->passcode, sizeof(out->passcode)) ||
             !passcode_valid(str_of(out->passcode)))
        refuse(ex, out, 400, REFUSED_REGISTER_PASSCODE);
    else
        return true;
    return false;
}

/* Another passcode for a known mac: its module was reset, or somebody guesses. Nobody resets a module as often as the
 * limit allows. */
static bool is_guessing(struct access *a, const struct ip_addr *peer, const struct application *app)
{
    return app->device.no &&
           guesses_by_registering(a->guesses, &app->device, str_of(app->passcode), peer) == GUESS_TOO_MANY;
}

/* May it be registered? If not the answer is written. */
static bool admit(struct http_exchange *ex, const struct application *app)
{
    struct access *a = ex->ctx;
    int64_t now_us = clock_mono_us();

    if (!rate_table_take_address(a->address_registrations, &ex->req.peer, now_us))
        refuse(ex, app, 429, REFUSED_REGISTER_ADDRESS);
    else if (!app->product)
        refuse(ex, app, 404, REFUSED_REGISTER_PRODUCT);
    else if (!rate_table_take_number(a->product_registrations, app->product->no, now_us))
        refuse(ex, app, 429, REFUSED_REGISTER_RATE);
    else if (is_guessing(a, &ex->req.peer, app))
        refuse(ex, app, 429, REFUSED_REGISTER_GUESSES);
    else
        return true;
    return false;
}

/* With the error of the table, in a form. */
static void refuse_by_row(struct http_exchange *ex, const struct application *app, enum api_error error,
                          enum refusal_reason why)
{
    const struct api_error_row *row = api_error_row(error);

    refuse(ex, app, row->status, why);
    buf_clear(&ex->res.body);
    dev_answer(ex, row->status, "error_code=%d&error_message=%s", row->code, row->message);
}

static void tell_registered(struct http_exchange *ex, const struct fleet_product *product,
                            const struct register_result *result)
{
    static const char *const outcomes[] = {
        [REGISTER_CREATED] = "new",
        [REGISTER_REPLACED] = "new, another did of this mac is disabled",
        [REGISTER_SAME] = "as before",
        [REGISTER_ENABLED] = "enabled again",
    };
    struct access *a = ex->ctx;
    struct watch_event e = { .kind = WATCH_REGISTRATION,
                             .ts_us = clock_wall_us(),
                             .device = result->device.no,
                             .product = product,
                             .peer = ex->req.peer,
                             .outcome = outcomes[result->outcome] };

    str_copy(e.did, sizeof(e.did), str_of(result->device.did));
    str_copy(e.mac, sizeof(e.mac), str_of(result->device.mac));
    watch_tell_one(a->options.watch, &e);
}

/* The fleet must show the device before the device gets its answer: its next request is the login. */
static void make_known(struct http_exchange *ex, const struct fleet_product *product,
                       const struct register_result *result)
{
    struct access *a = ex->ctx;
    enum mu_err err = committer_follow_registry(a->options.committer);

    if (err != MU_OK) {
        dev_answer_failure(ex, "register", err);
        return;
    }
    if (result->device.place_source == PLACE_NONE && a->locator)
        locator_ask(a->locator, result->device.no, &ex->req.peer);
    guesses_let_in(a->guesses, result->device.no, &ex->req.peer);
    access_count(&a->counters.registrations, 1);
    if (watch_is_on(a->options.watch))
        tell_registered(ex, product, result);
    dev_answer(ex, 201, "did=%s", result->device.did);
}

void dev_register(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    struct application app;
    struct register_result result;

    if (!read_application(ex, &app) || !admit(ex, &app))
        return;
    bool known_only = atomic_load(&app.product->row)->registration == REGISTRATION_KNOWN;
    enum mu_err err = registry_register_device(
        a->options.registry,
        &(struct register_request){ app.product->no, app.mac, app.passcode, known_only, clock_wall_s() }, &result);
    switch (err) {
    case MU_OK:
        if (result.outcome == REGISTER_BARRED)
            refuse_by_row(ex, &app, API_DEVICE_DISABLED, REFUSED_REGISTER_BARRED);
        else
            make_known(ex, app.product, &result);
        break;
    case MU_E_REFUSED: refuse_by_row(ex, &app, API_NOT_PREASSIGNED, REFUSED_REGISTER_NOT_IMPORTED); break;
    case MU_E_NOT_FOUND: /* it has been deleted meanwhile */ refuse(ex, &app, 404, REFUSED_REGISTER_PRODUCT); break;
    default: dev_answer_failure(ex, "register", err); break;
    }
}

void dev_disable(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    struct fleet_device device;
    struct str did, passcode;
    enum mu_err err;

    if (!dev_form_get(ex->req.body, "did", &did) || !dev_form_get(ex->req.body, "passcode", &passcode)) {
        dev_answer(ex, 400, "did or passcode is missing");
        return;
    }
    if (!did_valid(did) || !fleet_device_by_did(a->options.fleet, did, &device)) {
        dev_refuse_did(ex, did, REFUSED_DISABLE_DID);
        return;
    }
    if (!dev_passcode_is_right(ex, &device, passcode, REFUSED_DISABLE_PASSCODE, REFUSED_DISABLE_GUESSES))
        return;
    if ((err = registry_set_device_disabled(a->options.registry, device.no, true)) == MU_E_NOT_FOUND) {
        dev_answer(ex, 404, "unknown did");
        return;
    }
    if (err != MU_OK || (err = committer_follow_registry(a->options.committer)) != MU_OK) {
        dev_answer_failure(ex, "disable", err);
        return;
    }
    log_event(LOG_INFO, "device_disabled", "did=%s by=device", device.did);
    dev_answer(ex, 200, "did=%s", device.did);
}

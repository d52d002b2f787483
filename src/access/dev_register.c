#include "access/dev_http.h"

#include "access/dev_form.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/api_error.h"
#include "registry/secret.h"

struct application {
    struct str product_key;
    char mac[LIMIT_MAC + 1];
    char passcode[LIMIT_PASSCODE + 1];
};

static bool read_application(struct http_exchange *ex, struct application *out)
{
    struct str form = ex->req.body;

    if (!form_get(form, "product_key", &out->product_key) || !id_is_hex(out->product_key))
        dev_answer(ex, 400, "product_key is missing or malformed");
    else if (!form_text(form, "mac", out->mac, sizeof(out->mac)) || !mac_valid(str_of(out->mac)))
        dev_answer(ex, 400, "mac is missing or malformed");
    else if (!form_text(form, "passcode", out->passcode, sizeof(out->passcode)) ||
             !passcode_valid(str_of(out->passcode)))
        dev_answer(ex, 400, "passcode is missing or malformed");
    else
        return true;
    return false;
}

static void refuse(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    count(&a->counters.refused_registrations, 1);
}

/* The product it may be registered for, or NULL: the answer is written. */
static const struct fleet_product *admit(struct http_exchange *ex, const struct application *app)
{
    struct access *a = ex->ctx;
    int64_t now_us = clock_mono_us();
    const struct fleet_product *product;

    if (!rate_table_take_address(a->address_registrations, &ex->req.peer, now_us))
        dev_answer(ex, 429, "too many registrations from this address");
    else if (!(product = fleet_product_by_key(a->options.fleet, app->product_key)))
        dev_answer(ex, 404, "unknown product_key");
    else if (!rate_table_take_number(a->product_registrations, product->no, now_us))
        dev_answer(ex, 429, "too many registrations of this product");
    else
        return product;
    return NULL;
}

static void refuse_unknown_mac(struct http_exchange *ex)
{
    const struct api_error_row *row = api_error_row(API_NOT_PREASSIGNED);
    dev_answer(ex, row->status, "error_code=%d&error_message=%s", row->code, row->message);
}

/* What the fleet has to show before the device hears of it: its very next request logs in. */
static void make_known(struct http_exchange *ex, const struct register_result *result)
{
    struct access *a = ex->ctx;
    enum mu_err err = committer_follow_registry(a->options.committer);

    if (err != MU_OK) {
        dev_answer_failure(ex, "register", err);
        return;
    }
    if (result->device.place_source == PLACE_NONE && a->locator)
        locator_ask(a->locator, result->device.no, &ex->req.peer);
    count(&a->counters.registrations, 1);
    dev_answer(ex, 201, "did=%s", result->device.did);
}

void dev_register(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    struct application app;
    const struct fleet_product *product;
    struct register_result result;

    if (!read_application(ex, &app) || !(product = admit(ex, &app))) {
        refuse(ex);
        return;
    }
    bool known_only = atomic_load(&product->row)->registration == REGISTRATION_KNOWN;
    enum mu_err err = registry_register_device(a->options.registry, product->no, app.mac, app.passcode,
                                               known_only, clock_wall_s(), &result);
    switch (err) {
    case MU_OK:
        make_known(ex, &result);
        break;
    case MU_E_REFUSED:
        refuse(ex);
        refuse_unknown_mac(ex);
        break;
    default:
        dev_answer_failure(ex, "register", err);
        break;
    }
}

void dev_disable(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    struct fleet_device device;
    struct str did, passcode;
    enum mu_err err;

    if (!form_get(ex->req.body, "did", &did) || !form_get(ex->req.body, "passcode", &passcode)) {
        dev_answer(ex, 400, "did or passcode is missing");
        return;
    }
    if (!did_valid(did) || !fleet_device_by_did(a->options.fleet, did, &device)) {
        dev_answer(ex, 404, "unknown did");
        return;
    }
    if (!secret_text_equal(passcode, str_of(device.passcode))) {
        dev_answer(ex, 400, "wrong passcode");
        return;
    }
    if ((err = registry_set_device_disabled(a->options.registry, device.no, true)) != MU_OK ||
        (err = committer_follow_registry(a->options.committer)) != MU_OK) {
        dev_answer_failure(ex, "disable", err);
        return;
    }
    log_event(LOG_INFO, "device_disabled", "did=%s by=device", device.did);
    dev_answer(ex, 200, "did=%s", device.did);
}

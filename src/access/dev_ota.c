#include "access/dev_http.h"

#include "access/dev_form.h"

/* "Is there new firmware?" There is none to give. But the question carries the device's versions, so the answer waits
 * until they are on disk. */

static void kept(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    struct http_exchange *ex = (struct http_exchange *)(uintptr_t)owner;

    (void)sink;
    (void)tag;
    if (err == MU_OK)
        dev_answer(ex, 404, "nothing to do");
    else
        dev_answer_failure(ex, "check_firmware", err);
    http_finish(ex);
}

static void nothing_to_flush(struct commit_sink *sink)
{
    (void)sink;
}

void access_versions_init(struct access *a)
{
    a->versions_sink = (struct commit_sink){ .done = kept, .flush = nothing_to_flush };
}

/* false: the answer is written. */
static bool read_question(struct http_exchange *ex, uint32_t *device, struct journal_versions *versions)
{
    struct access *a = ex->ctx;
    struct str form = ex->req.body, did = ex->req.captures[0], type, passcode = { NULL, 0 };
    struct fleet_device row;

    if (!fleet_device_by_did(a->options.fleet, did, &row)) {
        dev_refuse_did(ex, did, REFUSED_FIRMWARE_DID);
        return false;
    }
    (void)dev_form_get(form, "passcode", &passcode);
    if (!dev_passcode_is_right(ex, &row, passcode, REFUSED_FIRMWARE_PASSCODE, REFUSED_FIRMWARE_GUESSES))
        return false;
    if (!dev_form_get(form, "type", &type) || (!str_eq(type, STR("1")) && !str_eq(type, STR("2")))) {
        dev_answer(ex, 400, "type is neither 1 nor 2");
        return false;
    }
    bool module = str_eq(type, STR("1"));
    char *hard = versions->text[module ? VERSION_WIFI_HARD : VERSION_MCU_HARD];
    char *soft = versions->text[module ? VERSION_WIFI_SOFT : VERSION_MCU_SOFT];
    if (!dev_form_text(form, "hard_version", hard, LIMIT_VERSION + 1) ||
        !dev_form_text(form, "soft_version", soft, LIMIT_VERSION + 1)) {
        dev_answer(ex, 400, "hard_version or soft_version is missing or too long");
        return false;
    }
    *device = row.no;
    return true;
}

void dev_check_firmware(struct http_exchange *ex)
{
    struct access *a = ex->ctx;
    struct journal_versions versions = { 0 };
    uint32_t device;

    if (!read_question(ex, &device, &versions)) {
        http_finish(ex);
        return;
    }
    struct commit_item item = {
        .sink = &a->versions_sink, .owner = (uint64_t)(uintptr_t)ex, .tag = 1, .device = device
    };
    committer_versions(a->options.committer, &item, &versions);
}

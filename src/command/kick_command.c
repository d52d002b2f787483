/* muster kick: ends a device's session. */

#include <stdio.h>

#include "access/access.h"
#include "command/commands.h"
#include "command/device_name.h"
#include "ops/settings.h"
#include "registry/audit.h"

static enum mu_err note(struct registry_tx *tx, void *did)
{
    return tx_audit(tx, "kick", KIND_DEVICE, did, "%s", "");
}

static int run_kick(const struct operation_call *call)
{
    const struct audit_by by = { .uid = call->uid, .command = "kick" };
    struct access_session session;
    struct fleet_device device;

    if (!call->access) {
        buf_printf(call->answer, "no server runs here, so no device is connected\n");
        return 1;
    }
    if (!device_name_find(call, call->input, &device))
        return 2;
    enum mu_err err = access_find_session(call->access, device.no, &session);
    /* Write it to the audit log first: nobody is kicked without an entry. */
    if (err == MU_OK && (err = registry_write_by(call->stores->registry, &by, note, device.did)) == MU_OK)
        err = access_end_session(call->access, device.no, END_RESET);
    if (err == MU_E_OFFLINE) {
        buf_printf(call->answer, "device %s is not connected\n", device.did);
        return 1;
    }
    if (err == MU_OK)
        buf_printf(call->answer, "device %s: its session has been ended (product %s, mac %s)\n", device.did,
                   device.product->product_key, device.mac);
    return operation_result(call, err);
}

const struct operation command_op_kick = { .name = "kick", .needs = STORES_REGISTRY, .run = run_kick, .changes = true };

static int kick(const struct settings *s)
{
    struct operation_place place = operation_place(s);

    return operation_command("muster kick", &place, &command_op_kick, str_of(s->arguments[0]));
}

/* clang-format off: a table */
static const struct setting kick_settings[] = { STORES_SETTINGS, CONFIG_SETTING, QUIET_SETTING, COMMON_SETTINGS };
/* clang-format on */

const struct command command_kick = {
    .name = "kick",
    .group = COMMAND_DEVICES,
    .summary = "ends a device's session now",
    .description = "Ends a device's session now: the online log says offline_reset, and a client of MQTT 5.0 is told "
                   "0x98 (administrative action). The device may log in again at once; muster disable keeps it out. "
                   "Exit status 0: its session has been ended; 1: it was not connected; 2: there is no such device.",
    .settings = kick_settings,
    .arguments = { { .name = "DEVICE", .kind = SETTING_TEXT, .help = DEVICE_NAMES } },
    .examples = { { "muster kick --data data DID", "ends the session of one device" } },
    .run = kick,
};

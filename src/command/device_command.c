/* muster device: why is this device not connected? */

#include <stdio.h>

#include "command/commands.h"
#include "command/device_name.h"
#include "command/device_sheet.h"
#include "ops/settings.h"

static int run_device(const struct operation_call *call)
{
    struct fleet_device device;
    unsigned others;

    if (fleet_device_by_name(call->stores->fleet, call->input, &device, &others)) {
        device_sheet(call, &device);
        if (others)
            buf_printf(call->answer, "%u other product%s a device of this mac: name it PRODUCT_KEY/MAC\n", others,
                       others == 1 ? " has" : "s have");
        return operation_result(call, call->answer->err);
    }
    bool refused = device_sheet_of_stranger(call, call->input);
    if (!refused)
        buf_printf(call->answer, "no device has this did or mac%s\n",
                   call->access ? ", and nothing of this name was refused since the server started" : "");
    device_name_hint(call, call->input);
    return refused ? 0 : 2;
}

const struct operation command_op_device = { .name = "device", .needs = STORES_ALL, .run = run_device };

static int device(const struct settings *s)
{
    struct operation_place place = operation_place(s);

    return operation_command("muster device", &place, &command_op_device, str_of(s->arguments[0]));
}

/* clang-format off: a table */
static const struct setting device_settings[] = { STORES_SETTINGS, CONFIG_SETTING, COMMON_SETTINGS };
/* clang-format on */

const struct command command_device = {
    .name = "device",
    .group = COMMAND_DEVICES,
    .summary = "shows a device, and why it is not connected",
    .description = "Shows one device: whether it is connected, and if not why; its session, versions, last messages, "
                   "and when, from where and why it was refused of late. Of a device that is not known yet, or of an "
                   "address, the refusals alone. Works while the server runs.",
    .settings = device_settings,
    .arguments = { { .name = "DEVICE",
                     .kind = SETTING_TEXT,
                     .help = DEVICE_NAMES "; or an address that a device came from" } },
    .examples = { { "muster device --data data 18fe34a1b2c3", "the device of this mac" } },
    .run = device,
};

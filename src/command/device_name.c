#include "command/device_name.h"

void device_name_hint(const struct operation_call *call, struct str name)
{
    struct fleet_device like;
    size_t start = call->answer->len;

    if (!fleet_device_like(call->stores->fleet, name, &like))
        return;
    buf_printf(call->answer, "no device %.*s; there is %s of product %s (did %s)", (int)name.len, name.at, like.mac,
               like.product->product_key, like.did);
    buf_make_plain(call->answer, start);
    buf_append_u8(call->answer, '\n');
}

bool device_name_find(const struct operation_call *call, struct str name, struct fleet_device *out)
{
    unsigned others;

    if (!fleet_device_by_name(call->stores->fleet, name, out, &others)) {
        buf_printf(call->answer, "no device has this did or mac\n");
        device_name_hint(call, name);
        return false;
    }
    if (others)
        buf_printf(call->answer, "%u other product%s a device of this mac: name it PRODUCT_KEY/MAC\n", others,
                   others == 1 ? " has" : "s have");
    return others == 0;
}

#include "registry/rows.h"

#include <stddef.h>

static const char *const device_types[] = {
    [DEVICE_NORMAL] = "normal",
    [DEVICE_CENTER_CONTROL] = "center_control",
    [DEVICE_SUB_DEV] = "sub_dev",
    [DEVICE_BLUETOOTH] = "bluetooth",
};

const char *device_type_text(enum device_type type)
{
    return device_types[type];
}

bool device_type_parse(struct str text, enum device_type *out)
{
    for (size_t i = 0; i < sizeof(device_types) / sizeof(*device_types); i++)
        if (str_eq(text, str_of(device_types[i]))) {
            *out = (enum device_type)i;
            return true;
        }
    return false;
}

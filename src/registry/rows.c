#include "registry/registry.h"

#include <stddef.h>

const char *const device_type_words[] = {
    [DEVICE_NORMAL] = "normal",
    [DEVICE_CENTER_CONTROL] = "center_control",
    [DEVICE_SUB_DEV] = "sub_dev",
    [DEVICE_BLUETOOTH] = "bluetooth",
    NULL,
};

const char *const registry_kind_words[] = {
    [KIND_ENTERPRISE] = "enterprise",
    [KIND_PRODUCT] = "product",
    [KIND_APP] = "app",
    [KIND_DEVICE] = "device",
    [KIND_GROUP] = "group",
    [KIND_USER] = "user",
    NULL,
};

const char *device_type_text(enum device_type type)
{
    return device_type_words[type];
}

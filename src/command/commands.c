#include "command/commands.h"

static const struct operation *const operations[] = {
    &apply_operation,   &device_operation, &import_operation, &export_operation, &backup_operation,
    &disable_operation, &enable_operation, &delete_operation, &rotate_operation, &revoke_operation,
    &audit_operation,   &list_operation,   &show_operation,   &status_operation, &backup_done_operation,
};

const struct operation *command_operation(struct str name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
        if (str_eq(name, str_of(operations[i]->name)))
            return operations[i];
    return NULL;
}

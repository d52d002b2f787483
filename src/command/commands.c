#include "command/commands.h"

static const struct operation *const operations[] = {
    &command_op_apply,   &command_op_device, &import_operation,  &export_operation,  &command_op_backup,
    &command_op_disable, &command_op_enable, &command_op_delete, &command_op_rotate, &command_op_revoke,
    &command_op_audit,   &command_op_list,   &command_op_show,   &command_op_status, &command_op_backup_done,
    &command_op_kick,    &command_op_tail,
};

const struct operation *command_operation(struct str name)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
        if (str_eq(name, str_of(operations[i]->name)))
            return operations[i];
    return NULL;
}

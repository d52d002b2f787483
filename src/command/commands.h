#ifndef MUSTER_COMMAND_COMMANDS_H
#define MUSTER_COMMAND_COMMANDS_H

#include "ops/command_table.h"
#include "ops/operation.h"

/* The commands on stores (ops/command_table.h). */
extern const struct command command_apply, command_list, command_show, command_rotate, command_revoke, command_device,
    command_kick, command_tail, command_disable, command_enable, command_delete, command_import, command_export,
    command_audit, command_backup, command_restore, command_check, command_repair, command_status, command_migrate,
    command_copy;

/* The operations of the commands, which run in the server or in this process (ops/operation.h). Each command's file
 * defines its own. */
extern const struct operation command_op_apply, command_op_device, import_operation, export_operation,
    command_op_backup, command_op_disable, command_op_enable, command_op_delete, command_op_rotate, command_op_revoke,
    command_op_audit, command_op_list, command_op_show, command_op_status, command_op_backup_done, command_op_kick,
    command_op_tail;
/* For the server: the operation with this name; NULL if there is none. */
const struct operation *command_operation(struct str name);

#endif

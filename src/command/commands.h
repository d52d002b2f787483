#ifndef MUSTER_COMMAND_COMMANDS_H
#define MUSTER_COMMAND_COMMANDS_H

#include "ops/operation.h"

/* The commands on a data directory. Each takes the arguments behind its name and returns the exit status:
 * 0 done, 1 failed, 2 what was given is wrong (ops/operation.h). */
int command_apply(int argc, char **argv);
int command_device(int argc, char **argv);
int command_import(int argc, char **argv);
int command_export(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_check(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_repair(int argc, char **argv);
int command_disable(int argc, char **argv);
int command_enable(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_rotate(int argc, char **argv);
int command_revoke(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_list(int argc, char **argv);
int command_show(int argc, char **argv);
int command_status(int argc, char **argv);

/* What they have done to a data directory, in the server that has it or right here (ops/operation.h); each
 * command's file defines its own. */
extern const struct operation command_op_apply, command_op_device, import_operation, export_operation,
    command_op_backup, command_op_disable, command_op_enable, command_op_delete, command_op_rotate, command_op_revoke,
    command_op_audit, command_op_list, command_op_show, command_op_status, command_op_backup_done;
/* For the server: the operation that a command asks for; NULL if there is none. */
const struct operation *command_operation(struct str name);

#endif

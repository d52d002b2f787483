#ifndef MUSTER_OPS_COMMANDS_H
#define MUSTER_OPS_COMMANDS_H

#include "ops/operation.h"

/* The program's commands. Each takes the arguments behind its name and returns the exit status:
 * 0 done, 1 failed, 2 the command line or a file was wrong. */
int command_serve(int argc, char **argv);
int command_apply(int argc, char **argv);
int command_device(int argc, char **argv);
int command_import(int argc, char **argv);
int command_export(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_check(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_disable(int argc, char **argv);
int command_enable(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_rotate(int argc, char **argv);
int command_revoke(int argc, char **argv);
int command_audit(int argc, char **argv);

/* What they have done to a data directory, in the server that has it or right here (operation.h). */
extern const struct operation apply_operation, device_operation, import_operation, export_operation,
    backup_operation, disable_operation, enable_operation, delete_operation, rotate_operation, revoke_operation,
    audit_operation;

#endif

/* muster: one program, its commands. */

#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "command/commands.h"
#include "serve/serve.h"
#include "sim/sim.h"

static const struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", "runs the server on a data directory", serve_command },
    { "apply", "creates or updates enterprises, products, devices, … from a file", command_apply },
    { "list", "lists enterprises, products or apps", command_list },
    { "show", "shows one of them as an apply file", command_show },
    { "import", "brings in users, devices, groups or bindings, row by row", command_import },
    { "export", "writes users, devices, groups or bindings, row by row", command_export },
    { "device", "shows a device, and why it is not connected", command_device },
    { "status", "shows how a server and its data are", command_status },
    { "backup", "copies a data directory, also of a running server", command_backup },
    { "check", "looks for mistakes in a data directory at rest, or in a backup", command_check },
    { "restore", "makes a data directory of a backup", command_restore },
    { "repair", "goes on with what is left of a damaged data directory", command_repair },
    { "disable", "disables a device or a user", command_disable },
    { "enable", "enables a device or a user again", command_enable },
    { "delete", "deletes what nothing uses any more", command_delete },
    { "rotate", "gives an enterprise or a product a new secret", command_rotate },
    { "revoke", "revokes access tokens", command_revoke },
    { "audit", "shows who has changed or controlled what", command_audit },
    { "sim", "simulates devices against a server", sim_command },
};

static void print_usage(FILE *to)
{
    fprintf(to, "usage: muster COMMAND [options]\n\nmuster is a self-hosted device cloud.\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  muster %-7s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\n  muster COMMAND --help   shows a command's options\n"
                "  muster --version        shows the version\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("muster %s (commit %s)\n", version_text, version_commit);
        return 0;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    fprintf(stderr, "muster: there is no command '%s' (see muster --help)\n", argv[1]);
    return 2;
}

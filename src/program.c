#include "program.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/version.h"
#include "command/commands.h"
#include "ops/help.h"
#include "ops/settings.h"
#include "serve/serve.h"
#include "serve/serve_settings.h"
#include "sim/sim.h"

/* The list of all commands, and `muster help`. */

static int run_help(const struct settings *s);

static const struct setting help_settings[] = { COMMON_SETTINGS };

/* clang-format off: tables */
static const struct command help_of_commands = {
    .name = "help",
    .group = COMMAND_OTHER,
    .summary = "shows the commands, or what one of them takes",
    .description = "Shows the commands, or what one of them takes: the same as --help.",
    .settings = help_settings,
    .arguments = { { .name = "COMMAND", .kind = SETTING_TEXT, .optional = true } },
    .run = run_help,
};

const struct command *const program_commands[] = {
    &serve_command,  &command_status,  &command_apply,   &command_list,     &command_show,
    &command_rotate, &command_revoke,  &command_device,  &command_import,   &command_export,
    &command_kick,   &command_tail,    &command_disable, &command_enable,   &command_delete,
    &command_audit,  &command_backup,  &command_restore, &command_check,    &command_repair,
    &command_copy,   &command_migrate, &sim_command,     &help_of_commands, NULL,
};
/* clang-format on */

/* NULL after a line on stderr if there is no such command. */
static const struct command *find_command(const char *name)
{
    struct nearest n = nearest_to(name);

    for (const struct command *const *c = program_commands; *c; c++) {
        if (strcmp((*c)->name, name) == 0)
            return *c;
        nearest_try(&n, (*c)->name);
    }
    if (n.best)
        fprintf(stderr, "muster: there is no command '%s'; did you mean '%s'? (see muster --help)\n", name, n.best);
    else
        fprintf(stderr, "muster: there is no command '%s' (see muster --help)\n", name);
    return NULL;
}

static int run_help(const struct settings *s)
{
    const char *name = s->arguments[0];
    const struct command *c = name ? find_command(name) : NULL;

    if (c)
        help_command(stdout, c);
    else if (!name)
        help_program(stdout, program_commands);
    return c || !name ? 0 : 2;
}

static void print_version(void)
{
    printf("muster %s (commit %s)\n", version_text, version_commit);
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct settings s;
    int status = 0;

    if (settings_parse(&s, c, serve_command.settings, argc, argv) != MU_OK)
        status = 2;
    else if (setting_on(&s, "help"))
        help_command(stdout, c);
    else if (setting_on(&s, "version"))
        print_version();
    else
        status = c->run(&s);
    settings_free(&s);
    /* A server goes on, and ends well, also when nobody takes the line that says that it is ready. */
    if (status == 0 && c != &serve_command && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "muster %s: cannot write; is there room?\n", c->name);
        status = 1;
    }
    return status;
}

int program_run(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;
    const struct command *c;

    if (!first) {
        help_program(stderr, program_commands);
        return 2;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        help_program(stdout, program_commands);
        return 0;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        print_version();
        return 0;
    }
    if (first[0] == '-') {
        fprintf(stderr, "muster: '%.*s': the command comes first, then its options (see muster --help)\n",
                (int)strcspn(first, "="), first);
        return 2;
    }
    return (c = find_command(first)) ? run_command(c, argc - 1, argv + 1) : 2;
}

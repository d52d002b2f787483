/* muster check: reads everything in a data directory or a database at rest, or in a backup, and changes nothing. */

#include <stdio.h>
#include <unistd.h>

#include "command/check_dir.h"
#include "command/commands.h"
#include "ops/settings.h"

static int check(const struct settings *s)
{
    const struct stores_where where = operation_where(s);
    bool quiet = setting_on(s, "quiet");
    char why[512] = "", shown[512];
    struct check_dir_result result = { .report = stdout, .counts = quiet ? NULL : stdout };
    int fd = -1;
    enum mu_err err = where.store ? MU_OK : check_dir_lock(where.dir, &fd, why, sizeof(why));

    stores_show_place(&where, shown, sizeof(shown));
    if (err != MU_OK || (err = check_dir(quiet ? NULL : "muster check", &where, &result, why, sizeof(why))) != MU_OK)
        fprintf(stderr, "muster check: %s\n", why[0] ? why : mu_err_text(err));
    else if (result.mistakes)
        printf("%s: %llu mistakes\n", shown, result.mistakes);
    else if (!quiet)
        printf("%s: no mistakes\n", shown);
    if (fd >= 0)
        close(fd);
    return err != MU_OK ? operation_status(err) : result.mistakes ? 1 : 0;
}

/* clang-format off: a table */
static const struct setting check_settings[] = { STORES_SETTINGS, CONFIG_SETTING, QUIET_SETTING, COMMON_SETTINGS };
/* clang-format on */

const struct command command_check = {
    .name = "check",
    .group = COMMAND_DATA,
    .summary = "looks for mistakes in a data directory at rest, or in a backup",
    .description =
        "Looks at all that is in a data directory or a database that nobody uses, or in a backup: whether the stores are "
        "whole and agree with each other, and whether what is derived from them is right. Changes "
        "nothing.\n"
        "Exit status: 0 no mistakes; 1 mistakes (each is printed in a line), or it cannot be looked at; "
        "2 the command line or the directory is wrong.",
    .settings = check_settings,
    .examples = { { "muster check --data backup-2026-11-30", "looks at a backup" } },
    .run = check,
};

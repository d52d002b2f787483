/* muster repair: an operator decides to go on with what can still be read. */

#include <stdio.h>

#include "command/check_dir.h"
#include "command/commands.h"
#include "command/repair.h"
#include "ops/operation.h"
#include "ops/settings.h"

static int repair(const struct settings *s)
{
    const char *dir = setting_text(s, "data");
    struct data_dir data = { .lock_fd = -1 };
    char why[1024] = "";
    bool is_new = false;
    enum mu_err err;

    if (stores_are_elsewhere(dir)) {
        snprintf(why, sizeof(why), "%s: " STORES_ELSEWHERE_ADVICE, dir);
        err = MU_E_VALUE;
    } else if ((err = data_dir_check(dir, &is_new, why, sizeof(why))) == MU_OK && is_new) {
        snprintf(why, sizeof(why), "%s is not a data directory", dir);
        err = MU_E_VALUE;
    }
    if (err == MU_OK && (err = check_dir_as_owner(dir, why, sizeof(why))) == MU_OK &&
        (err = data_dir_open(&data, dir, why, sizeof(why))) == MU_OK)
        err = repair_directory(dir, stdout, why, sizeof(why));
    if (err == MU_E_EXISTS)
        printf("%s: nothing is damaged\n", dir);
    else if (err != MU_OK)
        fprintf(stderr, "muster repair: %s\n", why[0] ? why : mu_err_text(err));
    data_dir_close(&data);
    return err == MU_E_EXISTS ? 0 : operation_status(err);
}

/* clang-format off: a table */
static const struct setting repair_settings[] = { DATA_SETTING, CONFIG_SETTING, COMMON_SETTINGS };
/* clang-format on */

const struct command command_repair = {
    .name = "repair",
    .group = COMMAND_DATA,
    .summary = "goes on with what is left of a damaged data directory",
    .description = "Goes on with what is left of a data directory that muster serve refuses as damaged, where there is "
                   "no backup to bring back, or it is too old. Makes new stores of what can be read, says what may be "
                   "missing, and keeps the damaged files in DIR/damaged-…. Needs as much free room as the damaged "
                   "store takes.",
    .settings = repair_settings,
    .examples = { { "muster repair --data data", "when muster serve says that data is damaged" } },
    .run = repair,
};

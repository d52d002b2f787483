/* muster apply: hands a file to the running server, or applies it to a directory at rest. */

#include "ops/apply_command.h"

#include <stdio.h>

#include "base/clock.h"
#include "ops/commands.h"
#include "ops/data_dir.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "registry/apply.h"

static struct setting apply_settings[] = {
    { "data", SETTING_TEXT, "DIR", NULL, "the data directory (required)", NULL },
    { 0 },
};

int apply_content(struct registry *reg, struct str json, struct buf *report)
{
    enum mu_err err = apply_json(reg, json, clock_wall_s(), report);

    if (err == MU_OK)
        return 0;
    buf_printf(report, "muster apply: nothing was changed: %s\n", mu_err_text(err));
    return err == MU_E_SYNTAX || err == MU_E_VALUE ? 2 : 1;
}

static int apply_here(const char *dir, struct str json, struct buf *report)
{
    struct data_dir data;
    struct registry *reg = NULL;
    char why[512];
    int status = 1;

    if (data_dir_open(&data, dir, why, sizeof(why)) != MU_OK) {
        buf_printf(report, "muster apply: %s\n", why);
        return status;
    }
    if (registry_open(&reg, dir, why, sizeof(why)) != MU_OK)
        buf_printf(report, "muster apply: %s\n", why);
    else
        status = apply_content(reg, json, report);
    registry_close(reg);
    data_dir_close(&data);
    return status;
}

int command_apply(int argc, char **argv)
{
    struct settings s = {
        .command = "apply", .usage = "apply --data DIR FILE.json",
        .summary = "Creates or updates enterprises, products, apps, users and devices from a file\n"
                   "(\"-\" = standard input): all of it or, on a mistake, nothing. Applying a file again\n"
                   "changes nothing. Works while the server runs.",
        .list = apply_settings, .positional_min = 1, .positional_max = 1,
    };
    struct buf input, report;
    char why[512];
    int status = 2;

    buf_init(&input, LOCAL_INPUT_MAX);
    buf_init(&report, LOCAL_INPUT_MAX);
    enum mu_err err = settings_parse(&s, argc, argv);
    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    const char *dir = setting_text(&s, "data");
    if (!dir) {
        fprintf(stderr, "muster apply: --data is missing (see muster apply --help)\n");
        goto out;
    }
    if (file_read(s.positional[0], &input, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster apply: %s\n", why);
        goto out;
    }
    struct str json = { (const char *)input.data, input.len };
    err = local_call(dir, "apply", json, &status, &report);
    if (err == MU_E_OFFLINE)
        status = apply_here(dir, json, &report);
    else if (err != MU_OK) {
        fprintf(stderr, "muster apply: the running server broke off: %s; whether the file was applied is "
                        "not known, apply it again\n", mu_err_text(err));
        status = 1;
    }
    fwrite(report.data, 1, report.len, status == 0 ? stdout : stderr);
out:
    buf_free(&input);
    buf_free(&report);
    settings_free(&s);
    return status;
}

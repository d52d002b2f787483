/* muster apply: hands a file to the running server, or applies it to a directory at rest. */

#include "ops/apply_command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/commands.h"
#include "ops/data_dir.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/privileges.h"
#include "ops/settings.h"
#include "registry/apply.h"

enum { APPLY_FAILED = 1, APPLY_WRONG = 2 };

static struct setting apply_settings[] = {
    { .name = "data", .kind = SETTING_TEXT, .metavar = "DIR",
      .help = "the data directory (required)" },
    { 0 },
};

int apply_content(struct registry *reg, struct str json, struct buf *report)
{
    enum mu_err err = apply_json(reg, json, clock_wall_s(), report);

    if (err == MU_OK)
        return 0;
    if (err == MU_E_SYNTAX || err == MU_E_VALUE)
        return APPLY_WRONG;
    buf_printf(report, "%s\n", mu_err_text(err));
    return APPLY_FAILED;
}

static int apply_here(const char *dir, struct str json, struct buf *report)
{
    struct data_dir data;
    struct registry *reg = NULL;
    char why[512];
    bool is_new = access(dir, F_OK) != 0;
    int status = APPLY_FAILED;

    if (privileges_become_owner(dir, why, sizeof(why)) != MU_OK
        || data_dir_open(&data, dir, why, sizeof(why)) != MU_OK) {
        buf_printf(report, "%s\n", why);
        return status;
    }
    if (is_new)
        buf_printf(report, "made a new data directory: %s\n", dir);
    if (registry_open(&reg, dir, why, sizeof(why)) != MU_OK)
        buf_printf(report, "%s\n", why);
    else
        status = apply_content(reg, json, report);
    registry_close(reg);
    data_dir_close(&data);
    return status;
}

/* On success the report is the answer; on failure each line of it is said with what it is about. */
static void print_report(const char *file, int status, const struct buf *report)
{
    struct str left = { (const char *)report->data, report->len };

    if (status == 0) {
        fwrite(left.at, 1, left.len, stdout);
        return;
    }
    while (left.len) {
        const char *end = memchr(left.at, '\n', left.len);
        size_t n = end ? (size_t)(end - left.at) : left.len;
        fprintf(stderr, "muster apply: %s: %.*s\n", file, (int)n, left.at);
        left.at += n + (end != NULL);
        left.len -= n + (end != NULL);
    }
}

int command_apply(int argc, char **argv)
{
    struct settings s = {
        .command = "apply",
        .usage = "apply --data DIR FILE.json",
        .summary =
            "Creates or updates enterprises, products, apps, users and devices from a file\n"
            "(\"-\" = standard input): all of it or, on a mistake, nothing. Applying a file again\n"
            "changes nothing. Works while the server runs.",
        .list = apply_settings,
        .positional_min = 1,
        .positional_max = 1,
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
        buf_clear(&report);
        buf_append_str(&report, "the running server broke off; apply the file again\n");
        status = APPLY_FAILED;
    }
    print_report(s.positional[0], status, &report);
out:
    buf_free(&input);
    buf_free(&report);
    settings_free(&s);
    return status;
}

/* muster apply: hands a file to the running server, or applies it to a directory at rest. */

#include <stdio.h>

#include "base/clock.h"
#include "command/commands.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/operation.h"
#include "ops/settings.h"
#include "registry/apply.h"

static struct setting apply_settings[] = {
    { .name = "data", .kind = SETTING_TEXT, .required = true, .metavar = "DIR",
      .help = "the data directory (required)" },
    { 0 },
};

static int run_apply(const struct operation_call *call)
{
    const struct audit_by by = { .uid = call->uid, .command = "apply" };
    enum mu_err err = apply_json(call->stores->registry, &by, call->input, clock_wall_s(), call->answer);

    if (err == MU_E_SYNTAX || err == MU_E_VALUE)
        return 2;
    if (err == MU_OK && call->stores->committer &&
        committer_follow_registry(call->stores->committer) != MU_OK) {
        buf_printf(call->answer, "it is stored, but the server does not show it yet; see its log\n");
        return 1;
    }
    return operation_result(call, err);
}

const struct operation apply_operation = {
    .name = "apply", .needs = STORES_REGISTRY, .run = run_apply, .makes_directory = true,
};

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
    struct buf input;
    char why[512], about[512];
    int status = 2;

    buf_init(&input, LOCAL_INPUT_MAX);
    enum mu_err err = settings_parse(&s, argc, argv);
    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    const char *dir = setting_text(&s, "data");
    if (file_read(s.positional[0], &input, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster apply: %s\n", why);
        goto out;
    }
    snprintf(about, sizeof(about), "muster apply: %s", s.positional[0]);
    status = operation_command(about, dir, &apply_operation,
                               (struct str){ (const char *)input.data, input.len });
out:
    buf_free(&input);
    settings_free(&s);
    return status;
}

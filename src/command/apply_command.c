/* muster apply: sends a file to the running server, or applies it to a directory at rest. */

#include <stdio.h>

#include "base/clock.h"
#include "base/encoding.h"
#include "command/commands.h"
#include "command/mac_setting.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/operation.h"
#include "ops/settings.h"
#include "transfer/apply.h"

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input: one line with the options that are on, in their order; then the file. */

static void write_options(struct buf *input, const struct apply_options *o)
{
    buf_printf(input, "options%s%s%s%s\n", o->mac_lower ? " mac-lower" : "", o->force ? " force" : "",
               o->json ? " json" : "", o->quiet ? " quiet" : "");
}

static bool take_word(struct str *line, struct str word)
{
    if (!str_starts(*line, word))
        return false;
    *line = (struct str){ line->at + word.len, line->len - word.len };
    return true;
}

static bool read_options(struct str *input, struct apply_options *o)
{
    struct str words = str_take_line(input);

    if (!take_word(&words, STR("options")))
        return false;
    o->mac_lower = take_word(&words, STR(" mac-lower"));
    o->force = take_word(&words, STR(" force"));
    o->json = take_word(&words, STR(" json"));
    o->quiet = take_word(&words, STR(" quiet"));
    return true;
}

static int run_apply(const struct operation_call *call)
{
    const struct audit_by by = { .uid = call->uid, .command = "apply" };
    struct apply_options options = { .now_s = clock_wall_s() };
    struct str file = call->input;

    if (!read_options(&file, &options)) {
        buf_printf(call->answer, "the running server does not understand the request; is it of another version?\n");
        return 1;
    }
    enum mu_err err = apply_json(call->stores->registry, &by, file, &options, call->answer);

    if (err == MU_E_SYNTAX || err == MU_E_VALUE)
        return operation_status(err);
    if (err == MU_OK && call->stores->committer && committer_follow_registry(call->stores->committer) != MU_OK) {
        buf_printf(call->answer, "it is stored, but the server does not show it yet; see its log\n");
        return 1;
    }
    return operation_result(call, err);
}

const struct operation command_op_apply = {
    .name = "apply",
    .needs = STORES_REGISTRY,
    .run = run_apply,
    .changes = true,
    .keeps_quiet = true,
    .may_create = true,
};

/* --- the command's side --------------------------------------------------------------------------- */

/* Tells about a wrong encoding in words; the JSON reader would only tell about an unexpected byte. */
static bool check_encoding(const char *file, struct str text)
{
    const char *encoding = str_utf8(text) ? NULL : encoding_guess(text);

    if (encoding)
        fprintf(stderr,
                "muster apply: %s: is not UTF-8; it looks like %s; this makes UTF-8 of it: "
                "iconv -f %s -t UTF-8 %s > NEW\n",
                file, encoding, encoding, file);
    return !encoding;
}

static int apply_file(const struct settings *s)
{
    const char *file = s->arguments[0];
    struct apply_options options = { .force = setting_on(s, "force"),
                                     .json = setting_on(s, "json"),
                                     .quiet = setting_on(s, "quiet"),
                                     .mac_lower = mac_lower(s) };
    struct operation_place place = operation_place(s);
    struct buf input;
    char why[512], about[512];
    int status = 2;

    buf_init(&input, LOCAL_INPUT_MAX);
    write_options(&input, &options);
    size_t start = input.len;
    if (file_read(file, &input, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster apply: %s\n", why);
        goto out;
    }
    if (!check_encoding(file, (struct str){ (const char *)input.data + start, input.len - start }))
        goto out;
    place.create = setting_on(s, "create");
    snprintf(about, sizeof(about), "muster apply: %s", file);
    status = operation_command(about, &place, &command_op_apply, (struct str){ (const char *)input.data, input.len });
out:
    buf_free(&input);
    return status;
}

/* clang-format off: a table */
static const struct setting apply_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "create",
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "make a new data directory: DIR must be empty, or missing in a directory that exists" },
    MAC_SETTING,
    { .name = "force",
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "accept a definition even if it moves datapoints that devices of the product report" },
    JSON_SETTING("print what was done, and the ids and secrets that were made, as one JSON object"),
    { .name = "quiet",
      .letter = 'q',
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "print only new secrets and ids, and warnings" },
    COMMON_SETTINGS
};
/* clang-format on */

const struct command command_apply = {
    .name = "apply",
    .group = COMMAND_CONFIGURATION,
    .summary = "creates or updates enterprises, products, devices, … from a file",
    .description = "Creates or updates enterprises, products, apps, users and devices from a file: all of it or, on a "
                   "mistake, nothing. Applying a file again changes nothing. Works while the server runs.",
    .settings = apply_settings,
    .arguments = { { .name = "FILE.json", .kind = SETTING_FILE, .help = "\"-\" is standard input" } },
    .examples = { { "muster apply --data data --create my-products.json", "begins a new data directory" } },
    .run = apply_file,
};

/* muster show: an enterprise, a product or an app as muster apply reads it. */

#include <stdio.h>
#include <string.h>

#include "base/json_indent.h"
#include "command/commands.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "registry/config.h"

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input is a line each: the kind, the id, "secrets" or nothing. */

static bool find_kind(struct str word, enum registry_kind *kind)
{
    for (unsigned i = 0; i <= KIND_APP; i++) {
        *kind = (enum registry_kind)i;
        if (str_eq(word, str_of(registry_kind_words[i])))
            return true;
    }
    return false;
}

static int run_show(const struct operation_call *call)
{
    struct str input = call->input, word = str_take_line(&input), id = str_take_line(&input);
    bool secrets = str_eq(str_take_line(&input), STR("secrets"));
    enum registry_kind kind;
    char id_text[ID_HEX_LEN + 1];
    struct buf json;
    enum mu_err err = MU_E_NOT_FOUND;

    buf_init(&json, LOCAL_ANSWER_MAX / 2);
    if (find_kind(word, &kind) && str_copy(id_text, sizeof(id_text), id))
        err = config_show(call->stores->registry, kind, id_text, secrets, &json);
    if (err == MU_OK)
        json_indent(call->answer, (struct str){ (const char *)json.data, json.len });
    buf_free(&json);
    if (err != MU_E_NOT_FOUND)
        return operation_result(call, err);
    size_t start = call->answer->len;
    buf_printf(call->answer, "there is no %.*s %.*s", (int)word.len, word.at, (int)id.len, id.at);
    buf_make_plain(call->answer, start);
    buf_append_u8(call->answer, '\n');
    return operation_status(err);
}

const struct operation command_op_show = { .name = "show", .needs = STORES_REGISTRY, .run = run_show };

/* --- the command's side --------------------------------------------------------------------------- */

/* clang-format off: a table */
static struct setting show_settings[] = {
    { .name = "data",
      .kind = SETTING_TEXT,
      .required = true,
      .metavar = "DIR",
      .help = "the data directory (required)" },
    { .name = "secrets",
      .kind = SETTING_SWITCH,
      .help = "with the product's secret; that of an enterprise is kept as a hash only" },
    { 0 },
};
/* clang-format on */

int command_show(int argc, char **argv)
{
    struct settings s = {
        .command = "show",
        .usage = "show enterprise|product|app ID --data DIR [--secrets]",
        .summary = "Shows an enterprise, a product with its definition, or an app, as muster apply reads it:\n"
                   "applied again, it changes nothing. Works while the server runs.",
        .list = show_settings,
        .positional_min = 2,
        .positional_max = 2,
    };
    struct buf input;
    enum registry_kind kind;
    int status = 2;
    enum mu_err err = settings_parse(&s, argc, argv);

    buf_init(&input, 4096);
    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    if (!find_kind(str_of(s.positional[0]), &kind)) {
        fprintf(stderr, "muster show: '%s' is none of enterprise, product, app (a device: muster device)\n",
                s.positional[0]);
        goto out;
    }
    if (!id_is_hex(str_of(s.positional[1]))) {
        fprintf(stderr, "muster show: '%s': an id has 32 lower-case hex digits\n", s.positional[1]);
        goto out;
    }
    buf_printf(&input, "%s\n%s\n%s\n", s.positional[0], s.positional[1], setting_on(&s, "secrets") ? "secrets" : "");
    status = operation_command("muster show", setting_text(&s, "data"), &command_op_show,
                               (struct str){ (const char *)input.data, input.len });
out:
    buf_free(&input);
    settings_free(&s);
    return status;
}

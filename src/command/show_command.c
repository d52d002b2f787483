/* muster show: an enterprise, a product or an app, in the form that muster apply reads. */

#include <stdio.h>
#include <string.h>

#include "base/json_indent.h"
#include "command/commands.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "transfer/config.h"

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input has one line each for: the kind; the id; "secrets" or nothing. */

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

static int show(const struct settings *s)
{
    const char *kind = s->arguments[0], *id = s->arguments[1];
    struct operation_place place = operation_place(s);
    struct buf input;

    if (!id_is_hex(str_of(id))) {
        fprintf(stderr, "muster show: '%s': an id has 32 lower-case hex digits\n", id);
        return 2;
    }
    buf_init(&input, 4096);
    buf_printf(&input, "%s\n%s\n%s\n", kind, id, setting_on(s, "secrets") ? "secrets" : "");
    int status =
        operation_command("muster show", &place, &command_op_show, (struct str){ (const char *)input.data, input.len });
    buf_free(&input);
    return status;
}

/* clang-format off: a table */
static const struct setting show_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "secrets",
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "with the product's secret; that of an enterprise is kept as a hash only" },
    COMMON_SETTINGS
};
/* clang-format on */

const struct command command_show = {
    .name = "show",
    .group = COMMAND_CONFIGURATION,
    .summary = "shows an enterprise, product or app as an apply file",
    .description = "Shows an enterprise, a product with its definition, or an app, as muster apply reads it: applied "
                   "again, it changes nothing (a device: muster device). Works while the server runs.",
    .settings = show_settings,
    .arguments = { { .name = "enterprise|product|app", .kind = SETTING_WORD },
                   { .name = "ID", .kind = SETTING_TEXT, .help = "an enterprise_id, product_key or appid" } },
    .examples = { { "muster show --data data product PRODUCT_KEY >product.json",
                    "a file for muster apply, without the secret" } },
    .run = show,
};

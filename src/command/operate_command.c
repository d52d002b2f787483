/* muster disable, enable, delete, rotate, revoke: changes to things that an operator names, in the running server or
 * in a directory at rest. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "command/commands.h"
#include "command/device_name.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "registry/operate.h"

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input has one line each for: the kind; "unbind" or nothing; the ids. */

static bool find_kind(struct str word, enum registry_kind *kind)
{
    for (unsigned i = 0; registry_kind_words[i]; i++) {
        *kind = (enum registry_kind)i;
        if (str_eq(word, str_of(registry_kind_words[i])))
            return true;
    }
    return false;
}

static int run(const struct operation_call *call, enum operate_verb verb, const char *command)
{
    const struct audit_by by = { .uid = call->uid, .command = command };
    struct operate o = { .verb = verb, .now_s = clock_wall_s() };
    struct str ids = call->input;
    bool known = find_kind(str_take_line(&ids), &o.kind) && operate_allows(verb, o.kind);

    o.unbind = str_eq(str_take_line(&ids), STR("unbind"));
    if (!known) {
        buf_printf(call->answer, "the running server cannot do that; is it older?\n");
        return 1;
    }
    enum mu_err err = operate(call->stores->registry, &by, &o, ids, call->answer);
    if (err == MU_E_VALUE)
        return 2;
    if (err == MU_OK && call->stores->committer && committer_follow_registry(call->stores->committer) != MU_OK) {
        /* Status 0, so that the answer is printed: it may hold a new secret. */
        buf_printf(call->answer, "it is stored, but the server does not show it yet; see its log\n");
        return 0;
    }
    return operation_result(call, err);
}

static int run_disable(const struct operation_call *call)
{
    return run(call, OPERATE_DISABLE, "disable");
}
static int run_enable(const struct operation_call *call)
{
    return run(call, OPERATE_ENABLE, "enable");
}
static int run_delete(const struct operation_call *call)
{
    return run(call, OPERATE_DELETE, "delete");
}
static int run_rotate(const struct operation_call *call)
{
    return run(call, OPERATE_ROTATE, "rotate");
}
static int run_revoke(const struct operation_call *call)
{
    return run(call, OPERATE_REVOKE, "revoke");
}

const struct operation command_op_disable = {
    .name = "disable", .needs = STORES_REGISTRY, .run = run_disable, .changes = true
};
const struct operation command_op_enable = {
    .name = "enable", .needs = STORES_REGISTRY, .run = run_enable, .changes = true
};
/* All stores: the records of a device are removed from the journal at once. */
const struct operation command_op_delete = {
    .name = "delete", .needs = STORES_ALL, .run = run_delete, .changes = true
};
const struct operation command_op_rotate = {
    .name = "rotate", .needs = STORES_REGISTRY, .run = run_rotate, .changes = true
};
const struct operation command_op_revoke = {
    .name = "revoke", .needs = STORES_REGISTRY, .run = run_revoke, .changes = true
};

/* --- the command's side --------------------------------------------------------------------------- */

static int command(const struct settings *s, enum operate_verb verb, const struct operation *op)
{
    const char *kind = s->arguments[0], *id = s->arguments[1];
    bool unbind = verb == OPERATE_DELETE && setting_on(s, "unbind");
    struct operation_place place = operation_place(s);
    struct buf ids, input;
    char why[512], about[64];
    int status = 2;

    buf_init(&ids, LOCAL_INPUT_MAX);
    buf_init(&input, LOCAL_INPUT_MAX);
    if (strcmp(id, "-") != 0) {
        buf_append_str(&ids, id);
    } else if (file_read("-", &ids, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster %s: %s\n", s->command->name, why);
        goto out;
    }
    buf_printf(&input, "%s\n%s\n", kind, unbind ? "unbind" : "");
    buf_append(&input, ids.data, ids.len);
    if (input.err != MU_OK || ids.err != MU_OK) {
        fprintf(stderr, "muster %s: %s\n", s->command->name, mu_err_text(MU_E_LIMIT));
        goto out;
    }
    snprintf(about, sizeof(about), "muster %s", s->command->name);
    status = operation_command(about, &place, op, (struct str){ (const char *)input.data, input.len });
out:
    buf_free(&ids);
    buf_free(&input);
    return status;
}

static int disable(const struct settings *s)
{
    return command(s, OPERATE_DISABLE, &command_op_disable);
}
static int enable(const struct settings *s)
{
    return command(s, OPERATE_ENABLE, &command_op_enable);
}
static int delete_command(const struct settings *s)
{
    return command(s, OPERATE_DELETE, &command_op_delete);
}
static int rotate(const struct settings *s)
{
    return command(s, OPERATE_ROTATE, &command_op_rotate);
}
static int revoke(const struct settings *s)
{
    return command(s, OPERATE_REVOKE, &command_op_revoke);
}

/* clang-format off: tables */
#define FROM_INPUT "; \"-\" reads ids from standard input, one a line: all of them or, on a mistake, none"
#define DEVICE_ID  "of a device " DEVICE_NAMES " (its latest registration)"

/* These kinds must be those of operate_allows. */
#define DEVICE_OR_USER                                                                             \
    {                                                                                              \
        { .name = "device|user", .kind = SETTING_WORD },                                           \
        {                                                                                          \
            .name = "ID", .kind = SETTING_TEXT, .help = "of a user the uid; " DEVICE_ID FROM_INPUT \
        }                                                                                          \
    }
#define ENTERPRISE_OR_PRODUCT                                                                          \
    {                                                                                                  \
        { .name = "enterprise|product", .kind = SETTING_WORD },                                        \
        {                                                                                              \
            .name = "ID", .kind = SETTING_TEXT, .help = "an enterprise_id or a product_key" FROM_INPUT \
        }                                                                                              \
    }

static const struct setting rotate_settings[] = { STORES_SETTINGS, CONFIG_SETTING, COMMON_SETTINGS };

static const struct setting quiet_settings[] = { STORES_SETTINGS, CONFIG_SETTING, QUIET_SETTING, COMMON_SETTINGS };

static const struct setting delete_settings[] = {
    STORES_SETTINGS,
    CONFIG_SETTING,
    { .name = "unbind",
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "delete a device or a user even if it is bound; its bindings end" },
    QUIET_SETTING,
    COMMON_SETTINGS
};

const struct command command_disable = {
    .name = "disable",
    .group = COMMAND_DEVICES,
    .summary = "disables a device or a user",
    .description =
        "Disables a device or a user. A device's session ends at once. A user is no longer found or counted, "
        "but keeps his bindings. Works while the server runs.",
    .settings = quiet_settings,
    .arguments = DEVICE_OR_USER,
    .examples = { { "muster disable --data data device - <dids", "all devices of a list" } },
    .run = disable,
};

const struct command command_enable = {
    .name = "enable",
    .group = COMMAND_DEVICES,
    .summary = "enables a device or a user again",
    .description = "Enables a device or a user again. Works while the server runs.",
    .settings = quiet_settings,
    .arguments = DEVICE_OR_USER,
    .examples = { { "muster enable --data data user UID", "lets this user be found again" } },
    .run = enable,
};

const struct command command_delete = {
    .name = "delete",
    .group = COMMAND_DEVICES,
    .summary = "deletes what nothing uses any more",
    .description = "Deletes what nothing uses any more; what is in the way is told. A device's session ends at once, "
                   "and registering again makes it a new device. Works while the server runs.",
    .settings = delete_settings,
    .arguments = { { .name = "device|user|app|product|enterprise|group", .kind = SETTING_WORD },
                   { .name = "ID",
                     .kind = SETTING_TEXT,
                     .help = "an enterprise_id, product_key, appid, uid or gid; " DEVICE_ID FROM_INPUT } },
    .examples = { { "muster delete --data data --unbind device DID", "a device, also if it is bound to users" } },
    .run = delete_command,
};

const struct command command_rotate = {
    .name = "rotate",
    .group = COMMAND_CONFIGURATION,
    .summary = "gives an enterprise or a product a new secret",
    .description = "Makes a new secret and prints it once; the old one is invalid from then on. Tokens stay valid (see "
                   "muster revoke). Works while the server runs.",
    .settings = rotate_settings,
    .arguments = ENTERPRISE_OR_PRODUCT,
    .examples = { { "muster rotate --data data enterprise ENTERPRISE_ID", "prints its new secret" } },
    .run = rotate,
};

const struct command command_revoke = {
    .name = "revoke",
    .group = COMMAND_CONFIGURATION,
    .summary = "revokes access tokens",
    .description = "Revokes all access tokens of an enterprise, or for a product, at once. Works while the server "
                   "runs.",
    .settings = quiet_settings,
    .arguments = ENTERPRISE_OR_PRODUCT,
    .examples = { { "muster revoke --data data product PRODUCT_KEY",
                    "nobody reads this product until he takes a new token" } },
    .run = revoke,
};
/* clang-format on */

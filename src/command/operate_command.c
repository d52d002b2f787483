/* muster disable, enable, delete, rotate, revoke: an operator's change of what he names, in the running
 * server or in a directory at rest. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "command/commands.h"
#include "ops/file.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "registry/operate.h"

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input is a kind, "unbind" or nothing, and the ids, a line each. */

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
        /* Not without what it says: it may be a new secret. */
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

const struct operation command_op_disable = { .name = "disable", .needs = STORES_REGISTRY, .run = run_disable };
const struct operation command_op_enable = { .name = "enable", .needs = STORES_REGISTRY, .run = run_enable };
/* All: what a device leaves in the journal goes at once. */
const struct operation command_op_delete = { .name = "delete", .needs = STORES_ALL, .run = run_delete };
const struct operation command_op_rotate = { .name = "rotate", .needs = STORES_REGISTRY, .run = run_rotate };
const struct operation command_op_revoke = { .name = "revoke", .needs = STORES_REGISTRY, .run = run_revoke };

/* --- the command's side --------------------------------------------------------------------------- */

/* clang-format off: a table */
static struct setting plain_settings[] = {
    { .name = "data",
      .kind = SETTING_TEXT,
      .required = true,
      .metavar = "DIR",
      .help = "the data directory (required)" },
    { 0 },
};
/* clang-format on */

static struct setting delete_settings[] = {
    { .name = "data",
      .kind = SETTING_TEXT,
      .required = true,
      .metavar = "DIR",
      .help = "the data directory (required)" },
    { .name = "unbind", .kind = SETTING_SWITCH, .help = "also a device or a user that is bound: its bindings end" },
    { 0 },
};

#define ENTERPRISE_OR_PRODUCT "ID is an enterprise_id or a product_key"
#define DEVICE_OR_USER        "ID is a uid, or of a device its did or product_key/mac (the mac's latest\nregistration)"
#define ANY                                                                             \
    "ID is an enterprise_id, product_key, appid, uid, gid, or of a device its did or\n" \
    "product_key/mac (the mac's latest registration)"
#define IDS(which)                                                                                    \
    which ".\n\"-\" reads ids from standard input, one a line: all of them or, on a mistake, none.\n" \
          "Works while the server runs."

/* The kinds that the verb is for, as the usage has them. */
static bool read_kind(const struct settings *s, enum operate_verb verb)
{
    enum registry_kind kind;
    char all[100] = "";

    if (find_kind(str_of(s->positional[0]), &kind) && operate_allows(verb, kind))
        return true;
    for (unsigned i = 0; registry_kind_words[i]; i++) {
        if (!operate_allows(verb, (enum registry_kind)i))
            continue;
        size_t len = strlen(all);
        snprintf(all + len, sizeof(all) - len, "%s%s", len ? ", " : "", registry_kind_words[i]);
    }
    fprintf(stderr, "muster %s: '%s' is none of %s\n", s->command, s->positional[0], all);
    return false;
}

static int command(struct settings *s, enum operate_verb verb, const struct operation *op, int argc, char **argv)
{
    struct buf ids, input;
    char why[512], about[64];
    int status = 2;

    buf_init(&ids, LOCAL_INPUT_MAX);
    buf_init(&input, LOCAL_INPUT_MAX);
    s->positional_min = s->positional_max = 2;
    enum mu_err err = settings_parse(s, argc, argv);
    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    if (!read_kind(s, verb))
        goto out;
    if (strcmp(s->positional[1], "-") != 0) {
        buf_append_str(&ids, s->positional[1]);
    } else if (file_read("-", &ids, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "muster %s: %s\n", s->command, why);
        goto out;
    }
    buf_printf(&input, "%s\n%s\n", s->positional[0], verb == OPERATE_DELETE && setting_on(s, "unbind") ? "unbind" : "");
    buf_append(&input, ids.data, ids.len);
    if (input.err != MU_OK || ids.err != MU_OK) {
        fprintf(stderr, "muster %s: %s\n", s->command, mu_err_text(MU_E_LIMIT));
        goto out;
    }
    snprintf(about, sizeof(about), "muster %s", s->command);
    status = operation_command(about, setting_text(s, "data"), op, (struct str){ (const char *)input.data, input.len });
out:
    buf_free(&ids);
    buf_free(&input);
    settings_free(s);
    return status;
}

int command_disable(int argc, char **argv)
{
    struct settings s = {
        .command = "disable",
        .usage = "disable --data DIR device|user ID",
        .list = plain_settings,
        .summary = "Disables a device, whose session ends at once, or a user, who is left out wherever\n"
                   "users are looked for or counted, and keeps his bindings.\n" IDS(DEVICE_OR_USER),
    };
    return command(&s, OPERATE_DISABLE, &command_op_disable, argc, argv);
}

int command_enable(int argc, char **argv)
{
    struct settings s = {
        .command = "enable",
        .usage = "enable --data DIR device|user ID",
        .list = plain_settings,
        .summary = "Enables a device or a user again.\n" IDS(DEVICE_OR_USER),
    };
    return command(&s, OPERATE_ENABLE, &command_op_enable, argc, argv);
}

int command_delete(int argc, char **argv)
{
    struct settings s = {
        .command = "delete",
        .usage = "delete --data DIR device|user|app|product|enterprise|group ID",
        .list = delete_settings,
        .summary = "Deletes what nothing uses any more; what is in the way is told. A device's session\n"
                   "ends at once, and registering again makes it a new device.\n" IDS(ANY),
    };
    return command(&s, OPERATE_DELETE, &command_op_delete, argc, argv);
}

int command_rotate(int argc, char **argv)
{
    struct settings s = {
        .command = "rotate",
        .usage = "rotate --data DIR enterprise|product ID",
        .list = plain_settings,
        .summary = "Gives a new secret, printed once; the old one is worth nothing from then on. Tokens\n"
                   "stay valid (see muster revoke).\n" IDS(ENTERPRISE_OR_PRODUCT),
    };
    return command(&s, OPERATE_ROTATE, &command_op_rotate, argc, argv);
}

int command_revoke(int argc, char **argv)
{
    struct settings s = {
        .command = "revoke",
        .usage = "revoke --data DIR enterprise|product ID",
        .list = plain_settings,
        .summary =
            "Revokes all access tokens of an enterprise, or for a product, at once.\n" IDS(ENTERPRISE_OR_PRODUCT),
    };
    return command(&s, OPERATE_REVOKE, &command_op_revoke, argc, argv);
}

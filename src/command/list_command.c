/* muster list: enterprises, products or apps, page by page, so that nobody ever holds all of them. */

#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "registry/config.h"

enum { PAGE_ROWS = 1000 };

static const struct {
    const char *word;
    enum registry_kind kind;
} kinds[] = {
    { "enterprises", KIND_ENTERPRISE },
    { "products", KIND_PRODUCT },
    { "apps", KIND_APP },
};

/* --- in the server or at rest ----------------------------------------------------------------------
 * The input is the kind's number, 1 for JSON, and the number behind which the page begins. The answer is where
 * the next one does (0: nowhere) in a line, then the rows. */

static int run_list(const struct operation_call *call)
{
    char text[64];
    unsigned kind, json, after;
    struct buf rows;
    struct config_page page = { .limit = PAGE_ROWS, .rows = &rows };

    if (!str_copy(text, sizeof(text), call->input) || sscanf(text, "%u %u %u", &kind, &json, &after) != 3 ||
        kind > KIND_APP) {
        buf_append_str(call->answer, "the running server does not understand what is asked; is it older?\n");
        return 1;
    }
    page.kind = (enum registry_kind)kind;
    page.json = json;
    page.after = after;
    buf_init(&rows, LOCAL_ANSWER_MAX / 2);
    enum mu_err err = config_list(call->stores->registry, &page);
    if (err == MU_OK) {
        buf_printf(call->answer, "%u\n", page.next);
        buf_append(call->answer, rows.data, rows.len);
    }
    buf_free(&rows);
    return operation_result(call, err);
}

const struct operation command_op_list = { .name = "list", .needs = STORES_REGISTRY, .run = run_list };

/* --- the command's side --------------------------------------------------------------------------- */

/* clang-format off: a table */
static struct setting list_settings[] = {
    { .name = "data",
      .kind = SETTING_TEXT,
      .required = true,
      .metavar = "DIR",
      .help = "the data directory (required)" },
    { .name = "json", .kind = SETTING_SWITCH, .help = "a JSON object a line, for programs" },
    { 0 },
};
/* clang-format on */

static int print_pages(const char *dir, enum registry_kind kind, bool json)
{
    struct operation_place place = OPERATION_PLACE(dir);
    struct buf input, answer;
    int64_t next = 0;
    int status;

    buf_init(&input, 64);
    buf_init(&answer, LOCAL_ANSWER_MAX);
    do {
        bool first = next == 0;
        buf_clear(&input);
        buf_clear(&answer);
        buf_printf(&input, "%u %u %lld", kind, json, (long long)next);
        status = operation_run(&place, &command_op_list, (struct str){ (const char *)input.data, input.len }, &answer);
        if (status != 0) {
            operation_print("muster list", status, &answer);
            break;
        }
        struct str rows = { (const char *)answer.data, answer.len };
        if (!str_int64(str_take_line(&rows), &next))
            next = 0;
        if (first && !json) {
            struct buf heading;
            buf_init(&heading, 1000);
            config_heading(kind, &heading);
            operation_print("muster list", 0, &heading);
            buf_free(&heading);
        }
        fwrite(rows.at, 1, rows.len, stdout);
    } while (next && !ferror(stdout));
    operation_leave(&place);
    buf_free(&input);
    buf_free(&answer);
    if (status == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        fprintf(stderr, "muster list: cannot write; is there room?\n");
        status = 1;
    }
    return status;
}

int command_list(int argc, char **argv)
{
    struct settings s = {
        .command = "list",
        .usage = "list enterprises|products|apps --data DIR [--json]",
        .summary = "Lists what is configured, in the order in which it was made. Works while the server runs.",
        .list = list_settings,
        .positional_min = 1,
        .positional_max = 1,
    };
    int status = 2;
    enum mu_err err = settings_parse(&s, argc, argv);

    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    size_t i = 0;
    while (i < sizeof(kinds) / sizeof(*kinds) && strcmp(s.positional[0], kinds[i].word) != 0)
        i++;
    if (i < sizeof(kinds) / sizeof(*kinds))
        status = print_pages(setting_text(&s, "data"), kinds[i].kind, setting_on(&s, "json"));
    else
        fprintf(stderr,
                "muster list: cannot list '%s': it is enterprises, products or apps (users and devices: "
                "muster export)\n",
                s.positional[0]);
out:
    settings_free(&s);
    return status;
}

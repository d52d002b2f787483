/* muster list: enterprises, products or apps, page by page, so that nobody ever holds all of them. */

#include <stdio.h>
#include <string.h>

#include "command/commands.h"
#include "ops/local.h"
#include "ops/settings.h"
#include "transfer/config.h"

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
 * The input: the kind's number, 1 for JSON, and the number after which the page begins. The answer: one
 * line with the number after which the next page begins (0: there is none), then the rows. */

static int run_list(const struct operation_call *call)
{
    char text[64];
    unsigned kind, json, after;
    struct buf rows;
    struct config_page page = { .limit = PAGE_ROWS, .rows = &rows };

    if (!str_copy(text, sizeof(text), call->input) || sscanf(text, "%u %u %u", &kind, &json, &after) != 3 ||
        kind > KIND_APP) {
        buf_append_str(call->answer, "the running server does not understand the request; is it older?\n");
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

static int print_pages(const struct settings *s, enum registry_kind kind)
{
    struct operation_place place = operation_place(s);
    bool json = setting_on(s, "json");
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
    return status;
}

static int list(const struct settings *s)
{
    size_t i = 0;

    while (strcmp(s->arguments[0], kinds[i].word) != 0)
        i++;
    return print_pages(s, kinds[i].kind);
}

/* clang-format off: a table */
static const struct setting list_settings[] = { STORES_SETTINGS, CONFIG_SETTING,
                                                JSON_SETTING("a JSON object a line, for programs"), COMMON_SETTINGS };
/* clang-format on */

const struct command command_list = {
    .name = "list",
    .group = COMMAND_CONFIGURATION,
    .summary = "lists enterprises, products or apps",
    .description = "Lists what is configured, in the order in which it was made (devices and users: muster export). "
                   "Works while the server runs.",
    .settings = list_settings,
    .arguments = { { .name = "enterprises|products|apps", .kind = SETTING_WORD } },
    .examples = { { "muster list --data data products", "product keys and names" } },
    .run = list,
};

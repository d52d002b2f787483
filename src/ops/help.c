#include "ops/help.h"

#include <assert.h>
#include <string.h>

/* What --help shows: the texts of the command tables, wrapped to 80 columns. */

#define WIDTH        80
#define USAGE_INDENT 8

const char *const help_group_titles[COMMAND_GROUPS] = {
    [COMMAND_SERVER] = "The server",
    [COMMAND_CONFIGURATION] = "What is configured",
    [COMMAND_DEVICES] = "Devices and users",
    [COMMAND_DATA] = "The stores",
    [COMMAND_OTHER] = "Other",
};

/* How many columns the first n bytes of UTF-8 take. No text here has characters wider than one column. */
static size_t columns(const char *text, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

void help_wrapped(FILE *to, const char *before, const char *text)
{
    size_t at = 0; /* the column; 0: the line has not begun */

    for (; *text; text++) {
        size_t n = strcspn(text, " \n"), width = columns(text, n);

        if (at && at + 1 + width > WIDTH) {
            fputc('\n', to);
            at = 0;
        }
        if (n)
            at += (size_t)fprintf(to, "%s", at ? " " : before) + width;
        fwrite(text, 1, n, to);
        text += n;
        if (*text == '\n') {
            fputc('\n', to);
            at = 0;
        }
        if (!*text)
            break;
    }
    fputc('\n', to);
}

/* Prints one word of the usage; on the next line if it does not fit on this one. *at: the column. */
static void add_word(FILE *to, size_t *at, const char *before, const char *word, const char *behind)
{
    size_t width = 1 + strlen(before) + strlen(word) + strlen(behind);

    assert(*at > 0);
    if (*at + width > WIDTH)
        *at = (size_t)fprintf(to, "\n%*s", USAGE_INDENT - 1, "") - 1;
    *at += width;
    fprintf(to, " %s%s%s", before, word, behind);
}

/* "usage: muster apply --data DIR [options] FILE.json": in several lines if it is long; no newline at the end. */
static void print_usage(FILE *to, const struct command *c)
{
    size_t at = (size_t)fprintf(to, "usage: muster %s", c->name);

    for (const struct setting *t = c->settings; t->name; t++)
        if (t->required) {
            add_word(to, &at, "--", t->name, "");
            add_word(to, &at, "", t->metavar, "");
        }
    add_word(to, &at, "", "[options]", "");
    for (const struct argument *a = c->arguments; a->name; a++)
        add_word(to, &at, a->optional ? "[" : "", a->name, a->optional ? "]" : "");
}

static void print_setting(FILE *to, const struct setting *t)
{
    assert((t->kind == SETTING_SWITCH) == !t->metavar && t->help);
    fputs("  ", to);
    if (t->letter)
        fprintf(to, "-%c, ", t->letter);
    fprintf(to, "--%s%s%s\n", t->name, t->metavar ? " " : "", t->metavar ? t->metavar : "");
    help_wrapped(to, "        ", t->help);
    if (t->standard)
        fprintf(to, "        default: %s\n", t->standard);
}

void help_command(FILE *to, const struct command *c)
{
    assert(c->name && c->summary && c->description && c->settings && c->run);
    print_usage(to, c);
    fputs("\n\n", to);
    help_wrapped(to, "", c->description);
    fputc('\n', to);
    for (const struct argument *a = c->arguments; a->name; a++)
        if (a->help) {
            fprintf(to, "  %s\n", a->name);
            help_wrapped(to, "        ", a->help);
        }
    for (const struct setting *t = c->settings; t->name; t++)
        print_setting(to, t);
    if (c->examples[0].line)
        fputs("\nexamples:\n", to);
    for (const struct example *e = c->examples; e->line; e++)
        fprintf(to, "  %s\n        %s\n", e->line, e->what);
}

void help_program(FILE *to, const struct command *const *list)
{
    fputs("usage: muster COMMAND [options]\n\nmuster is a self-hosted device cloud.\n", to);
    for (int group = 0; group < COMMAND_GROUPS; group++) {
        fprintf(to, "\n%s\n", help_group_titles[group]);
        for (const struct command *const *c = list; *c; c++)
            if ((int)(*c)->group == group)
                fprintf(to, "  muster %-7s %s\n", (*c)->name, (*c)->summary);
    }
    fputs("\nmuster help COMMAND (or muster COMMAND --help) shows a command's options,\n"
          "muster --version the version.\n",
          to);
}

/* Man pages from the tables of the commands: NAME to SEE ALSO, in roff with man(7)'s macros. What is the same on every
 * page (exit statuses, files) stands here; all else is in the tables. */

#include <string.h>

#include "base/version.h"
#include "ops/help.h"
#include "pages.h"

#define CONFIG "/etc/muster.ini"

/* A text that is not ours to format: no character of it means anything to roff. */
static void put_text(FILE *to, const char *text)
{
    bool starts_line = true;

    for (; *text; text++) {
        if (starts_line && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        starts_line = *text == '\n';
        switch (*text) {
        case '\\': fputs("\\e", to); break;
        case '-': fputs("\\-", to); break;
        case '\n': fputs("\n.br\n", to); break;
        case '"': fputs("\\(dq", to); break;
        default: fputc(*text, to);
        }
    }
}

static void put_line(FILE *to, const char *text)
{
    put_text(to, text);
    fputc('\n', to);
}

static void put_bold(FILE *to, const char *text)
{
    fputs("\\fB", to);
    put_text(to, text);
    fputs("\\fR", to);
}

static void put_italic(FILE *to, const char *text)
{
    fputs("\\fI", to);
    put_text(to, text);
    fputs("\\fR", to);
}

/* Begins an entry of a list: "--data DIR" and what it means below. */
static void put_term(FILE *to, const char *term, const char *value)
{
    fputs(".TP\n", to);
    put_bold(to, term);
    if (value) {
        fputc(' ', to);
        put_italic(to, value);
    }
    fputc('\n', to);
}

static void put_entry(FILE *to, const char *term, const char *meaning)
{
    put_term(to, term, NULL);
    put_line(to, meaning);
}

static void put_head(FILE *to, const char *name, int section, const char *summary)
{
    fprintf(to, ".TH %s %d \"\" \"muster %s\" \"muster\"\n.nh\n.ad l\n.SH NAME\n", name, section, version_text);
    put_text(to, name);
    fputs(" \\- ", to);
    put_line(to, summary);
}

static void put_see_also(FILE *to, const struct command *const *list)
{
    fputs(".SH SEE ALSO\n", to);
    for (; list && *list; list++)
        fprintf(to, ".BR muster\\-%s (1),\n", (*list)->name);
    fputs(".BR muster (1),\n.BR muster.ini (5)\n.PP\n"
          "The manual is in /usr/share/doc/muster: operating.md, backup.md, moving\\-in.md and others.\n",
          to);
}

/* --- options ---------------------------------------------------------------------------------------*/

static void put_bounds(FILE *to, const struct setting *t)
{
    if (t->standard) {
        fputs(".br\nDefault: ", to);
        put_line(to, t->standard);
    }
    if (t->max != 0)
        fprintf(to, ".br\nFrom %.10g to %.10g.\n", t->min, t->max);
}

static void put_option(FILE *to, const struct setting *t)
{
    fputs(".TP\n", to);
    if (t->letter)
        fprintf(to, "\\fB\\-%c\\fR, ", t->letter);
    fputs("\\fB\\-\\-", to);
    put_text(to, t->name);
    fputs("\\fR", to);
    if (t->metavar) {
        fputc(' ', to);
        put_italic(to, t->metavar);
    }
    fputc('\n', to);
    put_line(to, t->help);
    put_bounds(to, t);
}

static void put_synopsis(FILE *to, const struct command *c)
{
    fputs(".SH SYNOPSIS\n", to);
    put_bold(to, "muster");
    fputc(' ', to);
    put_bold(to, c->name);
    for (const struct setting *t = c->settings; t->name; t++)
        if (t->required) {
            fputs(" \\fB\\-\\-", to);
            put_text(to, t->name);
            fputs("\\fR ", to);
            put_italic(to, t->metavar);
        }
    fputs(" [\\fIoptions\\fR]", to);
    for (const struct argument *a = c->arguments; a->name; a++) {
        fputs(a->optional ? " [" : " ", to);
        put_italic(to, a->name);
        fputs(a->optional ? "]" : "", to);
    }
    fputc('\n', to);
}

static void put_examples(FILE *to, const struct example *e)
{
    if (e->line)
        fputs(".SH EXAMPLES\n", to);
    for (; e->line; e++) {
        fputs(".TP\n", to);
        put_line(to, e->line);
        put_line(to, e->what);
    }
}

static void put_exit_status(FILE *to)
{
    fputs(".SH EXIT STATUS\n", to);
    put_entry(to, "0", "It is done.");
    put_entry(to, "1",
              "It failed, or not all of it could be done. What was given is right: the same again may succeed.");
    put_entry(to, "2", "What was given is wrong: the command line, a setting, a file, an id. Nothing was done.");
}

/* --- the pages -------------------------------------------------------------------------------------*/

void man_command(FILE *to, const struct command *c)
{
    char name[64];

    snprintf(name, sizeof(name), "muster-%s", c->name);
    put_head(to, name, 1, c->summary);
    put_synopsis(to, c);
    fputs(".SH DESCRIPTION\n", to);
    put_line(to, c->description);
    if (c->arguments[0].name && c->arguments[0].help)
        fputs(".SH ARGUMENTS\n", to);
    for (const struct argument *a = c->arguments; a->name; a++)
        if (a->help)
            put_entry(to, a->name, a->help);
    fputs(".SH OPTIONS\n", to);
    for (const struct setting *t = c->settings; t->name; t++)
        put_option(to, t);
    put_examples(to, c->examples);
    put_exit_status(to);
    put_see_also(to, NULL);
}

static void put_files(FILE *to)
{
    fputs(".SH FILES\n", to);
    put_entry(to, CONFIG, "Settings of the server: muster.ini(5).");
    put_entry(to, "/var/lib/muster",
              "The data directory of the package's server. It holds secrets and belongs to the user muster.");
    put_entry(to, "/usr/share/muster/alerts.yml", "Alert rules for Prometheus.");
    put_entry(to, "/usr/share/muster/dashboard.json", "A dashboard for Grafana.");
}

void man_program(FILE *to, const struct command *const *list)
{
    put_head(to, "muster", 1, "self-hosted device cloud over MQTT and HTTP");
    fputs(".SH SYNOPSIS\n.B muster\n.I COMMAND\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n", to);
    put_line(
        to,
        "Devices connect over MQTT; a backend reads, searches and controls them over an HTTP/JSON API. One server keeps "
        "everything in one data directory. The other commands work on that directory, also while the server runs.");
    for (int group = 0; group < COMMAND_GROUPS; group++) {
        fputs(".SS ", to);
        put_line(to, help_group_titles[group]);
        for (const struct command *const *c = list; *c; c++)
            if ((int)(*c)->group == group)
                put_entry(to, (*c)->name, (*c)->summary);
    }
    put_exit_status(to);
    put_files(to);
    put_see_also(to, list);
}

void man_settings_file(FILE *to, const struct command *serve)
{
    put_head(to, "muster.ini", 5, "settings of the muster server");
    fputs(".SH DESCRIPTION\n", to);
    put_line(to, "The server of the Debian package reads " CONFIG " when it starts. One setting is a line:");
    fputs(".PP\n.RS\n\\fIname\\fR = \\fIvalue\\fR\n.RE\n.PP\n", to);
    put_line(
        to,
        "A line that begins with # or ; is a comment. A setting that is not there has its default. An option of the command "
        "line wins over the file. An unknown name or a value out of bounds is an error, and the server does not start.");
    fputs(".SH SETTINGS\n", to);
    for (const struct setting *t = serve->settings; t->name; t++)
        if (!t->flag_only) {
            put_term(to, t->name, t->metavar);
            put_line(to, t->help);
            put_bounds(to, t);
        }
    fputs(".SH EXAMPLES\nPorts as devices in the field use them:\n.PP\n.RS\n.nf\n", to);
    put_text(to, "data = /var/lib/muster");
    fputs("\nhttp = 0.0.0.0:80\nmqtt = 0.0.0.0:1883\n.fi\n.RE\n", to);
    put_files(to);
    put_see_also(to, NULL);
}

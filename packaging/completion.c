#include <string.h>

#include "pages.h"

static const char head[] =
    "# Completes the command line of muster in bash. Made from the tables that muster --help shows.\n"
    "_muster_commands='";

static const char kinds[] = "'\n"
                            "\n"
                            "# kind: file, directory, none, or the words that are possible\n"
                            "_muster_value() {\n"
                            "    case $1 in\n"
                            "    file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
                            "    directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
                            "    none) ;;\n"
                            "    *) mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\") ;;\n"
                            "    esac\n"
                            "}\n"
                            "\n"
                            "# What the value of an option is: a kind; empty if it takes none or is no option.\n"
                            "_muster_kind() {\n"
                            "    case \"$1 $2\" in\n";

static const char middle[] =
    "    *) kind= ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_muster() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} options kinds kind i last='' place=0\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _muster_value \"$_muster_commands --help --version\"\n"
    "        return\n"
    "    fi\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        [[ ${COMP_WORDS[i]} == = ]] && continue # bash takes --name=value for three words\n"
    "        _muster_kind \"$command\" \"$last\"\n"
    "        if [[ $kind || ${COMP_WORDS[i]} != -* ]]; then\n"
    "            [[ $kind ]] || ((place++))\n"
    "            last=\n"
    "        else\n"
    "            last=${COMP_WORDS[i]}\n"
    "        fi\n"
    "    done\n"
    "    [[ $cur == = ]] && cur=\n"
    "    _muster_kind \"$command\" \"$last\"\n"
    "    if [[ $kind ]]; then\n"
    "        _muster_value \"$kind\"\n"
    "        return\n"
    "    fi\n"
    "    case $command in\n";

static const char tail[] = "    *) return ;;\n"
                           "    esac\n"
                           "    if [[ $cur == -* ]]; then\n"
                           "        _muster_value \"$options\"\n"
                           "    else\n"
                           "        _muster_value \"${kinds[place]:-none}\"\n"
                           "    fi\n"
                           "}\n"
                           "complete -F _muster muster\n";

/* The words of "device|user" with spaces between them. */
static void put_words(FILE *to, const char *words)
{
    for (; *words; words++)
        fputc(*words == '|' ? ' ' : *words, to);
}

static void put_kind(FILE *to, enum setting_kind kind, const char *words)
{
    switch (kind) {
    case SETTING_FILE: fputs("file", to); break;
    case SETTING_DIRECTORY: fputs("directory", to); break;
    case SETTING_WORD: put_words(to, words); break;
    case SETTING_SWITCH:
    case SETTING_TEXT:
    case SETTING_STORE:
    case SETTING_COUNT:
    case SETTING_NUMBER: fputs("none", to); break;
    }
}

static void put_option_kinds(FILE *to, const struct command *c)
{
    for (const struct setting *t = c->settings; t->name; t++) {
        if (t->kind == SETTING_SWITCH)
            continue;
        fputs("    ", to);
        if (t->letter)
            fprintf(to, "\"%s -%c\" | ", c->name, t->letter);
        fprintf(to, "\"%s --%s\") kind=\"", c->name, t->name);
        put_kind(to, t->kind, t->metavar);
        fputs("\" ;;\n", to);
    }
}

static void put_command(FILE *to, const struct command *c)
{
    fprintf(to, "    %s)\n        options=\"", c->name);
    for (const struct setting *t = c->settings; t->name; t++)
        fprintf(to, "%s--%s", t == c->settings ? "" : " ", t->name);
    fputs("\"\n        kinds=(", to);
    for (const struct argument *a = c->arguments; a->name; a++) {
        fputs(a == c->arguments ? "\"" : " \"", to);
        if (strcmp(c->name, "help") == 0)
            fputs("$_muster_commands", to);
        else
            put_kind(to, a->kind, a->name);
        fputc('"', to);
    }
    fputs(")\n        ;;\n", to);
}

void completion(FILE *to, const struct command *const *list)
{
    fputs(head, to);
    for (const struct command *const *c = list; *c; c++)
        fprintf(to, "%s%s", c == list ? "" : " ", (*c)->name);
    fputs(kinds, to);
    for (const struct command *const *c = list; *c; c++)
        put_option_kinds(to, *c);
    fputs(middle, to);
    for (const struct command *const *c = list; *c; c++)
        put_command(to, *c);
    fputs(tail, to);
}

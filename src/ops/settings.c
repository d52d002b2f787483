/* Reads what a command is told: first its options and arguments, then the configuration file. */

#include "ops/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "ops/file.h"

#define FILE_MAX    (1024 * 1024)
#define WORDS_TEXT  80 /* of all words of a setting */
#define WANTED_TEXT 100

static const struct setting *find(const struct setting *list, const char *name)
{
    for (; list->name; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

static char **value_of(struct settings *s, const struct setting *t)
{
    return &s->values[t - s->command->settings];
}

static void set(char **value, const char *text)
{
    *value = strdup(text);
    if (!*value)
        abort();
}

/* --- values ---------------------------------------------------------------------------------------*/

bool setting_word_in(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (; *words; words += *words == '|') {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, word, n) == 0)
            return true;
        words += n;
    }
    return false;
}

static bool within_bounds(const struct setting *t, double value)
{
    return isfinite(value) && (t->max == 0 || (value >= t->min && value <= t->max));
}

static bool value_fits(const struct setting *t, const char *value)
{
    char *end;

    switch (t->kind) {
    case SETTING_TEXT:
    case SETTING_FILE:
    case SETTING_DIRECTORY: return value[0] != '\0';
    case SETTING_WORD: return setting_word_in(t->metavar, value);
    case SETTING_SWITCH: return strcmp(value, "yes") == 0 || strcmp(value, "no") == 0;
    case SETTING_COUNT:
        errno = 0;
        return isdigit((unsigned char)value[0]) && within_bounds(t, (double)strtoul(value, &end, 10)) && *end == '\0' &&
               errno == 0;
    case SETTING_NUMBER:
        errno = 0;
        return isdigit((unsigned char)value[0]) && within_bounds(t, strtod(value, &end)) && *end == '\0' && errno == 0;
    }
    return false;
}

/* "keep, lower"; the text lives in out. */
static const char *spelt_out(const char *words, char *out, size_t size)
{
    size_t len = 0;

    for (; *words && len + 3 < size; words++) {
        out[len++] = *words == '|' ? ',' : *words;
        if (*words == '|')
            out[len++] = ' ';
    }
    out[len] = '\0';
    return out;
}

/* "a whole number from 1 to 256"; the text lives in out. */
static const char *wanted_text(const struct setting *t, char *out, size_t size)
{
    static const char *const kinds[] = {
        [SETTING_SWITCH] = "yes or no",      [SETTING_TEXT] = "a text",  [SETTING_FILE] = "a file",
        [SETTING_DIRECTORY] = "a directory", [SETTING_WORD] = "one of ", [SETTING_COUNT] = "a whole number",
        [SETTING_NUMBER] = "a number",
    };

    char words[WORDS_TEXT];

    if (t->kind == SETTING_WORD)
        snprintf(out, size, "%s%s", kinds[t->kind], spelt_out(t->metavar, words, sizeof(words)));
    else if (t->max == 0)
        snprintf(out, size, "%s", kinds[t->kind]);
    else
        snprintf(out, size, "%s from %.10g to %.10g", kinds[t->kind], t->min, t->max);
    return out;
}

/* --- the file -------------------------------------------------------------------------------------*/

struct file_reading {
    struct settings *settings;
    const struct setting *in_file;
    char why[256]; /* of the first wrong line; ini_parse returns its number */
};

static int wrong_line(struct file_reading *r, const char *format, ...)
{
    va_list args;

    if (r->why[0] == '\0') {
        va_start(args, format);
        vsnprintf(r->why, sizeof(r->why), format, args);
        va_end(args);
    }
    return 0;
}

static int unknown_line(struct file_reading *r, const char *section, const char *name)
{
    struct nearest n = nearest_to(name);

    for (const struct setting *t = r->in_file; t->name; t++)
        if (!t->flag_only)
            nearest_try(&n, t->name);
    if (section[0] != '\0' || !n.best)
        return wrong_line(r, "unknown setting '%s%s%s'", section, section[0] ? "." : "", name);
    return wrong_line(r, "unknown setting '%s'; did you mean '%s'?", name, n.best);
}

static int file_line(void *user, const char *section, const char *name, const char *value)
{
    struct file_reading *r = user;
    const struct setting *known = find(r->in_file, name), *own = find(r->settings->command->settings, name);
    char wanted[WANTED_TEXT];

    if (section[0] != '\0' || !known)
        return unknown_line(r, section, name);
    if (known->flag_only)
        return wrong_line(r, "'%s' is an option of the command line only", name);
    if (!value_fits(known, value))
        return wrong_line(r, "'%s' needs %s, not '%s'", name, wanted_text(known, wanted, sizeof(wanted)), value);
    /* An option has been read already, and wins. */
    if (own && !own->flag_only && !*value_of(r->settings, own))
        set(value_of(r->settings, own), value);
    return 1;
}

static enum mu_err read_file(struct settings *s, const struct setting *in_file, const char *path)
{
    struct file_reading r = { .settings = s, .in_file = in_file };
    struct buf content;
    char why[512];

    buf_init(&content, FILE_MAX);
    enum mu_err err = file_read(path, &content, why, sizeof(why));
    buf_append_u8(&content, 0);
    int line = err == MU_OK && content.err == MU_OK ? ini_parse_string((char *)content.data, file_line, &r) : 0;
    if (err != MU_OK)
        fprintf(stderr, "muster %s: %s\n", s->command->name, why);
    else if (line != 0)
        fprintf(stderr, "muster %s: %s:%d: %s\n", s->command->name, path, line,
                r.why[0] ? r.why : "not a line of the form name = value");
    buf_free(&content);
    return err == MU_OK && line == 0 ? MU_OK : MU_E_SYNTAX;
}

/* Whoever names the directory gets that one, and nothing from elsewhere. A server is told what it is for: started
 * by a slip as root it would take the place of the machine's own. */
static const char *file_to_read(struct settings *s, const struct setting *in_file)
{
    const struct setting *config = find(s->command->settings, "config"), *data = find(s->command->settings, "data");
    const char *standard = getenv(SETTINGS_FILE_VARIABLE);

    if (!config || *value_of(s, config))
        return config ? *value_of(s, config) : NULL;
    if (!data || *value_of(s, data) || s->command->settings == in_file)
        return NULL;
    if (!standard)
        standard = access(SETTINGS_FILE, F_OK) == 0 ? SETTINGS_FILE : "";
    return *standard ? standard : NULL;
}

/* --- options and arguments --------------------------------------------------------------------------*/

static enum mu_err wrong(const struct settings *s, const char *what, const char *arg)
{
    fprintf(stderr, "muster %s: %s '%s' (see muster %s --help)\n", s->command->name, what, arg, s->command->name);
    return MU_E_SYNTAX;
}

static enum mu_err unknown_option(const struct settings *s, const char *arg)
{
    char name[NEAREST_WORD_MAX + 2] = "";
    struct nearest n;

    if (strncmp(arg, "--", 2) == 0)
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + 2, "="), arg + 2);
    n = nearest_to(name);
    for (const struct setting *t = s->command->settings; t->name; t++)
        nearest_try(&n, t->name);
    if (!n.best)
        return wrong(s, "unknown option", arg);
    fprintf(stderr, "muster %s: unknown option '%s'; did you mean '--%s'? (see muster %s --help)\n", s->command->name,
            arg, n.best, s->command->name);
    return MU_E_SYNTAX;
}

enum { LONG_OPTION = 256 }; /* what getopt_long returns for the first one; a letter returns itself */

static void make_options(const struct setting *list, struct option *options, char *letters)
{
    *letters++ = ':'; /* tell a missing value from an unknown option */
    for (int i = 0; list[i].name; i++) {
        bool is_switch = list[i].kind == SETTING_SWITCH;
        options[i] =
            (struct option){ list[i].name, is_switch ? optional_argument : required_argument, NULL, LONG_OPTION + i };
        if (list[i].letter) {
            *letters++ = list[i].letter;
            if (!is_switch)
                *letters++ = ':';
        }
    }
}

static const struct setting *option_found(const struct settings *s, int found)
{
    const struct setting *t = s->command->settings;

    if (found >= LONG_OPTION)
        return &t[found - LONG_OPTION];
    while (t->letter != found)
        t++;
    return t;
}

static enum mu_err take_option(struct settings *s, const struct setting *t, const char *text)
{
    const char *value = text ? text : "yes";
    char wanted[WANTED_TEXT];

    if (*value_of(s, t)) {
        fprintf(stderr, "muster %s: option '--%s' is given twice (see muster %s --help)\n", s->command->name, t->name,
                s->command->name);
        return MU_E_SYNTAX;
    }
    if (!value_fits(t, value)) {
        fprintf(stderr, "muster %s: option '--%s' needs %s, not '%s'\n", s->command->name, t->name,
                wanted_text(t, wanted, sizeof(wanted)), value);
        return MU_E_SYNTAX;
    }
    set(value_of(s, t), value);
    return MU_OK;
}

static bool asks_only(const struct settings *s)
{
    return setting_on(s, "help") || setting_on(s, "version");
}

static enum mu_err read_options(struct settings *s, int argc, char **argv)
{
    struct option options[SETTINGS_MAX + 1] = { 0 };
    char letters[2 * SETTINGS_MAX + 2] = "";
    int found;
    enum mu_err err = MU_OK;

    make_options(s->command->settings, options, letters);
    optind = 0; /* from the beginning */
    opterr = 0;
    while (err == MU_OK && !asks_only(s) && (found = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        char letter[] = { '-', (char)optopt, '\0' };
        if (found == '?')
            err = unknown_option(s, optopt > 0 && optopt < LONG_OPTION ? letter : argv[optind - 1]);
        else if (found == ':')
            err = wrong(s, "no value for option", argv[optind - 1]);
        else
            err = take_option(s, option_found(s, found), optarg);
    }
    return err;
}

static enum mu_err take_arguments(struct settings *s, int argc, char **argv)
{
    const struct argument *a = s->command->arguments;
    char words[WORDS_TEXT];
    int i = 0;

    for (; i < argc; i++) {
        if (!a[i].name)
            return wrong(s, "unexpected argument", argv[i]);
        if (a[i].kind == SETTING_WORD && !setting_word_in(a[i].name, argv[i])) {
            fprintf(stderr, "muster %s: '%s' is none of %s\n", s->command->name, argv[i],
                    spelt_out(a[i].name, words, sizeof(words)));
            return MU_E_SYNTAX;
        }
        s->arguments[i] = argv[i];
    }
    if (!a[i].name || a[i].optional)
        return MU_OK;
    fprintf(stderr, "muster %s: %s is missing (see muster %s --help)\n", s->command->name, a[i].name, s->command->name);
    return MU_E_SYNTAX;
}

static enum mu_err check_required(struct settings *s)
{
    for (const struct setting *t = s->command->settings; t->name; t++)
        if (t->required && !*value_of(s, t)) {
            fprintf(stderr, "muster %s: --%s is missing (see muster %s --help)\n", s->command->name, t->name,
                    s->command->name);
            return MU_E_SYNTAX;
        }
    return MU_OK;
}

enum mu_err settings_parse(struct settings *s, const struct command *command, const struct setting *in_file, int argc,
                           char **argv)
{
    size_t count = 0;
    enum mu_err err;

    while (command->settings[count].name)
        count++;
    assert(count <= SETTINGS_MAX);
    *s = (struct settings){ .command = command };
    if ((err = read_options(s, argc, argv)) != MU_OK || asks_only(s) ||
        (err = take_arguments(s, argc - optind, argv + optind)) != MU_OK)
        return err;
    const char *path = file_to_read(s, in_file);
    if (path && (err = read_file(s, in_file, path)) != MU_OK)
        return err;
    return check_required(s);
}

/* --- reading --------------------------------------------------------------------------------------*/

const char *setting_text(const struct settings *s, const char *name)
{
    const struct setting *t = find(s->command->settings, name);
    assert(t);
    const char *value = s->values[t - s->command->settings];
    return value ? value : t->standard;
}

double setting_number(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text ? strtod(text, NULL) : 0;
}

unsigned long setting_count(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text ? strtoul(text, NULL, 10) : 0;
}

bool setting_on(const struct settings *s, const char *name)
{
    const char *text = setting_text(s, name);
    return text && strcmp(text, "yes") == 0;
}

bool setting_exists(const struct settings *s, const char *name)
{
    return find(s->command->settings, name) != NULL;
}

void settings_free(struct settings *s)
{
    for (size_t i = 0; i < SETTINGS_MAX; i++) {
        free(s->values[i]);
        s->values[i] = NULL;
    }
}

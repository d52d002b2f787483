#include "ops/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ops/file.h"

#define FILE_MAX (1024 * 1024)

static struct setting *find(const struct settings *s, const char *name, size_t len)
{
    for (struct setting *t = s->list; t->name; t++)
        if (strlen(t->name) == len && memcmp(t->name, name, len) == 0)
            return t;
    return NULL;
}

static bool within_bounds(const struct setting *t, double value)
{
    return isfinite(value) && (t->max == 0 || (value >= t->min && value <= t->max));
}

static bool value_fits(const struct setting *t, const char *value)
{
    char *end;

    switch (t->kind) {
    case SETTING_TEXT: return value[0] != '\0';
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

/* "a whole number from 1 to 256"; the text lives in out. */
static const char *wanted_text(const struct setting *t, char *out, size_t size)
{
    const char *kind = t->kind == SETTING_TEXT     ? "a text"
                       : t->kind == SETTING_SWITCH ? "yes or no"
                       : t->kind == SETTING_COUNT  ? "a whole number"
                                                   : "a number";

    if (t->max == 0)
        snprintf(out, size, "%s", kind);
    else
        snprintf(out, size, "%s from %.10g to %.10g", kind, t->min, t->max);
    return out;
}

/* --- the file -------------------------------------------------------------------------------------*/

struct file_reading {
    struct settings *settings;
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

static int file_line(void *user, const char *section, const char *name, const char *value)
{
    struct file_reading *r = user;
    struct setting *t = find(r->settings, name, strlen(name));
    char wanted[80];

    if (section[0] != '\0' || !t || strcmp(name, "config") == 0)
        return wrong_line(r, "unknown setting '%s%s%s'", section, section[0] ? "." : "", name);
    if (!value_fits(t, value))
        return wrong_line(r, "'%s' needs %s, not '%s'", name, wanted_text(t, wanted, sizeof(wanted)), value);
    if (!t->value) { /* a flag has been read already, and wins */
        t->value = strdup(value);
        if (!t->value)
            abort();
    }
    return 1;
}

static enum mu_err read_file(struct settings *s, const char *path)
{
    struct file_reading r = { .settings = s };
    struct buf content;
    char why[512];

    buf_init(&content, FILE_MAX);
    enum mu_err err = file_read(path, &content, why, sizeof(why));
    buf_append_u8(&content, 0);
    int line = err == MU_OK && content.err == MU_OK ? ini_parse_string((char *)content.data, file_line, &r) : 0;
    if (err != MU_OK)
        fprintf(stderr, "muster %s: %s\n", s->command, why);
    else if (line != 0)
        fprintf(stderr, "muster %s: %s:%d: %s\n", s->command, path, line,
                r.why[0] ? r.why : "not a line of the form name = value");
    buf_free(&content);
    return err == MU_OK && line == 0 ? MU_OK : MU_E_SYNTAX;
}

/* --- flags ----------------------------------------------------------------------------------------*/

static void print_help(const struct settings *s)
{
    printf("usage: muster %s\n\n%s\n\n", s->usage, s->summary);
    for (const struct setting *t = s->list; t->name; t++) {
        printf("  --%s%s%s\n", t->name, t->metavar ? " " : "", t->metavar ? t->metavar : "");
        for (const char *at = t->help; *at;) {
            size_t n = strcspn(at, "\n");
            printf("        %.*s\n", (int)n, at);
            at += n + (at[n] == '\n');
        }
        if (t->standard)
            printf("        default: %s\n", t->standard);
    }
    printf("  --help\n        shows this text\n");
}

static enum mu_err wrong(const struct settings *s, const char *what, const char *arg)
{
    fprintf(stderr, "muster %s: %s '%s' (see muster %s --help)\n", s->command, what, arg, s->command);
    return MU_E_SYNTAX;
}

static enum mu_err read_flags(struct settings *s, int argc, char **argv)
{
    int positional = 0;
    char wanted[80];

    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (strncmp(arg, "--", 2) != 0) {
            if (positional == s->positional_max)
                return wrong(s, "unexpected argument", arg);
            s->positional[positional++] = arg;
            continue;
        }
        const char *equals = strchr(arg, '=');
        size_t len = equals ? (size_t)(equals - arg - 2) : strlen(arg + 2);
        struct setting *t = find(s, arg + 2, len);
        if (!t)
            return wrong(s, "unknown option", arg);
        if (t->value)
            return wrong(s, "option given twice:", arg);
        const char *value = equals ? equals + 1 : NULL;
        if (!value && t->kind == SETTING_SWITCH)
            value = "yes";
        if (!value && ++i < argc)
            value = argv[i];
        if (!value)
            return wrong(s, "no value for option", arg);
        if (!value_fits(t, value)) {
            fprintf(stderr, "muster %s: option '--%s' needs %s, not '%s'\n", s->command, t->name,
                    wanted_text(t, wanted, sizeof(wanted)), value);
            return MU_E_SYNTAX;
        }
        t->value = strdup(value);
        if (!t->value)
            abort();
    }
    if (positional < s->positional_min) {
        fprintf(stderr, "muster %s: too few arguments; usage: muster %s\n", s->command, s->usage);
        return MU_E_SYNTAX;
    }
    return MU_OK;
}

static enum mu_err check_required(const struct settings *s)
{
    for (const struct setting *t = s->list; t->name; t++)
        if (t->required && !t->value) {
            fprintf(stderr, "muster %s: --%s is missing (see muster %s --help)\n", s->command, t->name, s->command);
            return MU_E_SYNTAX;
        }
    return MU_OK;
}

enum mu_err settings_parse(struct settings *s, int argc, char **argv)
{
    enum mu_err err;

    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) {
            print_help(s);
            return MU_E_CLOSED;
        }
    if ((err = read_flags(s, argc, argv)) != MU_OK)
        return err;
    const struct setting *config = find(s, "config", strlen("config"));
    if (config && config->value && (err = read_file(s, config->value)) != MU_OK)
        return err;
    return check_required(s);
}

/* --- reading --------------------------------------------------------------------------------------*/

const char *setting_text(const struct settings *s, const char *name)
{
    const struct setting *t = find(s, name, strlen(name));
    assert(t);
    return t->value ? t->value : t->standard;
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

void settings_free(struct settings *s)
{
    for (struct setting *t = s->list; t->name; t++) {
        free((char *)t->value);
        t->value = NULL;
    }
}

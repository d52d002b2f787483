/* The configuration file. Every line is checked, also after a wrong one. */

#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/nearest.h"
#include "ops/file.h"
#include "ops/settings_private.h"

#define FILE_MAX (1024 * 1024)

struct file_reading {
    struct settings *settings;
    const struct setting *in_file;
    const char *path, *left; /* left: its text from the next line on */
    int line;                /* number of the current line, from 1 on */
    int first_wrong;         /* number of the first line for which an error was printed; 0 = none */
};

/* Prints an error for the current line. Returns 0, which file_line then returns, too. */
static int wrong_line(struct file_reading *r, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "muster %s: %s:%d: ", r->settings->command->name, r->path, r->line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (!r->first_wrong)
        r->first_wrong = r->line;
    return 0;
}

static char *next_line(char *out, int size, void *reading)
{
    struct file_reading *r = reading;
    size_t n = strcspn(r->left, "\n"), taken = n < (size_t)size - 1 ? n : (size_t)size - 1;

    if (!*r->left)
        return NULL;
    memcpy(out, r->left, taken);
    out[taken] = '\0';
    r->left += n + (r->left[n] == '\n');
    r->line++;
    if (taken < n)
        wrong_line(r, "the line is longer than %d bytes", size - 1);
    return out;
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
    const struct setting *known = setting_find(r->in_file, name),
                         *own = setting_find(r->settings->command->settings, name);
    char wrong[SETTING_WRONG_TEXT];

    if (section[0] != '\0' || !known)
        return unknown_line(r, section, name);
    if (known->flag_only)
        return wrong_line(r, "'%s' is an option of the command line only", name);
    if (!setting_fits(known, value))
        return wrong_line(r, "'%s' %s", name, setting_wrong(known, value, wrong, sizeof(wrong)));
    /* An option was read before, and wins. */
    if (own && !own->flag_only && !*setting_place(r->settings, own))
        setting_set(setting_place(r->settings, own), value);
    return 1;
}

enum mu_err settings_read_file(struct settings *s, const struct setting *in_file, const char *path)
{
    struct file_reading r = { .settings = s, .in_file = in_file, .path = path };
    struct buf content;
    char why[512];

    buf_init(&content, FILE_MAX);
    enum mu_err err = file_read(path, &content, why, sizeof(why));
    buf_append_u8(&content, 0);
    if (err != MU_OK) {
        fprintf(stderr, "muster %s: %s\n", s->command->name, why);
    } else {
        r.left = (const char *)content.data;
        int line = ini_parse_stream(next_line, &r, file_line, &r);
        r.line = line;
        /* ini.h found the error, and file_line was not called for it. */
        if (line && (!r.first_wrong || line < r.first_wrong))
            wrong_line(&r, "not a line of the form name = value");
    }
    buf_free(&content);
    return err == MU_OK && !r.first_wrong ? MU_OK : MU_E_SYNTAX;
}

/* make_pages DIR: writes into DIR what the package has beside the program (pages.h). For script/package. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pages.h"
#include "program.h"
#include "serve/serve.h"

static void about_program(FILE *to, const void *what)
{
    (void)what;
    man_program(to, program_commands);
}

static void about_command(FILE *to, const void *what)
{
    man_command(to, what);
}

static void about_settings(FILE *to, const void *what)
{
    man_settings_file(to, what);
}

static void settings(FILE *to, const void *what)
{
    ini_file(to, what);
}

static void for_bash(FILE *to, const void *what)
{
    (void)what;
    completion(to, program_commands);
}

static bool make(const char *path, void (*write)(FILE *to, const void *what), const void *what)
{
    FILE *to = fopen(path, "w");
    bool ok = to;

    if (to) {
        write(to, what);
        ok = !ferror(to);
        ok = fclose(to) == 0 && ok;
    }
    if (!ok)
        fprintf(stderr, "make_pages: %s: %s\n", path, strerror(errno));
    return ok;
}

int main(int argc, char **argv)
{
    char path[256];
    bool ok;

    if (argc != 2 || chdir(argv[1]) != 0 || mkdir("man", 0755) != 0 || mkdir("completions", 0755) != 0) {
        fprintf(stderr, "usage: make_pages DIR, which has neither man nor completions in it\n");
        return 2;
    }
    ok = make("man/muster.1", about_program, NULL) && make("man/muster.ini.5", about_settings, &serve_command) &&
         make("muster.ini", settings, &serve_command) && make("completions/muster", for_bash, NULL);
    for (const struct command *const *c = program_commands; ok && *c; c++) {
        snprintf(path, sizeof(path), "man/muster-%s.1", (*c)->name);
        ok = make(path, about_command, *c);
    }
    return ok ? 0 : 1;
}

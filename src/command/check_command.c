/* muster check: looks at all that is in a data directory at rest, or in a backup, and changes nothing. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/check.h"
#include "command/commands.h"
#include "ops/manifest.h"
#include "ops/privileges.h"
#include "ops/settings.h"

static struct setting check_settings[] = {
    { .name = "data", .kind = SETTING_TEXT, .required = true, .metavar = "DIR",
      .help = "a data directory that nobody uses, or a backup (required)" },
    { 0 },
};

/* Keeps servers away while it looks. A backup has no lock and needs none. */
static int lock(const char *dir, char *why, size_t why_size)
{
    char path[4096];
    struct stat st;

    snprintf(path, sizeof(path), "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && stat(dir, &st) == 0)
        snprintf(why, why_size, "%s is neither a data directory nor a backup", dir);
    else if (fd < 0)
        snprintf(why, why_size, "cannot open %s: %s", dir, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    else
        snprintf(why, why_size, "%s is in use; check a backup of it, or stop the server first", dir);
    if (fd >= 0)
        close(fd);
    return -1;
}

static int check(const char *dir)
{
    char why[512] = "";
    unsigned long long mistakes;
    int fd = -1, status = 2;

    if (privileges_become_owner(dir, why, sizeof(why)) != MU_OK)
        goto out;
    if (!manifest_is_in(dir) && (fd = lock(dir, why, sizeof(why))) < 0)
        goto out;
    if (check_directory("muster check", dir, stdout, stdout, &mistakes, why, sizeof(why)) != MU_OK) {
        status = 1;
        goto out;
    }
    if (mistakes)
        printf("%s: %llu mistakes\n", dir, mistakes);
    else
        printf("%s: no mistakes\n", dir);
    status = mistakes ? 1 : 0;
out:
    if (why[0])
        fprintf(stderr, "muster check: %s\n", why);
    if (fd >= 0)
        close(fd);
    return status;
}

int command_check(int argc, char **argv)
{
    struct settings s = {
        .command = "check",
        .usage = "check --data DIR",
        .summary =
            "Looks at all that is in a data directory at rest, or in a backup: whether the stores are whole\n"
            "and agree with each other, and whether what is derived from them is right. Changes nothing.\n"
            "Exit status: 0 no mistakes, 1 mistakes (each is printed in a line), 2 it could not begin.",
        .list = check_settings,
    };
    int status = 2;

    enum mu_err err = settings_parse(&s, argc, argv);
    if (err == MU_E_CLOSED)
        status = 0;
    else if (err == MU_OK)
        status = check(setting_text(&s, "data"));
    settings_free(&s);
    return status;
}

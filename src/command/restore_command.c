/* muster restore: makes a data directory from a backup. The files are copied, never shared. The file `lock`, without
 * which no server starts there, is made when all others are on disk. */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/check_dir.h"
#include "command/commands.h"
#include "command/transfer.h"
#include "ops/dir.h"
#include "ops/file.h"
#include "ops/settings.h"

struct restore {
    const char *dir, *from, *user;
    bool unchecked, quiet;
    struct manifest manifest;
    struct transfer transfer;
    /* made: NEWDIR was made here; taken: it belongs to root for now; ours: everything in it was made here. */
    bool made, taken, ours;
    struct stat before; /* of NEWDIR before it was taken */
    char why[512];
};

static enum mu_err fail(struct restore *r, const char *what, const char *name)
{
    snprintf(r->why, sizeof(r->why), "cannot %s %s: %s", what, name, strerror(errno));
    return MU_E_IO;
}

/* --- what the operator asks for ---------------------------------------------------------------------*/

static enum mu_err find_owner(struct restore *r)
{
    struct stat st;
    struct passwd *pw = NULL;

    if (geteuid() != 0) {
        if (r->user)
            snprintf(r->why, sizeof(r->why), "only root can give files to another user (--user)");
        return r->user ? MU_E_VALUE : MU_OK;
    }
    if (r->user && !(pw = getpwnam(r->user))) {
        snprintf(r->why, sizeof(r->why), "there is no user '%s' on this machine", r->user);
        return MU_E_VALUE;
    }
    if (!pw && stat(r->dir, &st) != 0)
        return MU_OK;
    r->transfer.give = true;
    r->transfer.uid = pw ? pw->pw_uid : st.st_uid;
    r->transfer.gid = pw ? pw->pw_gid : st.st_gid;
    return MU_OK;
}

static bool is_empty(int fd)
{
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    bool empty = dir != NULL;

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                 strcmp(entry->d_name, "lost+found") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

static enum mu_err require_empty(struct restore *r, int fd)
{
    if (is_empty(fd))
        return MU_OK;
    snprintf(r->why, sizeof(r->why), "%s is not an empty directory; a backup is restored into a new one", r->dir);
    return MU_E_VALUE;
}

static enum mu_err check_backup(struct restore *r)
{
    return access(r->dir, F_OK) != 0 ? MU_OK : require_empty(r, dir_open(r->dir));
}

static enum mu_err open_backup(struct restore *r)
{
    if ((r->transfer.from = dir_open(r->from)) < 0) {
        fail(r, "open", r->from);
        return MU_E_NOT_FOUND;
    }
    return manifest_read(&r->manifest, r->transfer.from, r->from, r->why, sizeof(r->why));
}

/* --- the check ------------------------------------------------------------------------------------*/

enum { NO_MISTAKES, MISTAKES, NOT_CHECKED };

/* Runs in a child process. As root it becomes the backup's owner: files that the stores open there may be links that
 * the owner has placed. */
static int check_apart(struct restore *r)
{
    struct check_dir_result result = { .report = stderr };

    if (check_dir_as_owner(r->from, r->why, sizeof(r->why)) != MU_OK ||
        check_dir(r->transfer.about, &(struct stores_where){ .dir = r->from }, &result, r->why, sizeof(r->why)) !=
            MU_OK) {
        fprintf(stderr, "muster restore: %s\n", r->why);
        return NOT_CHECKED;
    }
    return result.mistakes ? MISTAKES : NO_MISTAKES;
}

static enum mu_err check_first(struct restore *r)
{
    int status = 0;
    pid_t child = r->unchecked ? 0 : fork();

    if (r->unchecked)
        return MU_OK;
    if (child == 0) {
        status = check_apart(r);
        fflush(NULL);
        _exit(status);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            break;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NO_MISTAKES)
        return MU_OK;
    bool mistakes = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == MISTAKES;
    snprintf(r->why, sizeof(r->why),
             mistakes ? "%s has mistakes; nothing was restored (--unchecked restores it "
                        "as it is)"
                      : "%s could not be checked; nothing was restored",
             r->from);
    return mistakes ? MU_E_CORRUPT : MU_E_IO;
}

/* --- the directory --------------------------------------------------------------------------------*/

/* NEWDIR belongs to root until everything is in it, so that its owner cannot place links there in the meantime. */
static enum mu_err take_dir(struct restore *r)
{
    bool is_there = access(r->dir, F_OK) == 0;
    enum mu_err err = file_make_dir(r->dir, r->why, sizeof(r->why));

    if (err != MU_OK)
        return err;
    r->made = !is_there;
    r->transfer.to = dir_open(r->dir);
    if (r->transfer.to < 0 || fstat(r->transfer.to, &r->before) != 0)
        return fail(r, "open", r->dir);
    r->taken = true;
    if ((r->transfer.give && fchown(r->transfer.to, 0, 0) != 0) || fchmod(r->transfer.to, 0700) != 0)
        return fail(r, "make private", r->dir);
    err = require_empty(r, dir_open_in(r->transfer.to, "."));
    r->ours = err == MU_OK;
    return err;
}

static enum mu_err make_lock(struct restore *r)
{
    const struct transfer *t = &r->transfer;
    int fd = dir_create_file(t->to, "lock");
    bool good = fd >= 0 && (!t->give || fchown(fd, t->uid, t->gid) == 0) && fsync(t->to) == 0;
    enum mu_err err = good ? MU_OK : fail(r, "make the lock of", r->dir);

    if (fd >= 0)
        close(fd);
    return err;
}

static enum mu_err give_dir(struct restore *r)
{
    const struct transfer *t = &r->transfer;

    if ((t->give && fchown(t->to, t->uid, t->gid) != 0) || fsync(t->to) != 0)
        return fail(r, "give away", r->dir);
    return file_sync_parent(r->dir, r->why, sizeof(r->why));
}

/* Makes NEWDIR as it was before, so that a failed restore can be repeated. */
static void undo(struct restore *r)
{
    const struct transfer *t = &r->transfer;

    assert(!r->ours || r->taken);
    if (r->ours)
        dir_remove_content(t->to);
    if (r->taken && (fchmod(t->to, r->before.st_mode & 07777) != 0 ||
                     (t->give && fchown(t->to, r->before.st_uid, r->before.st_gid) != 0)))
        fprintf(stderr, "muster restore: cannot give %s back: %s\n", r->dir, strerror(errno));
    if (r->made)
        rmdir(r->dir);
}

static enum mu_err fill(struct restore *r)
{
    enum mu_err err;

    if ((err = take_dir(r)) == MU_OK &&
        (err = transfer_run(&r->transfer, &r->manifest, r->why, sizeof(r->why))) == MU_OK &&
        (err = make_lock(r)) == MU_OK)
        err = give_dir(r);
    if (err != MU_OK)
        undo(r);
    return err;
}

static enum mu_err restore_to(struct restore *r)
{
    const struct registry_totals *totals = &r->manifest.totals;
    enum mu_err err;

    r->transfer = (struct transfer){
        .about = r->quiet ? NULL : "muster restore", .from = -1, .to = -1, .to_name = r->dir, .as_it_is = r->unchecked
    };
    if ((err = open_backup(r)) == MU_OK && (err = find_owner(r)) == MU_OK && (err = check_backup(r)) == MU_OK &&
        (err = check_first(r)) == MU_OK)
        err = fill(r);
    if (err == MU_OK && !r->quiet)
        printf("%s: %llu products, %llu devices, %llu users; start it with muster serve --data %s\n", r->dir,
               (unsigned long long)totals->products, (unsigned long long)totals->devices,
               (unsigned long long)totals->users, r->dir);
    if (r->transfer.from >= 0)
        close(r->transfer.from);
    if (r->transfer.to >= 0)
        close(r->transfer.to);
    manifest_free(&r->manifest);
    return err;
}

static int restore(const struct settings *s)
{
    struct restore r = { .dir = setting_text(s, "data"),
                         .from = s->arguments[0],
                         .user = setting_text(s, "user"),
                         .unchecked = setting_on(s, "unchecked"),
                         .quiet = setting_on(s, "quiet") };
    enum mu_err err;

    umask(077);
    transfer_catch_signals();
    if ((err = restore_to(&r)) != MU_OK)
        fprintf(stderr, "muster restore: %s\n", r.why[0] ? r.why : mu_err_text(err));
    return operation_status(err);
}

/* clang-format off: a table */
static const struct setting restore_settings[] = {
    { .name = "data",
      .kind = SETTING_DIRECTORY,
      .required = true,
      .metavar = "NEWDIR",
      .help = "the data directory to make: new, or empty (required, here or in the configuration file)" },
    CONFIG_SETTING,
    { .name = "user",
      .kind = SETTING_TEXT,
      .metavar = "NAME",
      .help = "when started as root: the owner of the data directory; by default the present owner of NEWDIR" },
    { .name = "unchecked",
      .kind = SETTING_SWITCH,
      .flag_only = true,
      .help = "do not check the backup first (muster check): faster, and the only way to restore a backup that "
              "has mistakes" },
    QUIET_SETTING,
    COMMON_SETTINGS
};
/* clang-format on */

const struct command command_restore = {
    .name = "restore",
    .group = COMMAND_DATA,
    .summary = "makes a data directory of a backup",
    .description = "Makes a data directory of a backup. The backup is checked first and stays as it is.",
    .settings = restore_settings,
    .arguments = { { .name = "BACKUP", .kind = SETTING_DIRECTORY } },
    .examples = { { "muster restore --data data-2 backup-2026-11-30", "beside the old data" } },
    .run = restore,
};

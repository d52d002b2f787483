/* muster restore: makes a data directory of a backup. Its files are copied, never shared; the file
 * `lock`, without which no server starts there, is made when all the others are on disk. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/check.h"
#include "command/commands.h"
#include "command/transfer.h"
#include "ops/file.h"
#include "ops/settings.h"

static struct setting restore_settings[] = {
    { .name = "data", .kind = SETTING_TEXT, .required = true, .metavar = "NEWDIR",
      .help = "the data directory to make: new, or empty (required)" },
    { .name = "user", .kind = SETTING_TEXT, .metavar = "NAME",
      .help = "started as root: whom it shall belong to; default: whom NEWDIR belongs to" },
    { .name = "unchecked", .kind = SETTING_SWITCH,
      .help = "do not look for mistakes in the backup first (muster check): sooner, and the way to\n"
              "save what can be saved of one that has some" },
    { 0 },
};

struct restore {
    const char *dir, *from, *user;
    bool unchecked;
    struct transfer transfer;
    char why[512];
};

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

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = dir != NULL;

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                 strcmp(entry->d_name, "lost+found") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

static enum mu_err check_dir(struct restore *r)
{
    if (access(r->dir, F_OK) != 0 || is_empty(r->dir))
        return MU_OK;
    snprintf(r->why, sizeof(r->why), "%s is not an empty directory; a backup is restored into a new one",
             r->dir);
    return MU_E_VALUE;
}

static enum mu_err make_dir(struct restore *r)
{
    const struct transfer *t = &r->transfer;

    if (mkdir(r->dir, 0700) != 0 && errno != EEXIST) {
        snprintf(r->why, sizeof(r->why), "cannot make %s: %s", r->dir, strerror(errno));
        return MU_E_IO;
    }
    if (chmod(r->dir, 0700) != 0 || (t->give && chown(r->dir, t->uid, t->gid) != 0)) {
        snprintf(r->why, sizeof(r->why), "cannot make %s private: %s", r->dir, strerror(errno));
        return MU_E_IO;
    }
    return MU_OK;
}

static enum mu_err make_lock(struct restore *r)
{
    const struct transfer *t = &r->transfer;
    char path[4096];

    snprintf(path, sizeof(path), "%s/lock", r->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || (t->give && fchown(fd, t->uid, t->gid) != 0)) {
        snprintf(r->why, sizeof(r->why), "cannot make the lock of %s: %s", r->dir, strerror(errno));
        if (fd >= 0)
            close(fd);
        return MU_E_IO;
    }
    close(fd);
    return file_sync_dir(r->dir, r->why, sizeof(r->why));
}

/* So that a restore that failed can be repeated on the same directory. */
static void remove_restored(const char *dir, const struct manifest *m)
{
    char path[4096];

    for (size_t i = 0; i < m->file_count; i++) {
        const char *slash = strchr(m->files[i].path, '/');
        snprintf(path, sizeof(path), "%s/%s", dir, m->files[i].path);
        unlink(path);
        if (slash) {
            snprintf(path, sizeof(path), "%s/%.*s", dir, (int)(slash - m->files[i].path), m->files[i].path);
            rmdir(path); /* with the last file that lay in it */
        }
    }
}

static enum mu_err check_first(struct restore *r)
{
    unsigned long long mistakes;
    enum mu_err err;

    if (r->unchecked)
        return MU_OK;
    if ((err = check_directory("muster restore", r->from, stderr, NULL, &mistakes, r->why,
                               sizeof(r->why))) != MU_OK)
        return err;
    if (!mistakes)
        return MU_OK;
    snprintf(r->why, sizeof(r->why), "%s has mistakes; nothing was restored (--unchecked restores it as it "
             "is)", r->from);
    return MU_E_CORRUPT;
}

static enum mu_err restore(struct restore *r)
{
    struct manifest m = { 0 };
    enum mu_err err;

    r->transfer.about = "muster restore";
    r->transfer.from = r->from;
    r->transfer.to = r->dir;
    if ((err = manifest_read(&m, r->from, r->why, sizeof(r->why))) != MU_OK ||
        (err = find_owner(r)) != MU_OK || (err = check_dir(r)) != MU_OK ||
        (err = check_first(r)) != MU_OK || (err = make_dir(r)) != MU_OK)
        goto out;
    if ((err = transfer_run(&r->transfer, &m, r->why, sizeof(r->why))) == MU_OK)
        err = make_lock(r);
    if (err == MU_OK)
        printf("%s: %llu products, %llu devices, %llu users; start it with muster serve --data %s\n",
               r->dir, (unsigned long long)m.totals.products, (unsigned long long)m.totals.devices,
               (unsigned long long)m.totals.users, r->dir);
    else
        remove_restored(r->dir, &m);
out:
    manifest_free(&m);
    return err;
}

int command_restore(int argc, char **argv)
{
    struct settings s = {
        .command = "restore",
        .usage = "restore --data NEWDIR BACKUP",
        .summary =
            "Makes a data directory of a backup. The backup is checked first and stays as it is.",
        .list = restore_settings,
        .positional_min = 1,
        .positional_max = 1,
    };
    struct restore r = { 0 };
    int status = 2;

    enum mu_err err = settings_parse(&s, argc, argv);
    if (err != MU_OK) {
        status = err == MU_E_CLOSED ? 0 : 2;
        goto out;
    }
    r.dir = setting_text(&s, "data");
    r.from = s.positional[0];
    r.user = setting_text(&s, "user");
    r.unchecked = setting_on(&s, "unchecked");
    umask(077);
    transfer_catch_signals();
    if ((err = restore(&r)) != MU_OK)
        fprintf(stderr, "muster restore: %s\n", r.why[0] ? r.why : mu_err_text(err));
    status = operation_status(err);
out:
    settings_free(&s);
    return status;
}

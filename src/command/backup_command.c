/* muster backup: has a copy of one moment made beside the data (ops/backup_scratch.h), then brings it to its
 * destination. There it has a temporary name until it is complete. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "command/backup_fact.h"
#include "command/commands.h"
#include "command/transfer.h"
#include "ops/backup_scratch.h"
#include "ops/dir.h"
#include "ops/settings.h"

struct backup {
    const struct settings *settings;
    const char *dir, *dest;
    char *partial;        /* the path of its temporary name */
    int data, parent, to; /* open descriptors: DIR, the parent directory of DEST, and the directory that becomes DEST */
    char why[512];
};

static const char *name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* --- the destination ------------------------------------------------------------------------------*/

static bool is_within(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* Whether the directory is the one that was made here. Another user who may write in the parent could have replaced
 * it before it was opened. */
static bool is_ours(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid();
}

/* Makes the partial directory. DEST must be missing or empty, in a directory that we may write in. Returns the
 * exit status. */
static int make_partial(struct backup *b, const char *parent)
{
    const char *name = name_in(b->partial);

    if (unlinkat(b->parent, name_in(b->dest), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        bool known = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
        snprintf(b->why, sizeof(b->why), "%s is there already%s%s", b->dest, known ? "" : ": ",
                 known ? "" : strerror(errno));
    } else if (mkdirat(b->parent, name, 0700) == 0) {
        b->to = dir_open_in(b->parent, name);
        if (is_ours(b->to))
            return 0;
        snprintf(b->why, sizeof(b->why), "%s has been replaced by somebody else", b->partial);
    } else if (errno == EEXIST) {
        snprintf(b->why, sizeof(b->why), "%s is left of a backup that was interrupted; remove it first", b->partial);
    } else {
        snprintf(b->why, sizeof(b->why), "the user %u cannot write in %s: %s", geteuid(), parent, strerror(errno));
        return 1; /* 1, as when the disk is full */
    }
    return 2;
}

/* Checks that the destination is not in the data directory, then makes the partial directory. Returns the exit
 * status. */
static int check_dest(struct backup *b)
{
    char *dir = realpath(b->dir, NULL);
    char *copy = strdup(b->dest), *parent = copy ? realpath(dirname(copy), NULL) : NULL;
    int status = 2;

    if (!copy || !dir)
        snprintf(b->why, sizeof(b->why), "out of memory");
    else if (!parent || (b->parent = dir_open(parent)) < 0)
        snprintf(b->why, sizeof(b->why), "the directory of %s: %s", b->dest, strerror(errno));
    else if (is_within(parent, dir))
        snprintf(b->why, sizeof(b->why), "%s lies in the data directory itself", b->dest);
    else
        status = make_partial(b, parent);
    free(copy);
    free(parent);
    free(dir);
    return status;
}

static bool check_data(struct backup *b)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/registry.db", b->dir);
    if (stores_are_elsewhere(b->dir))
        snprintf(b->why, sizeof(b->why), "%s: " STORES_ELSEWHERE_ADVICE, b->dir);
    else if (manifest_is_in(b->dir))
        snprintf(b->why, sizeof(b->why), "%s is a backup itself", b->dir);
    else if (access(path, F_OK) != 0)
        snprintf(b->why, sizeof(b->why), "%s is not a data directory: %s", b->dir, strerror(errno));
    else
        return true;
    return false;
}

/* --- making it ------------------------------------------------------------------------------------*/

/* Runs an operation in a child process: at rest it becomes the owner of the data, who may not write elsewhere. */
static int run_apart(const struct backup *b, const struct operation *op, struct str input)
{
    struct operation_place place = operation_place(b->settings);
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        status = operation_command("muster backup", &place, op, input);
        fflush(NULL);
        _exit(status);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void print_done(const struct backup *b, const struct manifest *m)
{
    time_t s = (time_t)(m->moment_us / 1000000);
    struct tm tm;
    char when[32];

    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&s, &tm));
    printf("%s: backup of %s, %llu products, %llu devices, %llu users, %llu MiB\n", b->dest, when,
           (unsigned long long)m->totals.products, (unsigned long long)m->totals.devices,
           (unsigned long long)m->totals.users, (unsigned long long)(manifest_bytes(m) >> 20));
}

/* Stores the fact for muster status. The backup is also good without it. */
static void note_done(const struct backup *b, const struct manifest *m)
{
    struct backup_fact fact = { .at_s = m->moment_us / 1000000, .bytes = manifest_bytes(m) };
    char *dest = realpath(b->dest, NULL);
    struct buf input;

    buf_init(&input, 2 * sizeof(fact.dest));
    if (dest && str_copy(fact.dest, sizeof(fact.dest), str_of(dest))) {
        backup_fact_request(&input, &fact);
        if (run_apart(b, &command_op_backup_done, (struct str){ (const char *)input.data, input.len }) != 0)
            fprintf(stderr, "muster backup: the backup is complete, but muster status will not show it\n");
    }
    buf_free(&input);
    free(dest);
}

/* The owner of the data may write in the copy (while it is read); transfer_run compares it with the manifest. */
static enum mu_err bring(struct backup *b)
{
    struct transfer t = { .about = setting_on(b->settings, "quiet") ? NULL : "muster backup",
                          .from = dir_open_in(b->data, BACKUP_SCRATCH),
                          .to = b->to,
                          .to_name = b->partial,
                          .link = true };
    struct manifest m = { 0 };
    enum mu_err err;

    if (t.from < 0) {
        snprintf(b->why, sizeof(b->why), "cannot open %s/" BACKUP_SCRATCH ": %s", b->dir, strerror(errno));
        return MU_E_IO;
    }
    if ((err = manifest_read(&m, t.from, b->dir, b->why, sizeof(b->why))) != MU_OK ||
        (err = transfer_run(&t, &m, b->why, sizeof(b->why))) != MU_OK ||
        (err = manifest_write(&m, b->to, b->why, sizeof(b->why))) != MU_OK)
        goto out;
    if (renameat(b->parent, name_in(b->partial), b->parent, name_in(b->dest)) != 0 || fsync(b->parent) != 0) {
        snprintf(b->why, sizeof(b->why), "cannot rename %s to %s: %s", b->partial, b->dest, strerror(errno));
        err = MU_E_IO;
        goto out;
    }
    note_done(b, &m);
    if (!setting_on(b->settings, "quiet"))
        print_done(b, &m);
out:
    close(t.from);
    manifest_free(&m);
    return err;
}

static int run(struct backup *b)
{
    int status;

    if ((b->data = backup_scratch_lock(b->dir)) < 0) {
        snprintf(b->why, sizeof(b->why), "%s: %s", b->dir,
                 errno == EWOULDBLOCK ? "another backup is being made" : strerror(errno));
        return 1;
    }
    if ((status = check_dest(b)) == 0) {
        status = run_apart(b, &command_op_backup, (struct str){ 0 });
        if (status == 0 && bring(b) != MU_OK)
            status = 1;
        /* If bring succeeded, the copy has its final name, and nothing is removed here. */
        dir_remove_tree(b->parent, name_in(b->partial));
    }
    dir_remove_tree(b->data, BACKUP_SCRATCH);
    if (b->to >= 0)
        close(b->to);
    if (b->parent >= 0)
        close(b->parent);
    close(b->data);
    return status;
}

static int backup(const struct settings *s)
{
    struct backup b = { .settings = s, .dir = setting_text(s, "data"), .data = -1, .parent = -1, .to = -1 };
    char dest[4000];
    int status = 2;

    b.dest = dest;
    snprintf(dest, sizeof(dest), "%s", s->arguments[0]);
    for (size_t len = strlen(dest); len > 1 && dest[len - 1] == '/'; len--)
        dest[len - 1] = '\0';
    if (asprintf(&b.partial, "%s.partial", dest) < 0) {
        fprintf(stderr, "muster backup: out of memory\n");
        return 2;
    }
    log_set_level(LOG_WARN);
    umask(077);
    transfer_catch_signals();
    status = check_data(&b) ? run(&b) : 2;
    if (b.why[0])
        fprintf(stderr, "muster backup: %s\n", b.why);
    free(b.partial);
    return status;
}

/* clang-format off: a table */
static const struct setting backup_settings[] = { DATA_SETTING, CONFIG_SETTING, QUIET_SETTING, COMMON_SETTINGS };
/* clang-format on */

const struct command command_backup = {
    .name = "backup",
    .group = COMMAND_DATA,
    .summary = "copies a data directory, also of a running server",
    .description = "Copies all that a data directory holds at one moment to a new directory, also while the server "
                   "runs. On the same file system it takes next to no room. Bring it back with muster restore.",
    .settings = backup_settings,
    .arguments = { { .name = "DEST", .kind = SETTING_DIRECTORY, .help = "the directory to make: new, or empty" } },
    .examples = { { "muster backup --data data backup-2026-11-30", "a backup beside the data" } },
    .run = backup,
};

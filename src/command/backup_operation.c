#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "command/commands.h"
#include "journal/rocks_journal.h"
#include "ops/backup_scratch.h"
#include "ops/dir.h"
#include "ops/manifest.h"

/* The server's part of a backup: a copy of registry and journal at the same moment, in backup.tmp. */

/* This much must stay free beside the copy of the registry: the journal needs as much for its commits. */
#define RESERVE_BYTES (UINT64_C(64) * 1024 * 1024)

/* --- the moment -----------------------------------------------------------------------------------*/

struct taking {
    const struct stores *stores;
    const char *scratch;
    int64_t moment_us, took_us;
    enum mu_err err;
};

/* Runs on the committer's thread. */
static void take_journal(void *ctx)
{
    struct taking *t = ctx;
    int64_t start = clock_mono_us();

    t->moment_us = clock_wall_us();
    t->err = rocks_journal_checkpoint(t->stores->journal, t->scratch);
    t->took_us = clock_mono_us() - start;
}

/* Runs while nobody writes to the registry. If a large file is just being written, the wait for it comes before
 * this; no device waits for that. */
static enum mu_err take_both(void *ctx)
{
    struct taking *t = ctx;

    committer_pause(t->stores->committer, take_journal, t);
    return t->err;
}

/* --- the copy -------------------------------------------------------------------------------------*/

static enum mu_err check_room(struct registry_snapshot *snapshot, const char *dir, char *why, size_t why_size)
{
    struct statvfs fs;
    uint64_t bytes;
    enum mu_err err = registry_snapshot_size(snapshot, &bytes);

    if (err != MU_OK || statvfs(dir, &fs) != 0 || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes + RESERVE_BYTES)
        return err;
    snprintf(why, why_size, "%llu MiB are needed beside the data in %s, and %llu MiB are free",
             (unsigned long long)((bytes + RESERVE_BYTES) >> 20), dir,
             (unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
    return MU_E_FULL;
}

static enum mu_err copy_registry(struct registry_snapshot *snapshot, const struct taking *t, struct manifest *m,
                                 char *why, size_t why_size)
{
    enum mu_err err;

    if ((err = check_room(snapshot, t->stores->data.path, why, why_size)) != MU_OK ||
        (err = registry_snapshot_count(snapshot, &m->totals)) != MU_OK)
        return err;
    return registry_snapshot_write(snapshot, t->scratch);
}

static enum mu_err take(struct taking *t, char *why, size_t why_size)
{
    enum mu_err err;
    struct registry_snapshot *snapshot = NULL;
    struct manifest m = { 0 };
    int dir = -1;

    snprintf(m.muster, sizeof(m.muster), "%s", version_text);
    dir_remove_tree(AT_FDCWD, t->scratch);
    if (mkdir(t->scratch, 0700) != 0 || (dir = dir_open_in(AT_FDCWD, t->scratch)) < 0) {
        snprintf(why, why_size, "cannot make %s: %s", t->scratch, strerror(errno));
        return mu_err_of_errno(errno);
    }
    if ((err = rocks_journal_flush(t->stores->journal)) != MU_OK ||
        (err = registry_freeze(t->stores->registry, take_both, t, &snapshot)) != MU_OK ||
        (err = copy_registry(snapshot, t, &m, why, why_size)) != MU_OK)
        goto out;
    m.moment_us = t->moment_us;
    if ((err = manifest_gather(&m, dir, why, why_size)) == MU_OK)
        err = manifest_write(&m, dir, why, why_size);
out:
    assert(dir >= 0);
    close(dir);
    registry_snapshot_free(snapshot);
    manifest_free(&m);
    if (err != MU_OK)
        dir_remove_tree(AT_FDCWD, t->scratch);
    return err;
}

static int run_backup(const struct operation_call *call)
{
    char scratch[4096], why[512] = "";
    struct taking t = { .stores = call->stores, .scratch = scratch };

    if (call->stores->store) {
        buf_printf(call->answer, STORES_ELSEWHERE_ADVICE "\n");
        return 2;
    }
    snprintf(scratch, sizeof(scratch), "%s/" BACKUP_SCRATCH, call->stores->data.path);
    enum mu_err err = take(&t, why, sizeof(why));
    log_event(err == MU_OK ? LOG_INFO : LOG_ERROR, "backup_taken", "result=%s why=%s paused_us=%lld",
              LOG_Q(mu_err_text(err), -1), LOG_Q(why, -1), (long long)t.took_us);
    if (err != MU_OK && why[0]) {
        buf_printf(call->answer, "%s\n", why);
        return 1;
    }
    return operation_result(call, err);
}

const struct operation command_op_backup = {
    .name = "backup", .needs = STORES_ALL, .run = run_backup, .changes = true
};

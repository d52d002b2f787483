/* Writes the whole file again, with checksums. The new file is written beside the old one, and is renamed to its name
 * when it is on disk. Whenever this is interrupted, either the old file or the new one is there, complete and without a
 * log. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "sql/sqlite_pages.h"

/* Room that stays free for the WAL and the journal's log. */
#define MARGIN_BYTES (UINT64_C(16) << 20)

struct rewrite {
    struct db *db;
    const char *path;
    char copy[4200], journal[4210], dir[4200];
    uint64_t bytes; /* roughly the size of the new file */
    char *why;
    size_t why_size;
};

static enum mu_err tell_room(struct rewrite *r)
{
    snprintf(r->why, r->why_size, "its pages get checksums, once; that needs %llu MiB of room in %s",
             (unsigned long long)((r->bytes + MARGIN_BYTES) >> 20) + 1, r->dir);
    return MU_E_FULL;
}

static enum mu_err look_for_room(struct rewrite *r)
{
    struct statvfs fs;
    int64_t pages = 0;
    enum mu_err err = db_int_of(r->db, "PRAGMA page_count", NULL, 0, &pages);

    if (err != MU_OK)
        return err;
    r->bytes = (uint64_t)pages * (PAGES_SIZE + PAGES_SIZE / 64);
    if (statvfs(r->dir, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < r->bytes + MARGIN_BYTES)
        return tell_room(r);
    return MU_OK;
}

/* From here on the content is taken as correct. integrity_check also notices an index that lacks rows of its table. */
static enum mu_err look_for_damage(struct rewrite *r)
{
    char found[200];
    enum mu_err err = db_text_of(r->db, "PRAGMA integrity_check(1)", NULL, 0, found, sizeof(found));

    if (err != MU_OK || strcmp(found, "ok") == 0)
        return err;
    snprintf(r->why, r->why_size, "it is damaged (%s)" DAMAGE_ADVICE, found);
    return MU_E_CORRUPT;
}

static enum mu_err leave_wal(struct db *db)
{
    char mode[16];
    enum mu_err err = db_text_of(db, "PRAGMA journal_mode = DELETE", NULL, 0, mode, sizeof(mode));

    return err != MU_OK ? err : strcmp(mode, "delete") == 0 ? MU_OK : MU_E_LOCKED;
}

static enum mu_err write_copy(struct rewrite *r)
{
    enum mu_err err;

    /* These are left by a rewrite that was killed. The journal goes too: SQLite would take it for the new file's
     * journal. */
    unlink(r->journal);
    unlink(r->copy);
    int fd = open(r->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return mu_err_of_errno(errno) == MU_E_FULL ? tell_room(r) : MU_E_IO;
    close(fd);
    if ((err = db_run(r->db, "VACUUM INTO $1", DB_VALUES(db_text(r->copy)))) == MU_OK)
        err = sqlite_sync_path(r->copy);
    if (err == MU_OK)
        return err;
    unlink(r->journal);
    unlink(r->copy);
    return err == MU_E_FULL ? tell_room(r) : err;
}

static enum mu_err take_copy(struct rewrite *r)
{
    enum mu_err err;

    db_close(r->db);
    if (rename(r->copy, r->path) != 0) {
        snprintf(r->why, r->why_size, "cannot rename %s: %s", r->copy, strerror(errno));
        return MU_E_IO;
    }
    if ((err = sqlite_sync_path(r->dir)) != MU_OK)
        return err;
    return sqlite_open(r->db, r->path, false);
}

enum mu_err sqlite_rewrite_file(struct db *db, const char *path, enum scan_state state, char *why, size_t why_size)
{
    struct rewrite r = { .db = db, .path = path, .why = why, .why_size = why_size };
    enum mu_err err;

    assert(strlen(path) + sizeof(".new") <= sizeof(r.copy)); /* registry.path */
    assert(state == SCAN_PLAIN || state == SCAN_DOUBTFUL);
    snprintf(r.copy, sizeof(r.copy), "%s.new", path);
    snprintf(r.journal, sizeof(r.journal), "%s-journal", r.copy);
    snprintf(r.dir, sizeof(r.dir), "%s", path);
    dirname(r.dir);
    if (state == SCAN_PLAIN && ((err = look_for_room(&r)) != MU_OK || (err = look_for_damage(&r)) != MU_OK))
        return err;
    if ((err = leave_wal(db)) != MU_OK)
        return err;
    /* Now the WAL is in the file. Damage that is still there is in free pages; the new file has none. */
    if (state == SCAN_DOUBTFUL &&
        ((err = sqlite_scan_file(path, &state, why, why_size)) != MU_OK || state == SCAN_WHOLE))
        return err;
    log_event(LOG_INFO, "registry_rewritten", "path=%s reason=%s", LOG_Q(path, -1),
              state == SCAN_PLAIN ? "checksums" : "damaged_free_pages");
    if ((err = write_copy(&r)) != MU_OK)
        return err;
    return take_copy(&r);
}

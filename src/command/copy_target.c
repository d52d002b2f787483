#include "command/copy_target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/postgres_journal.h"
#include "ops/dir.h"
#include "ops/file.h"
#include "ops/privileges.h"
#include "registry/copy_rows.h"

static enum mu_err say_not_empty(const struct copy_target *t, char *why, size_t why_size)
{
    char shown[512];

    stores_show_place(&t->where, shown, sizeof(shown));
    snprintf(why, why_size, "%s is not empty; a copy goes into %s", shown,
             t->where.store ? "a database that was only prepared by muster migrate" : "a new directory");
    return MU_E_VALUE;
}

/* --- a directory ----------------------------------------------------------------------------------*/

/* Removes what an interrupted copy has left, or looks whether there is anything. */
static bool clear_dir(int fd, bool remove)
{
    int own = dup(fd);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    bool empty = dir != NULL;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strcmp(entry->d_name, "lost+found") == 0 || strcmp(entry->d_name, DATA_DIR_COPYING) == 0)
            continue;
        empty = false;
        if (remove)
            dir_remove_tree(fd, entry->d_name);
    }
    if (dir)
        closedir(dir);
    return empty;
}

static enum mu_err lock_dir(struct copy_target *t, char *why, size_t why_size)
{
    const char *dir = t->where.dir;

    t->again = faccessat(t->dir, DATA_DIR_COPYING, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (!t->again && !clear_dir(t->dir, false))
        return say_not_empty(t, why, why_size);
    t->lock = openat(t->dir, DATA_DIR_COPYING, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->lock < 0)
        return file_fail(why, why_size, "make a file in", dir);
    if (flock(t->lock, LOCK_EX | LOCK_NB) != 0) {
        snprintf(why, why_size, "another copy into %s is being made", dir);
        return MU_E_LOCKED;
    }
    if (t->again)
        clear_dir(t->dir, true);
    return file_sync_dir(dir, why, why_size);
}

static enum mu_err open_dir(struct copy_target *t, char *why, size_t why_size)
{
    const char *dir = t->where.dir;
    enum mu_err err;

    if (access(dir, F_OK) == 0 && (err = privileges_become_owner(dir, why, why_size)) != MU_OK)
        return err;
    if ((err = file_make_dir(dir, why, why_size)) != MU_OK)
        return err;
    if ((t->dir = dir_open(dir)) < 0)
        return file_fail(why, why_size, "open", dir);
    /* It holds secrets, as any data directory. */
    if (fchmod(t->dir, 0700) != 0)
        return file_fail(why, why_size, "change the mode of", dir);
    err = lock_dir(t, why, why_size);
    return err == MU_OK ? registry_open(&t->registry, dir, why, why_size) : err;
}

enum mu_err copy_target_open_journal(struct copy_target *t, char *why, size_t why_size)
{
    struct registry_place place;
    enum mu_err err;

    if (t->journal)
        return MU_OK;
    if ((err = registry_get_place(t->registry, &place)) != MU_OK)
        return err;
    struct rocks_journal_registry seen = stores_journal_registry(&place);
    struct rocks_journal_options options = { .retention_days = STORES_KEEP_DAYS, .registry = &seen };
    if ((err = rocks_journal_open(&t->journal, t->where.dir, &options, why, why_size)) != MU_OK)
        return err;
    journal_note_registry(t->journal, place.change, place.device);
    return registry_set_fact(t->registry, REGISTRY_HAS_JOURNAL, "made");
}

/* --- a database -----------------------------------------------------------------------------------*/

static enum mu_err look_whether_empty(struct copy_target *t, struct journal *journal, char *why, size_t why_size)
{
    bool empty, journal_empty;
    enum mu_err err;

    if ((err = registry_look_at_target(t->registry, &t->again, &empty)) != MU_OK ||
        (err = postgres_journal_is_empty(journal, &journal_empty)) != MU_OK)
        return err;
    return t->again || (empty && journal_empty) ? MU_OK : say_not_empty(t, why, why_size);
}

/* Opening the journal to write in it declares all starts over, so this comes before. */
static enum mu_err look_before(struct copy_target *t, char *why, size_t why_size)
{
    struct journal *unchanged;
    enum mu_err err = postgres_journal_open_unchanged(&unchanged, t->where.store, why, why_size);

    if (err != MU_OK)
        return err;
    err = look_whether_empty(t, unchanged, why, why_size);
    journal_close(unchanged);
    return err;
}

static enum mu_err open_database(struct copy_target *t, char *why, size_t why_size)
{
    struct postgres_journal_options options = { .retention_days = STORES_KEEP_DAYS };
    const char *uri = t->where.store;
    enum mu_err err;

    if ((err = registry_open_target(&t->registry, uri, why, why_size)) != MU_OK ||
        (err = look_before(t, why, why_size)) != MU_OK ||
        (err = postgres_journal_open(&t->journal, uri, &options, why, why_size)) != MU_OK ||
        (err = look_whether_empty(t, t->journal, why, why_size)) != MU_OK ||
        (err = registry_clear_target(t->registry)) != MU_OK)
        return err;
    return postgres_journal_clear(t->journal);
}

/* --- both -----------------------------------------------------------------------------------------*/

enum mu_err copy_target_open(struct copy_target *t, char *why, size_t why_size)
{
    t->dir = t->lock = -1;
    return t->where.store ? open_database(t, why, why_size) : open_dir(t, why, why_size);
}

static void close_stores(struct copy_target *t)
{
    journal_close(t->journal);
    registry_close(t->registry);
    t->journal = NULL;
    t->registry = NULL;
}

enum mu_err copy_target_finish(struct copy_target *t, char *why, size_t why_size)
{
    const char *dir = t->where.dir;
    enum mu_err err;

    if (t->where.store)
        return registry_finish_target(t->registry);
    close_stores(t);
    if ((err = file_sync_dir(dir, why, why_size)) != MU_OK)
        return err;
    if (renameat(t->dir, DATA_DIR_COPYING, t->dir, "lock") != 0)
        return file_fail(why, why_size, "rename a file in", dir);
    return file_sync_dir(dir, why, why_size);
}

void copy_target_close(struct copy_target *t)
{
    close_stores(t);
    if (t->lock >= 0)
        close(t->lock);
    if (t->dir >= 0)
        close(t->dir);
}

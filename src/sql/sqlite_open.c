/* Opens a database: for the writer, for readers, and for readers that must not change anything. Also copies a
 * database. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sql/db_driver.h"
#include "sql/sqlite_pages.h"

/* Another process may hold the file for a moment (a backup, sqlite3 on the command line). */
#define BUSY_TIMEOUT_MS 5000

/* journal_size_limit: otherwise a WAL that grew during one long read would keep its size for ever. */
#define SETTINGS                            \
    "PRAGMA foreign_keys = ON;"             \
    "PRAGMA synchronous = FULL;"            \
    "PRAGMA journal_size_limit = 67108864;" \
    "PRAGMA temp_store = MEMORY;"           \
    "PRAGMA trusted_schema = OFF;"          \
    "PRAGMA cell_size_check = ON;"

/* cache_size: each registration reads the unique indexes of a million devices at random places. secure_delete: pages
 * that become free are overwritten. So each page of the file is written at some time, and has its checksum. */
#define WRITER_SETTINGS "PRAGMA page_size = 4096; PRAGMA cache_size = -32768; PRAGMA secure_delete = ON;"

/* How many pages are copied at a time; it affects only memory use and how long others wait. */
enum { COPY_PAGES = 1024 };

/* The count of SQLite's memory is off: nobody reads it, and it takes a lock for each allocation, a quarter of the time
 * of an import. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    pages_register();
}

static void configure_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, configure);
}

enum mu_err sqlite_open(struct db *db, const char *path, bool read_only)
{
    enum mu_err err;
    int flags =
        (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    *db = (struct db){ .driver = &db_sqlite };
    configure_once();
    int rc = sqlite3_open_v2(path, &db->handle, flags, PAGES_VFS);
    if (rc != SQLITE_OK) {
        err = db->handle ? sqlite_error(db, rc) : MU_E_NOMEM;
        goto out;
    }
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    if ((err = sqlite_exec(db, SETTINGS)) != MU_OK)
        goto out;
    if (!read_only && (err = sqlite_exec(db, WRITER_SETTINGS)) == MU_OK) {
        /* For a new file, and for one that VACUUM makes. It comes last, since setting the page size resets it. */
        int reserved = PAGES_RESERVED;
        sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    }
out:
    if (err != MU_OK)
        db_close(db);
    return err;
}

/* Without a log the file is all there is and cannot change, so it is opened as immutable: otherwise SQLite would make a
 * log. With a log, the log is read with its index in memory. SQLite does that only for a connection that has locked the
 * file exclusively, and such a lock needs a file that is open for writing. Still nothing is written: no statement may,
 * and closing does not write the log into the file. */
enum mu_err sqlite_open_unchanged(struct db *db, const char *path, const char *care)
{
    char *log_path = sqlite3_mprintf("%s-wal", path), *uri = sqlite3_mprintf("file:");
    struct stat st;
    enum mu_err err = MU_E_NOMEM;

    assert(care);
    *db = (struct db){ .driver = &db_sqlite };
    configure_once();
    for (const char *at = path; uri && *at; at++) {
        char *longer = strchr("%?#", *at) ? sqlite3_mprintf("%s%%%02x", uri, (unsigned char)*at)
                                          : sqlite3_mprintf("%s%c", uri, *at);
        sqlite3_free(uri);
        uri = longer;
    }
    if (!log_path || !uri)
        goto out;
    bool has_log = stat(log_path, &st) == 0 && st.st_size > 0;
    char *whole = sqlite3_mprintf("%s?" PAGES_URI_CARE "=%s%s", uri, care, has_log ? "" : "&immutable=1");
    sqlite3_free(uri);
    if (!(uri = whole))
        goto out;
    int rc = sqlite3_open_v2(uri, &db->handle,
                             (has_log ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI,
                             PAGES_VFS);
    if (rc != SQLITE_OK) {
        err = db->handle ? sqlite_error(db, rc) : MU_E_NOMEM;
        goto out;
    }
    sqlite_keep_log(db);
    if ((err = sqlite_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON")) == MU_OK)
        err = sqlite_exec(db, SETTINGS);
out:
    sqlite3_free(log_path);
    sqlite3_free(uri);
    if (err != MU_OK)
        db_close(db);
    return err;
}

/* No sync, and a journal in memory only: after a crash the database is made again. */
enum mu_err sqlite_open_temporary(struct db *db)
{
    enum mu_err err;

    *db = (struct db){ .driver = &db_sqlite };
    configure_once();
    int rc =
        sqlite3_open_v2("", &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (rc != SQLITE_OK)
        err = db->handle ? sqlite_error(db, rc) : MU_E_NOMEM;
    else if ((err = sqlite_exec(db, SETTINGS WRITER_SETTINGS)) == MU_OK)
        err = sqlite_exec(db, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
    if (err != MU_OK)
        db_close(db);
    return err;
}

enum mu_err sqlite_copy(struct db *from, struct db *to)
{
    assert(from != to && from->handle && to->handle);
    sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    int rc;

    if (!backup)
        return sqlite_error(to, sqlite3_errcode(to->handle));
    do
        rc = sqlite3_backup_step(backup, COPY_PAGES);
    while (rc == SQLITE_OK);
    sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE ? MU_OK : sqlite_error(rc == SQLITE_IOERR_DATA ? from : to, rc);
}

void sqlite_keep_log(struct db *db)
{
    assert(db->handle);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

enum mu_err sqlite_sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum mu_err err = fd >= 0 && fsync(fd) == 0 ? MU_OK : MU_E_IO;

    if (err != MU_OK)
        log_event(LOG_ERROR, "registry_failed", "path=%s error=%s", LOG_Q(path, -1), LOG_Q(strerror(errno), -1));
    if (fd >= 0)
        close(fd);
    return err;
}

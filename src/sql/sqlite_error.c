/* What SQLite's errors mean here, and their lines in the log. */
#include "sql/sqlite_file.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "sql/sqlite_pages.h"

enum { LOG_EVERY_MS = 1000, LOG_AT_ONCE = 5 };

static enum mu_err error_of(struct db *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM: return MU_E_NOMEM;
    case SQLITE_FULL: return MU_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return MU_E_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return MU_E_LOCKED;
    case SQLITE_TOOBIG: return MU_E_LIMIT;
    case SQLITE_IOERR: {
        if (rc == SQLITE_IOERR_DATA)
            return MU_E_CORRUPT;
        /* Only a lack of room makes the shared-memory index fail to grow, and SQLite keeps no errno of it. */
        int os = sqlite3_system_errno(db->handle);
        return rc == SQLITE_IOERR_SHMSIZE ? MU_E_FULL : mu_err_of_errno(os);
    }
    default: return MU_E_IO;
    }
}

uint32_t sqlite_damaged_page(struct db *db)
{
    uint32_t page = 0;

    sqlite3_file_control(db->handle, "main", PAGES_FCNTL_DAMAGED, &page);
    return page;
}

enum mu_err sqlite_error(struct db *db, int rc)
{
    uint32_t page = rc == SQLITE_IOERR_DATA && db->handle ? sqlite_damaged_page(db) : 0;
    char damaged[80] = "";
    uint32_t suppressed;

    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return MU_E_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return MU_E_NOT_FOUND;
    default: break;
    }
    if (page)
        snprintf(damaged, sizeof(damaged), "page %u is damaged (its checksum is wrong)", page);
    if (log_limit_may(&db->failures, LOG_EVERY_MS, LOG_AT_ONCE, clock_mono_ms(), &suppressed))
        log_event(LOG_ERROR, "registry_failed", "code=%d error=%s suppressed=%u", rc,
                  LOG_Q(page         ? damaged
                        : db->handle ? sqlite3_errmsg(db->handle)
                                     : sqlite3_errstr(rc),
                        -1),
                  suppressed);
    return error_of(db, rc);
}

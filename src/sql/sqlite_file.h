#ifndef MUSTER_SQL_SQLITE_FILE_H
#define MUSTER_SQL_SQLITE_FILE_H

#include <sqlite3.h>

#include "sql/sql_registry.h"

/* What the files of the registry over SQLite share: a connection to a file, and the file itself.
 *
 *   sqlite_pages.c     checksums of the file's pages
 *   sqlite_open.c      opens a file, and copies one
 *   sqlite_db.c        a connection: statements
 *   sqlite_error.c     what its errors mean
 *   sqlite_scan.c      checks a file for damage before it is opened
 *   sqlite_rewrite.c   writes the whole file again
 *   sqlite_schema.c    the tables, and how an older file gets them
 *   sqlite_registry.c  opens a registry in a directory
 *   sqlite_snapshot.c  a copy of one moment
 *   sqlite_trust.c     whether the file has everything that was acknowledged
 *   sqlite_check.c     whether the file is what it should be
 *   sqlite_salvage*.c  saves what can be read of a damaged file */

#define REGISTRY_MARK "registry.mark"

/* --- a connection (sqlite_open.c, sqlite_db.c, sqlite_error.c) ------------------------------------*/

/* Opens a file that exists: for reading and writing, or for reading only. */
MU_MUST_USE enum mu_err sqlite_open(struct db *db, const char *path, bool read_only);
/* Opens a file that nobody else has open, for reading. Neither the file nor those beside it change. care: a value of
 * PAGES_URI_CARE, or "". */
MU_MUST_USE enum mu_err sqlite_open_unchanged(struct db *db, const char *path, const char *care);
/* Opens an empty database that is deleted when it is closed. What does not fit into its cache is in a temporary
 * file. */
MU_MUST_USE enum mu_err sqlite_open_temporary(struct db *db);
/* Copies all pages that a reading transaction sees into another database, which is empty. */
MU_MUST_USE enum mu_err sqlite_copy(struct db *from, struct db *to);
/* From here on, closing the connection leaves the WAL as it is. */
void sqlite_keep_log(struct db *db);

/* Makes a closed file, or the names in a directory, durable. */
MU_MUST_USE enum mu_err sqlite_sync_path(const char *path);

/* The error for a failure that SQLite has just reported. Logs failures that an operator must know of, but only a few a
 * second: on a full disk every call fails. */
enum mu_err sqlite_error(struct db *db, int rc);
/* The last page that was found damaged since the previous call; 0: none. */
uint32_t sqlite_damaged_page(struct db *db);
/* The row that a statement is at. */
struct db_row sqlite_row(sqlite3_stmt *statement);
/* Runs statements without values; they are not kept. */
MU_MUST_USE enum mu_err sqlite_exec(struct db *db, const char *sql);

/* --- the file (sqlite_scan.c, sqlite_rewrite.c) ---------------------------------------------------*/

#define DAMAGE_ADVICE "; " MARK_ADVICE

/* Reads the whole file, which nobody has open, and changes nothing. MU_E_CORRUPT: it is damaged; why gets a
 * sentence. */
MU_MUST_USE enum mu_err sqlite_scan_file(const char *path, enum scan_state *state, char *why, size_t why_size);
/* Rewrites the file that only db has open: a plain file gets checksums, a doubtful one loses its damaged pages.
 * Afterwards db may be in another mode than WAL; after a failure it may be closed. */
MU_MUST_USE enum mu_err sqlite_rewrite_file(struct db *db, const char *path, enum scan_state state, char *why,
                                            size_t why_size);

/* --- the tables (sqlite_schema.c) -----------------------------------------------------------------*/

/* Updates the file that db has open to the present schema, in one transaction for each step. */
MU_MUST_USE enum mu_err schema_update(struct db *db, char *why, size_t why_size);
/* Whether the file is empty (version 0) or one of ours, and not too new. */
MU_MUST_USE enum mu_err schema_recognise(struct db *db, int64_t *version, char *why, size_t why_size);
/* Makes a file of an older version readable without changing it. If *copied is set, copy is open: an updated copy,
 * which is to be read instead. A file of the present version is not copied. MU_E_SCHEMA: the file is newer; MU_E_FULL:
 * there is no room for the copy. */
MU_MUST_USE enum mu_err schema_read(struct db *db, struct db *copy, bool *copied, char *why, size_t why_size);
/* Opens a file in memory that has the tables and nothing in them. */
MU_MUST_USE enum mu_err schema_fresh(struct db *db);
/* The checks that only SQLite needs. */
void sqlite_check(struct db *db, const struct findings *f);
/* Finds tables and indexes that are missing or not as muster made them. */
MU_MUST_USE enum mu_err schema_compare(struct db *db, const struct findings *f);

/* --- what was acknowledged is there (sqlite_trust.c) ----------------------------------------------*/

/* Call it before anything is written: checks that the file has everything that was acknowledged. If not, MU_E_CORRUPT,
 * and why gets the end of a sentence. */
MU_MUST_USE enum mu_err registry_trust_check(const struct registry *reg, struct registry_place *place, char *why,
                                             size_t why_size);
/* Continues the count and the mark from where the file is. */
MU_MUST_USE enum mu_err registry_trust_begin(struct registry *reg);
/* registry_trust_count is the last statement of each group of writes; registry_trust_committed is called when the group
 * is on disk. */
MU_MUST_USE enum mu_err registry_trust_count(struct registry *reg);
void registry_trust_committed(struct registry *reg);
/* Makes the mark of a copy in dir. It says that exactly the content of the copy was acknowledged. */
MU_MUST_USE enum mu_err registry_trust_mark_copy(struct db *copy, const char *dir);

#endif

#ifndef MUSTER_SQL_SQLITE_SALVAGE_H
#define MUSTER_SQL_SQLITE_SALVAGE_H

#include "sql/salvage.h"
#include "sql/sqlite_file.h"

/* What the files of salvaging share.
 *
 *   sqlite_salvage.c        the steps in their order
 *   sqlite_salvage_rows.c   reads the rows of one table, around the damage
 *   sqlite_salvage_keys.c   reads what the indexes know of lost rows
 *   sqlite_salvage_agree.c  makes the rows agree with each other */

enum { SALVAGE_TABLES_MAX = 32 };

/* A table of the new registry. */
struct salvaged_table {
    char name[64];
    struct salvage_table told;
    int64_t last; /* the last number that the old registry gave; 0: not known */
    bool gives_numbers;
};

struct salvaging {
    struct db from, to;
    struct salvaged_table tables[SALVAGE_TABLES_MAX];
    size_t count;
};

/* Copies all rows that can be read. */
MU_MUST_USE enum mu_err salvage_rows(struct salvaging *s, struct salvaged_table *t);
/* Adds missing rows whose keys an index still has, for the rows that refer to them. */
MU_MUST_USE enum mu_err salvage_keys(struct salvaging *s, struct salvaged_table *t);
/* Deletes rows that refer to nothing, and restores the rules that registry_check checks. */
MU_MUST_USE enum mu_err salvage_agree(struct db *to);

/* Parts of queries for salvage_text: a list with commas of an expression for each row; a quoted name. */
#define SALVAGE_LIST(each, from) "SELECT group_concat(" each ", ', ') FROM " from
#define SALVAGE_QUOTED           "'\"' || name || '\"'"
#define SALVAGE_COLUMNS          "pragma_table_info('%q')"

/* Run statements that are made at run time; %w is a name between quotes. */
MU_MUST_USE enum mu_err salvage_prepare(struct db *db, sqlite3_stmt **out, const char *format, ...);
MU_MUST_USE enum mu_err salvage_exec(struct db *db, const char *format, ...);
/* Writes the first column of the first row as text into out; "" if there is no row, or NULL. MU_E_LIMIT: it does not
 * fit. */
MU_MUST_USE enum mu_err salvage_text(struct db *db, char *out, size_t size, const char *format, ...);
/* Whether only this place could not be read, so that reading elsewhere may work. */
bool salvage_is_local(int rc);

#endif

#ifndef MUSTER_REGISTRY_SQLITE_SALVAGE_H
#define MUSTER_REGISTRY_SQLITE_SALVAGE_H

#include "registry/salvage.h"
#include "registry/sqlite_registry.h"

/* What the files of salvaging share.
 *
 *   sqlite_salvage.c        the order of it
 *   sqlite_salvage_rows.c   the rows of one table, around what is damaged
 *   sqlite_salvage_keys.c   what the indexes know of rows that are lost
 *   sqlite_salvage_agree.c  what is left made to agree */

enum { SALVAGE_TABLES_MAX = 32 };

/* A table of the new registry. */
struct salvaged_table {
    char name[64];
    struct salvage_table told;
    int64_t last; /* the last number given by the old registry, 0 if it is not known */
    bool gives_numbers;
};

struct salvaging {
    struct db from, to;
    struct salvaged_table tables[SALVAGE_TABLES_MAX];
    size_t count;
};

/* Copies all rows that can be read. */
MU_MUST_USE enum mu_err salvage_rows(struct salvaging *s, struct salvaged_table *t);
/* Adds rows that are missing and known to indexes, for what refers to them. */
MU_MUST_USE enum mu_err salvage_keys(struct salvaging *s, struct salvaged_table *t);
/* Takes away what refers to nothing, and restores what registry_check looks for. */
MU_MUST_USE enum mu_err salvage_agree(struct db *to);

/* Parts of what salvage_text asks: a list with commas of what is said of each row; a name, quoted. */
#define SALVAGE_LIST(each, from) "SELECT group_concat(" each ", ', ') FROM " from
#define SALVAGE_QUOTED           "'\"' || name || '\"'"
#define SALVAGE_COLUMNS          "pragma_table_info('%q')"

/* Statements made up at run time; %w is a name between quotes. */
MU_MUST_USE enum mu_err salvage_prepare(struct db *db, sqlite3_stmt **out, const char *format, ...);
MU_MUST_USE enum mu_err salvage_exec(struct db *db, const char *format, ...);
/* The first column of the first row as text, into out; "" if there is none, or NULL. MU_E_LIMIT. */
MU_MUST_USE enum mu_err salvage_text(struct db *db, char *out, size_t size, const char *format, ...);
/* Whether a failure to read is of the place, so that another place may still do. */
bool salvage_is_local(int rc);

#endif

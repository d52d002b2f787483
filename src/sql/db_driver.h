#ifndef MUSTER_SQL_DB_DRIVER_H
#define MUSTER_SQL_DB_DRIVER_H

#include "sql/db.h"

/* What a kind of database does for db.h. sqlite_db.c and postgres_db.c implement it, db.c calls it; the functions of
 * db.h say what each does. */

enum db_how {
    DB_ALONE,
    DB_ALONG, /* db_run_along */
    DB_TRY,   /* after MU_E_EXISTS and MU_E_NOT_FOUND the transaction can go on */
};

struct db_driver {
    void (*close)(struct db *db);
    enum mu_err (*run)(struct db *db, const char *sql, const struct db_value *values, size_t count, enum db_how how);
    enum mu_err (*begin_rows)(struct db_rows *r); /* NULL: each is inserted; then so are the next two */
    enum mu_err (*add_row)(struct db_rows *r, const struct db_value *values, size_t count);
    enum mu_err (*end_rows)(struct db_rows *r);
    enum mu_err (*insert)(struct db *db, const struct db_put *put, const struct db_value *values, size_t count,
                          int64_t *no);
    enum mu_err (*get)(struct db *db, const char *sql, const struct db_value *values, size_t count,
                       void (*read)(struct db_row *row, void *out), void *out);
    enum mu_err (*each)(struct db *db, const char *sql, const struct db_value *values, size_t count, bool big,
                        db_row_fn fn, void *ctx);
    enum mu_err (*ahead)(struct db *db, const char *sql, const struct db_value *values,
                         size_t count);  /* NULL: no use */
    void (*forget_ahead)(struct db *db); /* NULL, too */
    enum mu_err (*begin_write)(struct db *db);
    enum mu_err (*commit)(struct db *db);
    void (*rollback)(struct db *db);
    enum mu_err (*begin_part)(struct db *db);
    enum mu_err (*end_part)(struct db *db, bool keep);
    bool (*in_transaction)(const struct db *db);
    enum mu_err (*begin_read)(struct db *db);
    bool (*end_read)(struct db *db);
    void (*shrink)(struct db *db);
    const char *(*said)(const struct db *db, enum mu_err err);

    int64_t (*col_int)(struct db_row *row);
    double (*col_real)(struct db_row *row, bool *set);
    struct str (*col_str)(struct db_row *row);
    bool (*col_is_null)(const struct db_row *row);
};

extern const struct db_driver db_sqlite, db_postgres;

/* postgres_db.c: what the port returns for an error of a connection. */
enum mu_err db_postgres_error(enum mu_err err);
/* postgres_rows.c */
enum mu_err db_postgres_begin_rows(struct db_rows *r);
enum mu_err db_postgres_add_row(struct db_rows *r, const struct db_value *values, size_t count);
enum mu_err db_postgres_end_rows(struct db_rows *r);

#endif

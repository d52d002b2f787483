/* Many rows of a table by COPY. */
#include "sql/db_driver.h"

#include "postgres/pg.h"

/* Bytes that are sent at a time. Rows of a COPY, which must not take longer than a statement may. */
enum { ROWS_SENT = 128 * 1024, ROWS_OF_COPY = 100000 };

enum mu_err db_postgres_begin_rows(struct db_rows *r)
{
    return db_postgres_error(pg_copy_begin(r->db->pg, r->copy));
}

static enum mu_err send_rows(struct db_rows *r)
{
    enum mu_err err = r->bytes.err != MU_OK ? r->bytes.err : pg_copy_rows(r->db->pg, r->bytes.data, r->bytes.len);

    buf_clear(&r->bytes);
    return db_postgres_error(err);
}

enum mu_err db_postgres_end_rows(struct db_rows *r)
{
    enum mu_err err = send_rows(r);

    return err == MU_OK ? db_postgres_error(pg_copy_end(r->db->pg, NULL)) : err;
}

static void put_value(struct buf *out, const struct db_value *v)
{
    switch (v->kind) {
    case DB_NULL: pg_put_null(out); break;
    case DB_INT: pg_put_int8(out, v->integer); break;
    case DB_REAL: pg_put_float8(out, v->real); break;
    case DB_TEXT:
    case DB_BLOB: pg_put_bytes(out, v->bytes, v->len); break;
    }
}

enum mu_err db_postgres_add_row(struct db_rows *r, const struct db_value *values, size_t count)
{
    pg_put_row(&r->bytes, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        put_value(&r->bytes, &values[i]);
    if (++r->count % ROWS_OF_COPY == 0) {
        enum mu_err err = db_postgres_end_rows(r);
        return err == MU_OK ? db_postgres_begin_rows(r) : err;
    }
    return r->bytes.len < ROWS_SENT && r->bytes.err == MU_OK ? MU_OK : send_rows(r);
}

/* Values in the server's binary form, and back. */
#include "postgres/pg_private.h"

#include <assert.h>

/* The numbers of PostgreSQL's types are fixed (pg_type.dat). */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_FLOAT8 = 701,
    TYPE_BYTEA_LIST = 1001,
    TYPE_INT2_LIST = 1005,
    TYPE_INT4_LIST = 1007,
    TYPE_TEXT_LIST = 1009,
    TYPE_INT8_LIST = 1016,
};

static Oid element_type(Oid list)
{
    switch (list) {
    case TYPE_BYTEA_LIST: return TYPE_BYTEA;
    case TYPE_INT2_LIST: return TYPE_INT2;
    case TYPE_INT4_LIST: return TYPE_INT4;
    case TYPE_TEXT_LIST: return TYPE_TEXT;
    case TYPE_INT8_LIST: return TYPE_INT8;
    default: return 0;
    }
}

/* --- encoding -------------------------------------------------------------------------------------*/

static enum mu_err put_int(struct buf *b, Oid type, int64_t v)
{
    switch (type) {
    case TYPE_BOOL: buf_append_u8(b, v != 0); return MU_OK;
    case TYPE_INT2:
        if (v < INT16_MIN || v > INT16_MAX)
            return MU_E_VALUE;
        buf_append_u16be(b, (uint16_t)v);
        return MU_OK;
    case TYPE_INT4:
        if (v < INT32_MIN || v > INT32_MAX)
            return MU_E_VALUE;
        buf_append_u32be(b, (uint32_t)v);
        return MU_OK;
    default:
        assert(type == TYPE_INT8); /* else the statement takes no number here */
        buf_append_u64be(b, (uint64_t)v);
        return MU_OK;
    }
}

/* The server would refuse such a text, too, but only with the loss of the transaction. */
static enum mu_err put_bytes(struct buf *b, Oid type, struct str s)
{
    assert(type == TYPE_TEXT || type == TYPE_BYTEA);
    if (type == TYPE_TEXT && !str_utf8(s))
        return MU_E_VALUE;
    buf_append(b, s.at, s.len);
    return MU_OK;
}

static enum mu_err put_real(struct buf *b, Oid type, double v)
{
    uint64_t bits;

    assert(type == TYPE_FLOAT8);
    memcpy(&bits, &v, sizeof(bits));
    buf_append_u64be(b, bits);
    return MU_OK;
}

/* Dimensions, whether there are NULLs, the type; for the only dimension its length and where it begins; then each
 * element with its length. */
static enum mu_err put_list(struct buf *b, Oid list, const struct pg_value *v)
{
    Oid type = element_type(list);
    enum mu_err err = MU_OK;

    assert(type);
    buf_append_u32be(b, v->len ? 1 : 0);
    buf_append_u32be(b, 0);
    buf_append_u32be(b, type);
    if (v->len) {
        buf_append_u32be(b, (uint32_t)v->len);
        buf_append_u32be(b, 1);
    }
    for (size_t i = 0; i < v->len && err == MU_OK; i++) {
        size_t before = b->len;
        buf_append_u32be(b, 0);
        err = v->kind == PG_INTS ? put_int(b, type, ((const int64_t *)v->at)[i])
                                 : put_bytes(b, type, ((const struct str *)v->at)[i]);
        if (err == MU_OK && (err = b->err) == MU_OK)
            bytes_put_u32be(b->data + before, (uint32_t)(b->len - before - 4));
    }
    return err;
}

static enum mu_err put_value(struct buf *b, Oid type, const struct pg_value *v)
{
    switch (v->kind) {
    case PG_NULL: return MU_OK;
    case PG_INT: return put_int(b, type, v->integer);
    case PG_REAL: return put_real(b, type, v->real);
    case PG_BYTES: return put_bytes(b, type, (struct str){ v->at, v->len });
    case PG_INTS:
    case PG_STRS: return put_list(b, type, v);
    }
    return MU_E_VALUE;
}

enum mu_err pg_encode(struct buf *sent, const Oid *types, const struct pg_value *values, size_t count,
                      struct pg_parameters *out)
{
    enum mu_err err;
    size_t begins[PG_VALUES_MAX];

    assert(count <= PG_VALUES_MAX);
    buf_clear(sent);
    for (size_t i = 0; i < count; i++) {
        begins[i] = sent->len;
        if ((err = put_value(sent, types[i], &values[i])) != MU_OK)
            return err;
        out->len[i] = (int)(sent->len - begins[i]);
        out->format[i] = 1;
        /* An empty value needs an address, too: without one it would be NULL. */
        buf_append_u8(sent, 0);
    }
    if (sent->err != MU_OK)
        return sent->err;
    for (size_t i = 0; i < count; i++)
        out->at[i] = values[i].kind == PG_NULL ? NULL : (const char *)sent->data + begins[i];
    return MU_OK;
}

/* --- reading --------------------------------------------------------------------------------------*/

bool pg_col_is_null(const struct pg_row *row)
{
    return PQgetisnull(row->result, row->row, row->column);
}

struct str pg_col_str(struct pg_row *row)
{
    int column = row->column++;

    assert(column < PQnfields(row->result));
    return (struct str){ PQgetvalue(row->result, row->row, column),
                         (size_t)PQgetlength(row->result, row->row, column) };
}

int64_t pg_col_int(struct pg_row *row)
{
    struct str s = pg_col_str(row);
    struct bytes b = bytes_of(s.at, s.len);

    switch (s.len) {
    case 0: return 0; /* NULL */
    case 1: return bytes_u8(&b);
    case 2: return (int16_t)bytes_u16be(&b);
    case 4: return (int32_t)bytes_u32be(&b);
    default:
        assert(s.len == 8); /* else the column is no number */
        return (int64_t)bytes_u64be(&b);
    }
}

double pg_col_real(struct pg_row *row, bool *set)
{
    struct str s = pg_col_str(row);
    struct bytes b = bytes_of(s.at, s.len);
    uint64_t bits = bytes_u64be(&b);
    double v;

    assert(s.len == 0 || s.len == sizeof(v));
    *set = s.len != 0;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

/* The versions of a schema: recognising and updating one. */
#include "postgres/pg_private.h"

#include <stdio.h>

/* So that two that migrate at once do so one after the other. */
#define MIGRATE_LOCK "SELECT pg_advisory_xact_lock(hashtext('muster.migrate'))"

static void read_version(struct pg_row *row, void *out)
{
    *(int64_t *)out = pg_col_int(row);
}

/* *version is 0 if there is no such schema. The table is looked up first: a statement that fails would end the
 * transaction. */
static enum mu_err find_version(struct pg *pg, const struct pg_schema *schema, int64_t *version)
{
    enum mu_err err;
    int64_t tables = 0;

    *version = 0;
    err = pg_get(pg, "SELECT count(*) FROM pg_tables WHERE schemaname = $1::text AND tablename = 'schema_version'",
                 PG_VALUES(pg_text(schema->name)), read_version, &tables, NULL);
    if (err != MU_OK || tables == 0)
        return err;
    err = pg_get(pg, "SELECT version FROM schema_version", NULL, 0, read_version, version, NULL);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

static enum mu_err refuse_newer(const struct pg_schema *schema, int64_t version, char *why, size_t why_size)
{
    if (version <= schema->step_count)
        return MU_OK;
    snprintf(
        why, why_size,
        "the schema %s of the database was written by a newer version of muster (it is %lld, this muster knows %u)",
        schema->name, (long long)version, schema->step_count);
    return MU_E_SCHEMA;
}

enum mu_err pg_schema_check(struct pg *pg, const struct pg_schema *schema, char *why, size_t why_size)
{
    enum mu_err err;
    int64_t version;

    if ((err = find_version(pg, schema, &version)) != MU_OK) {
        snprintf(why, why_size, "the schema %s of the database cannot be read: %s", schema->name, mu_err_text(err));
        return err;
    }
    if ((err = refuse_newer(schema, version, why, why_size)) != MU_OK || version == schema->step_count)
        return err;
    if (version == 0)
        snprintf(why, why_size, "the database has no schema %s: run muster migrate", schema->name);
    else
        snprintf(
            why, why_size,
            "the schema %s of the database is older than this muster (it is %lld, and %u is needed): run muster migrate",
            schema->name, (long long)version, schema->step_count);
    return MU_E_SCHEMA;
}

static enum mu_err take_steps(struct pg *pg, const struct pg_schema *schema, unsigned *from, char *why, size_t why_size)
{
    enum mu_err err;
    int64_t version;
    char sql[200];

    if ((err = pg_exec(pg, MIGRATE_LOCK)) != MU_OK || (err = find_version(pg, schema, &version)) != MU_OK ||
        (err = refuse_newer(schema, version, why, why_size)) != MU_OK)
        return err;
    *from = (unsigned)version;
    if (version == schema->step_count)
        return MU_OK;
    snprintf(sql, sizeof(sql),
             "CREATE SCHEMA IF NOT EXISTS %s; CREATE TABLE IF NOT EXISTS %s.schema_version (version integer NOT NULL)",
             schema->name, schema->name);
    if ((err = pg_exec(pg, sql)) != MU_OK)
        return err;
    for (; version < schema->step_count; version++) {
        if ((err = pg_exec(pg, schema->steps[version])) != MU_OK)
            return err;
    }
    if ((err = pg_run(pg, "DELETE FROM schema_version", NULL, 0, NULL)) != MU_OK)
        return err;
    return pg_run(pg, "INSERT INTO schema_version VALUES ($1)", PG_VALUES(pg_int(version)), NULL);
}

enum mu_err pg_schema_migrate(struct pg *pg, const struct pg_schema *schema, unsigned *from, char *why, size_t why_size)
{
    enum mu_err err;

    *why = '\0';
    if ((err = pg_begin(pg, PG_WRITE)) == MU_OK && (err = take_steps(pg, schema, from, why, why_size)) == MU_OK)
        return pg_commit(pg);
    if (!*why)
        snprintf(why, why_size, "the schema %s of the database cannot be updated: %s", schema->name, mu_err_text(err));
    pg_rollback(pg);
    return err;
}

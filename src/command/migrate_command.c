/* muster migrate: makes the schemas of a database, or brings them up to date. */

#include <stdio.h>

#include "command/commands.h"
#include "journal/postgres_journal.h"
#include "ops/settings.h"
#include "postgres/pg.h"
#include "registry/registry.h"

static void tell(const struct pg_schema *schema, unsigned from)
{
    if (from == schema->step_count)
        printf("schema %s: version %u, as it should be\n", schema->name, from);
    else if (from == 0)
        printf("schema %s: made, version %u\n", schema->name, schema->step_count);
    else
        printf("schema %s: updated from version %u to %u\n", schema->name, from, schema->step_count);
}

static enum mu_err open_schema(struct pg **out, const char *uri, const struct pg_schema *schema, char *why,
                               size_t why_size)
{
    struct pg_settings settings = { .uri = uri, .schema = schema->name, .event = "migrate_failed" };

    return pg_open(out, &settings, why, why_size);
}

static enum mu_err bring_up_to_date(const char *uri, const struct pg_schema *schema, bool quiet, char *why,
                                    size_t why_size)
{
    struct pg *pg = NULL;
    unsigned from;
    enum mu_err err = open_schema(&pg, uri, schema, why, why_size);

    if (err == MU_OK && (err = pg_schema_migrate(pg, schema, &from, why, why_size)) == MU_OK && !quiet)
        tell(schema, from);
    pg_close(pg);
    return err;
}

/* Whether there is something to do. */
static enum mu_err look(const char *uri, const struct pg_schema *schema, bool *due, char *why, size_t why_size)
{
    struct pg *pg = NULL;
    enum mu_err err = open_schema(&pg, uri, schema, why, why_size);

    if (err == MU_OK && (err = pg_schema_check(pg, schema, why, why_size)) == MU_E_SCHEMA) {
        *due = true;
        err = MU_OK;
    }
    pg_close(pg);
    return err;
}

/* A running node would go on as if nothing had changed. */
static enum mu_err migrate_all(const char *uri, bool quiet, char *why, size_t why_size)
{
    const struct pg_schema *const schemas[] = { &registry_schema, &journal_schema };
    const size_t count = sizeof(schemas) / sizeof(*schemas);
    struct pg *lock = NULL;
    bool due = false;
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = look(uri, schemas[i], &due, why, why_size);
    if (err == MU_OK && due && (err = open_schema(&lock, uri, &journal_schema, why, why_size)) == MU_OK)
        err = postgres_journal_keep_closed(lock, why, why_size);
    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = bring_up_to_date(uri, schemas[i], quiet, why, why_size);
    pg_close(lock);
    return err;
}

static int migrate(const struct settings *s)
{
    char why[512] = "";
    enum mu_err err = migrate_all(setting_text(s, "store"), setting_on(s, "quiet"), why, sizeof(why));

    if (err != MU_OK)
        fprintf(stderr, "muster migrate: %s\n", why[0] ? why : mu_err_text(err));
    return operation_status(err);
}

/* clang-format off: a table */
static const struct setting migrate_settings[] = {
    { .name = "store",
      .kind = SETTING_STORE,
      .required = true,
      .metavar = STORE_METAVAR,
      .help = "the database (required, here or in the configuration file)" },
    CONFIG_SETTING,
    QUIET_SETTING,
    COMMON_SETTINGS,
};
/* clang-format on */

const struct command command_migrate = {
    .name = "migrate",
    .group = COMMAND_DATA,
    .summary = "prepares a database, or updates it to this version",
    .description =
        "Makes the schemas registry and journal in a database of PostgreSQL, or brings them up to date, and "
        "says what it did. Where all is up to date it does nothing. Otherwise it needs the database for itself: "
        "end all servers before.",
    .settings = migrate_settings,
    .examples = { { "muster migrate --store postgresql://muster@db/muster", "before the first start" } },
    .run = migrate,
};

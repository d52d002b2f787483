#ifndef MUSTER_SQL_REGISTRY_FIXTURE_H
#define MUSTER_SQL_REGISTRY_FIXTURE_H

/* What the tests of the registry share: a registry in a directory that is removed at the end, rows. With
 * MUSTER_STORE=postgres in the environment the registry is in a database of its own instead, in a PostgreSQL of the
 * test's own. */

#include "base/unit_test.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postgres/pg.h"
#include "postgres/pg_fixture.h"
#include "registry/registry.h"
#include "sql/sqlite_pages.h"

struct registry_fixture {
    char dir[64];
    char file[128];
    char uri[PG_FIXTURE_URI]; /* "": over SQLite */
    struct registry *reg;
};

static inline enum mu_err fixture_open(struct registry_fixture *f, char *why, size_t why_size)
{
    return f->uri[0] ? registry_open_store(&f->reg, f->uri, why, why_size)
                     : registry_open(&f->reg, f->dir, why, why_size);
}

static inline void fixture_reopen(struct registry_fixture *f)
{
    char why[512] = "";

    registry_close(f->reg);
    f->reg = NULL;
    if (fixture_open(f, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
}

static inline void fixture_stop_postgres(void)
{
    pg_fixture_stop(NULL);
}

static inline void fixture_make_database(struct registry_fixture *f)
{
    static bool started;
    struct pg_settings settings = { .uri = f->uri, .schema = registry_schema.name, .event = "registry_failed" };
    char why[512] = "";
    unsigned from;
    struct pg *pg;

    if (!started) {
        pg_fixture_start(NULL);
        atexit(fixture_stop_postgres);
        started = true;
    }
    pg_fixture_database(f->uri);
    if (pg_open(&pg, &settings, why, sizeof(why)) != MU_OK ||
        pg_schema_migrate(pg, &registry_schema, &from, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    pg_close(pg);
}

/* For a test of what only a file has. */
static inline void fixture_needs_file(const struct registry_fixture *f)
{
    if (f->uri[0])
        skip();
}

static inline int fixture_setup(void **state)
{
    const char *store = getenv("MUSTER_STORE");
    struct registry_fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/muster-registry-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->file, sizeof(f->file), "%s/registry.db", f->dir);
    if (store && strcmp(store, "postgres") == 0)
        fixture_make_database(f);
    fixture_reopen(f);
    *state = f;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline int fixture_teardown(void **state)
{
    struct registry_fixture *f = *state;

    registry_close(f->reg);
    nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* Changes the store in a way that the port cannot. */
static inline void fixture_sql(struct registry_fixture *f, const char *sql)
{
    sqlite3 *db;
    char *error = NULL, in_schema[4000];

    if (f->uri[0]) {
        int len = snprintf(in_schema, sizeof(in_schema), "SET search_path TO registry; %s", sql);
        assert_in_range(len, 1, sizeof(in_schema) - 1);
        pg_fixture_sql(f->uri, in_schema);
        return;
    }
    assert_int_equal(sqlite3_open_v2(f->file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, PAGES_VFS), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    sqlite3_close(db);
}

/* The rows of a test, all in one transaction that must succeed. Any row may be NULL. */
struct fixture_rows {
    struct enterprise_row *enterprise;
    struct product_row *product;
    struct device_row *device;
    struct group_row *group;
    struct app_row *app;
    struct user_row *user;
};

static inline enum mu_err fixture_put_rows(struct registry_tx *tx, void *arg)
{
    struct fixture_rows *rows = arg;
    enum mu_err err = MU_OK;

    if (err == MU_OK && rows->enterprise)
        err = tx_put_enterprise(tx, rows->enterprise);
    if (err == MU_OK && rows->product)
        err = tx_put_product(tx, rows->product);
    if (err == MU_OK && rows->device)
        err = tx_put_device(tx, rows->device);
    if (err == MU_OK && rows->group)
        err = tx_put_group(tx, rows->group);
    if (err == MU_OK && rows->app)
        err = tx_put_app(tx, rows->app);
    if (err == MU_OK && rows->user)
        err = tx_put_user(tx, rows->user);
    return err;
}

#define fixture_put(f, ...) registry_write((f)->reg, fixture_put_rows, &(struct fixture_rows){ __VA_ARGS__ })

/* For registry_freeze. */
static inline enum mu_err fixture_nothing(void *ctx)
{
    (void)ctx;
    return MU_OK;
}

static inline uint32_t fixture_product(struct registry_fixture *f)
{
    struct product_row product = { .name = "heater" };

    id_new_hex(product.product_key);
    id_new_hex(product.product_secret);
    assert_int_equal(fixture_put(f, .product = &product), MU_OK);
    return product.no;
}

static inline enum mu_err fixture_get_device(struct registry_tx *tx, void *arg)
{
    struct device_row *device = arg;
    return tx_device_by_no(tx, device->no, device);
}

static inline struct device_row fixture_device(struct registry_fixture *f, uint32_t no)
{
    struct device_row device = { .no = no };
    assert_int_equal(registry_read(f->reg, fixture_get_device, &device), MU_OK);
    return device;
}

#endif

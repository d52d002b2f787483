#ifndef MUSTER_SQL_REGISTRY_FIXTURE_H
#define MUSTER_SQL_REGISTRY_FIXTURE_H

/* What the tests of the registry share: a directory that is removed at the end, a registry in it, rows. */

#include "base/unit_test.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/registry.h"
#include "sql/sqlite_pages.h"

struct registry_fixture {
    char dir[64];
    char file[128];
    struct registry *reg;
};

static inline void fixture_reopen(struct registry_fixture *f)
{
    char why[512] = "";

    registry_close(f->reg);
    f->reg = NULL;
    enum mu_err err = registry_open(&f->reg, f->dir, why, sizeof(why));
    if (err != MU_OK)
        fail_msg("%s", why);
}

static inline int fixture_setup(void **state)
{
    struct registry_fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/muster-registry-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->file, sizeof(f->file), "%s/registry.db", f->dir);
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

/* Changes the file in a way that the port cannot. */
static inline void fixture_sql(struct registry_fixture *f, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;

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

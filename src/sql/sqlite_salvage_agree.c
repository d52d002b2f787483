#include "sql/sqlite_salvage.h"

#include <assert.h>

/* The groups of a product are a tree with one root. A group without a parent is put below the root. If the root is
 * lost, a new one is made: one of the other groups as root would show the devices of its siblings as its own. */
#define ROOT "(SELECT min(r.no) FROM device_group r WHERE r.product = device_group.product AND r.parent IS NULL)"
#define TREE                                                                                   \
    "WITH RECURSIVE tree (no) AS (SELECT no FROM device_group WHERE parent IS NULL UNION ALL " \
    "SELECT c.no FROM tree JOIN device_group c ON c.parent = tree.no) SELECT no FROM tree"

static const char *const groups[] = {
    "DELETE FROM device_group WHERE product NOT IN (SELECT no FROM product)",
    "INSERT INTO device_group (product, parent, gid) SELECT product, NULL, lower(hex(randomblob(16))) "
    "FROM device_group GROUP BY product HAVING count(*) = count(parent)",
    "UPDATE device_group SET parent = " ROOT " WHERE parent IS NULL AND no <> " ROOT " OR parent IS NOT NULL AND "
    "NOT EXISTS (SELECT 1 FROM device_group p WHERE p.no = device_group.parent AND p.product = device_group.product)",
    "UPDATE device_group SET parent = " ROOT " WHERE no NOT IN (" TREE ")",
};

/* These run after the rows that refer to nothing are gone. */
static const char *const rules[] = {
    "UPDATE device SET device_group = NULL WHERE device_group IS NOT NULL AND product <> "
    "(SELECT g.product FROM device_group g WHERE g.no = device_group)",
    /* All registrations of a mac get the group of the newest registration that has one. */
    "UPDATE device SET device_group = (SELECT s.device_group FROM device s WHERE s.product = device.product AND "
    "s.mac = device.mac ORDER BY s.device_group IS NULL, s.no DESC LIMIT 1) WHERE (product, mac) IN (SELECT product, "
    "mac FROM device GROUP BY product, mac HAVING count(DISTINCT ifnull(device_group, 0)) > 1)",
    "UPDATE product SET definition = 0 WHERE definition <> 0 AND NOT EXISTS "
    "(SELECT 1 FROM definition d WHERE d.product = product.no AND d.version = product.definition)",
    "DELETE FROM token WHERE NOT EXISTS (SELECT 1 FROM association s WHERE s.product = token.product AND "
    "s.enterprise = token.enterprise)",
    /* The user who has been bound longest becomes the device's owner, unless exactly one owner is known. */
    "UPDATE binding SET is_owner = no = (SELECT b.no FROM binding b WHERE b.device = binding.device AND "
    "b.until IS NULL ORDER BY b.is_owner DESC, b.since, b.no LIMIT 1) WHERE until IS NULL AND device IN "
    "(SELECT device FROM binding WHERE until IS NULL GROUP BY device HAVING sum(is_owner) <> 1)",
    "UPDATE product_user SET devices = 0",
    "INSERT INTO product_user (product, user, first_bound, devices) SELECT d.product, b.user, min(b.since), "
    "sum(b.until IS NULL) FROM binding b JOIN device d ON d.no = b.device WHERE true GROUP BY 1, 2 ON CONFLICT "
    "(product, user) DO UPDATE SET devices = excluded.devices, first_bound = min(first_bound, excluded.first_bound)",
};

/* Makes a statement for each column that refers to a table. If the column may be NULL, a reference to nothing becomes
 * NULL; otherwise its row is deleted. */
#define REFERENCES                                                                                                     \
    "SELECT CASE WHEN c.\"notnull\" OR c.pk "                                                                          \
    "THEN format('DELETE FROM \"%w\" WHERE \"%w\" NOT IN (SELECT rowid FROM \"%w\")', t.name, f.\"from\", "            \
    "f.\"table\") ELSE format('UPDATE \"%w\" SET \"%w\" = NULL WHERE \"%w\" IS NOT NULL AND \"%w\" NOT IN "            \
    "(SELECT rowid FROM \"%w\")', t.name, f.\"from\", f.\"from\", f.\"from\", f.\"table\") END FROM sqlite_schema t, " \
    "pragma_foreign_key_list(t.name) f, pragma_table_info(t.name) c WHERE t.type = 'table' AND c.name = f.\"from\""

static int run_it(void *handle, int columns, char **values, char **names)
{
    (void)names;
    assert(columns == 1); /* of REFERENCES */
    (void)columns;
    return sqlite3_exec(handle, values[0], NULL, NULL, NULL);
}

/* Repeats until nothing refers to a deleted row. */
static enum mu_err drop_dangling(struct db *to)
{
    int before, rc;

    do {
        before = sqlite3_total_changes(to->handle);
        rc = sqlite3_exec(to->handle, REFERENCES, run_it, to->handle, NULL);
    } while (rc == SQLITE_OK && sqlite3_total_changes(to->handle) != before);
    return rc == SQLITE_OK ? MU_OK : sqlite_error(to, rc);
}

static enum mu_err run_all(struct db *to, const char *const *list, size_t count)
{
    enum mu_err err = MU_OK;

    for (size_t i = 0; i < count && err == MU_OK; i++)
        err = sqlite_exec(to, list[i]);
    return err;
}

enum mu_err salvage_agree(struct db *to)
{
    enum mu_err err;

    if ((err = run_all(to, groups, sizeof(groups) / sizeof(*groups))) != MU_OK || (err = drop_dangling(to)) != MU_OK)
        return err;
    return run_all(to, rules, sizeof(rules) / sizeof(*rules));
}

/* Searching users.
 *
 * A search first finds the numbers of all users that match, by an index of the given field. Then it reads the rows of
 * one page. So the total is known, and a hundred thousand numbers take little memory. The planner cannot know which of
 * several conditions is the rare one. So the order of joins is fixed, and a + before a column keeps the planner from
 * using its index. */
#include "sql/sql_registry.h"

#include <assert.h>
#include <stdlib.h>

/* --- what matches ---------------------------------------------------------------------------------*/

#define OF_PRODUCT                                                                 \
    "(SELECT app FROM app_product WHERE product = $1) AND ($2 = 0 OR u.app = $2) " \
    "AND u.no NOT IN " DISABLED_USERS " "
#define REGISTERED_BY(column)                                                                       \
    "SELECT u.no FROM \"user\" u WHERE u." column " <> '' AND +u.app IN " OF_PRODUCT                \
    "AND ($3 = '' OR u.username = $3) AND ($4 = '' OR u.phone = $4) AND ($5 = '' OR u.email = $5) " \
    "AND u." column " = "

static enum mu_err find_registered(struct registry_tx *tx, const struct registered_users *q, uint32_t **users,
                                   size_t *count)
{
    if (!q->username.len && !q->phone.len && !q->email.len)
        return db_numbers(tx->db, "SELECT u.no FROM \"user\" u WHERE u.app IN " OF_PRODUCT,
                          DB_VALUES(db_int(q->product), db_int(q->app)), users, count);
    return db_numbers(
        tx->db,
        q->phone.len   ? REGISTERED_BY("phone") "$4"
        : q->email.len ? REGISTERED_BY("email") "$5"
                       : REGISTERED_BY("username") "$3",
        DB_VALUES(db_int(q->product), db_int(q->app), db_str(q->username), db_str(q->phone), db_str(q->email)), users,
        count);
}

/* The groups of a subtree; whether a device is in one of them. Without a group all devices are. */
#define SUBTREE(group)                                                                        \
    "WITH RECURSIVE sub (no) AS (SELECT no FROM device_group WHERE no = " group " UNION ALL " \
    "SELECT g.no FROM sub JOIN device_group g ON g.parent = sub.no) "
#define IN_SUBTREE "($3 = 0 OR d.device_group IN (SELECT no FROM sub))"

#define BOUND_BY_USER(column)                                                                  \
    SUBTREE("$3")                                                                              \
    "SELECT u.no FROM \"user\" u WHERE u." column " <> '' AND u." column " = $2 AND EXISTS ("  \
    "SELECT 1 FROM binding b CROSS JOIN device d WHERE d.no = b.device AND b.\"user\" = u.no " \
    "AND b.until IS NULL AND +d.product = $1 AND " IN_SUBTREE ")"
#define BOUND_BY_DEVICE(column)                                                            \
    SUBTREE("$3")                                                                          \
    "SELECT DISTINCT b.\"user\" FROM device d CROSS JOIN binding b WHERE b.device = d.no " \
    "AND d." column " <> '' AND d.product = $1 AND d." column " = $2 AND b.until IS NULL " \
    "AND b.\"user\" NOT IN " DISABLED_USERS " AND " IN_SUBTREE

static enum mu_err find_bound(struct registry_tx *tx, const struct bound_users *q, uint32_t **users, size_t *count)
{
    static const char *const by[] = {
        [BOUND_BY_UID] = BOUND_BY_USER("uid"),
        [BOUND_BY_USERNAME] = BOUND_BY_USER("username"),
        [BOUND_BY_PHONE] = BOUND_BY_USER("phone"),
        [BOUND_BY_EMAIL] = BOUND_BY_USER("email"),
        [BOUND_BY_DID] = BOUND_BY_DEVICE("did"),
        [BOUND_BY_MAC] = BOUND_BY_DEVICE("mac"),
        [BOUND_BY_DEVICE_SN] = BOUND_BY_DEVICE("device_sn"),
    };

    assert(q->by < (int)(sizeof(by) / sizeof(*by)));
    if (q->by != BOUND_ANY)
        return db_numbers(tx->db, by[q->by], DB_VALUES(db_int(q->product), db_str(q->val), db_int(q->group)), users,
                          count);
    if (q->group)
        return db_numbers(tx->db,
                          SUBTREE("$1") "SELECT DISTINCT b.\"user\" FROM sub CROSS JOIN device d CROSS JOIN binding b "
                                        "WHERE d.device_group = sub.no AND b.device = d.no AND b.until IS NULL "
                                        "AND b.\"user\" NOT IN " DISABLED_USERS,
                          DB_VALUES(db_int(q->group)), users, count);
    return db_numbers(tx->db,
                      "SELECT \"user\" FROM product_user WHERE product = $1 AND devices > 0 "
                      "AND \"user\" NOT IN " DISABLED_USERS,
                      DB_VALUES(db_int(q->product)), users, count);
}

/* --- the page -------------------------------------------------------------------------------------*/

struct users_query {
    const struct registered_users *registered; /* one of the two */
    const struct bound_users *bound;
    struct users_page *page;
};

static int younger_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The device of a search by did; 0: a search by something else. */
static enum mu_err find_device(struct registry_tx *tx, const struct bound_users *q, uint32_t *no)
{
    int64_t device = 0;
    enum mu_err err = MU_OK;

    if (q && q->by == BOUND_BY_DID)
        err = db_int_of(tx->db, "SELECT no FROM device WHERE did = $1", DB_VALUES(db_str(q->val)), &device);
    *no = (uint32_t)device;
    return err;
}

static enum mu_err give_page(struct registry_tx *tx, const struct users_query *q, const uint32_t *users, size_t count)
{
    const struct users_page *page = q->page;
    struct user_row user;
    struct binding_row binding = { 0 };
    uint32_t device;
    enum mu_err err;

    if (page->skip >= count || !page->limit)
        return MU_OK;
    size_t from = (size_t)page->skip;
    size_t to = count - from > page->limit ? from + (size_t)page->limit : count;
    assert(from < to && to <= count);
    if ((err = find_device(tx, q->bound, &device)) != MU_OK)
        return err;
    for (size_t i = from; i < to && err == MU_OK; i++) {
        if ((err = tx_ahead(tx, KIND_USER, users + from, to - from, i - from)) == MU_OK &&
            (err = tx_user_by_no(tx, users[i], &user)) == MU_OK && device)
            err = tx_binding_now(tx, user.no, device, &binding);
        if (err == MU_OK)
            err = page->fn(page->ctx, &user, binding.is_owner);
    }
    return err;
}

static enum mu_err find_users(struct registry_tx *tx, void *arg)
{
    const struct users_query *q = arg;
    uint32_t *users;
    size_t count;

    assert(!q->bound != !q->registered);
    enum mu_err err =
        q->bound ? find_bound(tx, q->bound, &users, &count) : find_registered(tx, q->registered, &users, &count);

    if (err != MU_OK)
        return err;
    q->page->total = count;
    if (count)
        qsort(users, count, sizeof(*users), younger_first);
    err = give_page(tx, q, users, count);
    free(users);
    return err;
}

enum mu_err registry_registered_users(struct registry *reg, const struct registered_users *q, struct users_page *page)
{
    return registry_read(reg, find_users, &(struct users_query){ .registered = q, .page = page });
}

enum mu_err registry_bound_users(struct registry *reg, const struct bound_users *q, struct users_page *page)
{
    return registry_read(reg, find_users, &(struct users_query){ .bound = q, .page = page });
}

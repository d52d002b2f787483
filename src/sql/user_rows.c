/* Apps, their users, and the devices bound to users. */
#include "sql/sql_registry.h"

#include <assert.h>

/* --- apps -----------------------------------------------------------------------------------------*/

void db_row_app(struct db_row *row, void *out)
{
    struct app_row *app = out;

    memset(app, 0, sizeof(*app));
    app->no = col_no(row);
    col_text(row, app->appid, sizeof(app->appid));
    col_text(row, app->name, sizeof(app->name));
    app->enterprise = col_no(row);
}

const char db_app_by_id[] = "SELECT " APP_COLUMNS " FROM app a WHERE a.appid = $1";

enum mu_err tx_app_by_id(struct registry_tx *tx, const char *appid, struct app_row *out)
{
    return db_get(tx->db, db_app_by_id, DB_VALUES(db_text(appid)), db_row_app, out);
}

enum mu_err tx_put_app(struct registry_tx *tx, struct app_row *row)
{
    static const struct db_put put = {
        DB_INSERT("INSERT INTO app (appid, name) VALUES ($1, $2)"),
        .update = "UPDATE app SET appid = $1, name = $2 WHERE no = $3",
    };
    enum mu_err err = db_put(tx->db, &put, DB_VALUES(db_text(row->appid), db_text(row->name)), &row->no);

    return err == MU_OK ? feed_add(tx->db, FEED_APP, row->no, 0) : err;
}

enum mu_err tx_app_products(struct registry_tx *tx, uint32_t app, uint32_t **products, size_t *count)
{
    return db_numbers(tx->db, "SELECT product FROM app_product WHERE app = $1 ORDER BY product", DB_VALUES(db_int(app)),
                      products, count);
}

enum mu_err tx_set_app_products(struct registry_tx *tx, uint32_t app, const uint32_t *products, size_t count)
{
    enum mu_err err;
    int64_t enterprises;

    assert(products || !count);
    if ((err = db_run(tx->db, "DELETE FROM app_product WHERE app = $1", DB_VALUES(db_int(app)))) != MU_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        if ((err = db_run(tx->db, "INSERT INTO app_product (app, product) VALUES ($1, $2)",
                          DB_VALUES(db_int(app), db_int(products[i])))) != MU_OK)
            return err;
    }
    if ((err = db_int_of(tx->db,
                         "SELECT count(DISTINCT s.enterprise) FROM app_product ap "
                         "JOIN association s ON s.product = ap.product WHERE ap.app = $1",
                         DB_VALUES(db_int(app)), &enterprises)) != MU_OK)
        return err;
    if (enterprises > 1)
        return MU_E_VALUE;
    return feed_add(tx->db, FEED_APP, app, 0);
}

/* --- users ----------------------------------------------------------------------------------------*/

static void read_user(struct db_row *row, void *out)
{
    struct user_row *user = out;

    memset(user, 0, sizeof(*user));
    user->no = col_no(row);
    user->app = col_no(row);
    col_text(row, user->uid, sizeof(user->uid));
    col_text(row, user->username, sizeof(user->username));
    col_text(row, user->phone, sizeof(user->phone));
    col_text(row, user->email, sizeof(user->email));
    col_text(row, user->name, sizeof(user->name));
    col_text(row, user->gender, sizeof(user->gender));
    col_text(row, user->birthday, sizeof(user->birthday));
    col_text(row, user->address, sizeof(user->address));
    col_text(row, user->remark, sizeof(user->remark));
    col_text(row, user->auth_src, sizeof(user->auth_src));
    user->is_anonymous = col_int(row) != 0;
    user->created_at = col_int(row);
    user->updated_at = col_int(row);
    col_text(row, user->place.country, sizeof(user->place.country));
    col_text(row, user->place.region, sizeof(user->place.region));
    col_text(row, user->place.city, sizeof(user->place.city));
    user->is_disabled = col_int(row) != 0;
}

#define USER_WHERE                                                                                     \
    "SELECT no, app, uid, username, phone, email, name, gender, birthday, address, remark, auth_src, " \
    "is_anonymous, created_at, updated_at, country, region, city, is_disabled FROM \"user\" WHERE "

const char db_user_by_uid[] = USER_WHERE "uid = $1";

enum mu_err tx_user_by_uid(struct registry_tx *tx, const char *uid, struct user_row *out)
{
    return db_get(tx->db, db_user_by_uid, DB_VALUES(db_text(uid)), read_user, out);
}

const char db_user_by_no[] = USER_WHERE "no = $1";

enum mu_err tx_user_by_no(struct registry_tx *tx, uint32_t no, struct user_row *out)
{
    return db_get(tx->db, db_user_by_no, DB_VALUES(db_int(no)), read_user, out);
}

enum mu_err tx_put_user(struct registry_tx *tx, struct user_row *row)
{
#define COLUMNS                                                                                           \
    "app, uid, username, phone, email, name, gender, birthday, address, remark, auth_src, is_anonymous, " \
    "created_at, updated_at, country, region, city, is_disabled"
#define VALUES "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18"
    static const struct db_put put = {
        DB_INSERT("INSERT INTO \"user\" (" COLUMNS ") VALUES (" VALUES ")"),
        DB_NUMBERED("INSERT INTO \"user\" (" COLUMNS ", no) VALUES (" VALUES ", $19)"),
        .update =
            "UPDATE \"user\" SET app = $1, uid = $2, username = $3, phone = $4, email = $5, name = $6, gender = $7, "
            "birthday = $8, address = $9, remark = $10, auth_src = $11, is_anonymous = $12, created_at = $13, "
            "updated_at = $14, country = $15, region = $16, city = $17, is_disabled = $18 WHERE no = $19",
    };
    /* Whoever looks ahead knows that nobody has the uid. */
    struct db_reserved reserved = { .no = row->no ? 0 : tx_reserved_number(tx, MAKES_USERS), .alone = true };
    enum mu_err err = db_put_numbered(
        tx->db, &put, reserved,
        DB_VALUES(db_int(row->app), db_text(row->uid), db_text(row->username), db_text(row->phone), db_text(row->email),
                  db_text(row->name), db_text(row->gender), db_text(row->birthday), db_text(row->address),
                  db_text(row->remark), db_text(row->auth_src), db_int(row->is_anonymous), db_int(row->created_at),
                  db_int(row->updated_at), db_text(row->place.country), db_text(row->place.region),
                  db_text(row->place.city), db_int(row->is_disabled)),
        &row->no);

    return err == MU_OK ? feed_add(tx->db, FEED_USER, row->no, 0) : err;
}

/* --- bindings -------------------------------------------------------------------------------------*/

struct bound_query {
    uint32_t product;
    const char *uid;
    uint32_t **devices;
    size_t *count;
};

static enum mu_err find_bound(struct registry_tx *tx, void *arg)
{
    enum mu_err err;
    const struct bound_query *q = arg;
    int64_t user;

    /* A user of another enterprise counts as unknown, unless he was ever bound to a device of the product. */
    if ((err = db_int_of(tx->db,
                         "SELECT u.no FROM \"user\" u WHERE u.uid = $1 AND u.is_disabled = 0 AND ("
                         "EXISTS (SELECT 1 FROM app_product a JOIN association its ON its.product = a.product "
                         "JOIN association mine ON mine.enterprise = its.enterprise "
                         "WHERE a.app = u.app AND mine.product = $2) OR "
                         "EXISTS (SELECT 1 FROM binding b JOIN device d ON d.no = b.device "
                         "WHERE b.user = u.no AND d.product = $2))",
                         DB_VALUES(db_text(q->uid), db_int(q->product)), &user)) != MU_OK)
        return err;
    return db_numbers(tx->db,
                      "SELECT b.device FROM binding b JOIN device d ON d.no = b.device "
                      "WHERE b.user = $1 AND b.until IS NULL AND d.product = $2 ORDER BY b.device",
                      DB_VALUES(db_int(user), db_int(q->product)), q->devices, q->count);
}

enum mu_err registry_devices_of_user(struct registry *reg, uint32_t product, const char *uid, uint32_t **devices,
                                     size_t *count)
{
    *devices = NULL;
    *count = 0;
    return registry_read(reg, find_bound, &(struct bound_query){ product, uid, devices, count });
}

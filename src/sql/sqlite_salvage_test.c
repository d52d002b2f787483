/* Salvage of a damaged registry. */
#include "sql/registry_file_fixture.h"

#include "sql/salvage.h"
#include "sql/sqlite_file.h"

enum { PRODUCTS = 12, GROUPS = 30, DEVICES = 150, USERS = 60, VERSIONS = 3 };

/* --- a registry with something in every table ---------------------------------------------------------*/

static enum mu_err put_products(struct registry_tx *tx, uint32_t enterprise, uint32_t app)
{
    uint32_t all[PRODUCTS], version;
    enum mu_err err = MU_OK;

    for (uint32_t i = 0; i < PRODUCTS && err == MU_OK; i++) {
        struct product_row product = { .name = "a heater" };
        id_new_hex(product.product_key);
        id_new_hex(product.product_secret);
        err = tx_put_product(tx, &product);
        all[i] = product.no;
        for (int v = 0; v < VERSIONS && err == MU_OK; v++) {
            char json[900];
            snprintf(json, sizeof(json), "{\"name\":\"%d %0800d\",\"entities\":[{\"id\":0,\"attrs\":[]}]}", v, (int)i);
            err = tx_put_definition(tx, product.no, str_of(json), &version);
        }
        if (err == MU_OK)
            err = tx_associate(tx, enterprise, product.no);
        struct token_row token = { .enterprise = enterprise, .product = product.no, .expires_at = 2000000000 };
        memset(token.hash, (int)(i * 11), sizeof(token.hash));
        if (err == MU_OK)
            err = tx_put_token(tx, &token);
    }
    return err == MU_OK ? tx_set_app_products(tx, app, all, PRODUCTS) : err;
}

static enum mu_err put_devices(struct registry_tx *tx)
{
    enum mu_err err = MU_OK;

    for (uint32_t i = 0; i < GROUPS && err == MU_OK; i++) {
        struct group_row group = { .product = 1, .parent = i == 0 ? 0 : (i + 1) / 2 };
        id_new_hex(group.gid);
        err = tx_put_group(tx, &group);
    }
    for (uint32_t i = 0; i < DEVICES && err == MU_OK; i++) {
        struct device_row device = { .product = 1 + i % 3 * (PRODUCTS / 3), .created_at = 1700000000 };
        snprintf(device.did, sizeof(device.did), "did%019u", i);
        snprintf(device.mac, sizeof(device.mac), "%012x", i / 2 * 2);
        snprintf(device.passcode, sizeof(device.passcode), "%010u", i);
        snprintf(device.place.city, sizeof(device.place.city), "City %u", i);
        device.is_disabled = i % 2 == 0;
        device.group = device.product == 1 ? 1 + i / 2 % GROUPS : 0;
        err = tx_put_device(tx, &device);
    }
    return err;
}

static enum mu_err put_users(struct registry_tx *tx, uint32_t app)
{
    bool is_owned[DEVICES + 1] = { false };
    enum mu_err err = MU_OK;

    for (uint32_t i = 0; i < USERS && err == MU_OK; i++) {
        struct user_row user = { .app = app, .created_at = 1600000000, .updated_at = 1600000000 };
        id_new_hex(user.uid);
        snprintf(user.name, sizeof(user.name), "User %u", i);
        err = tx_put_user(tx, &user);
        for (uint32_t d = 0; d < 4 && err == MU_OK; d++) {
            struct binding_row binding = {
                .device = 1 + (i * 3 + d * 5) % DEVICES, .user = user.no, .app = app, .since = 1700000000 + i
            };
            bool holds = d < 3;
            binding.is_owner = holds && !is_owned[binding.device];
            is_owned[binding.device] |= holds;
            err = tx_bind(tx, &binding);
            if (err == MU_OK && !holds)
                err = tx_unbind(tx, binding.no, 1700001000);
        }
    }
    return err;
}

static enum mu_err put_all(struct registry_tx *tx, void *arg)
{
    struct enterprise_row enterprise = { .name = "Mine", .hourly_quota = 100 };
    struct app_row app = { .name = "App" };
    enum mu_err err;

    (void)arg;
    id_new_hex(enterprise.enterprise_id);
    id_new_hex(app.appid);
    if ((err = tx_put_enterprise(tx, &enterprise)) != MU_OK || (err = tx_put_app(tx, &app)) != MU_OK ||
        (err = put_products(tx, enterprise.no, app.no)) != MU_OK || (err = put_devices(tx)) != MU_OK)
        return err;
    return put_users(tx, app.no);
}

static void fill(struct registry_fixture *f)
{
    assert_int_equal(registry_write(f->reg, put_all, NULL), MU_OK);
    assert_int_equal(registry_set_fact(f->reg, "time_zone", "Asia/Shanghai"), MU_OK);
    fixture_sql(f, "INSERT INTO audit (at, enterprise_id, request, uid, user, command) "
                   "SELECT no, '', 0, 0, 'root', 'apply' FROM device;"
                   "INSERT INTO audit_change SELECT no, 1, 'changed', 'device', no, 'all of it' FROM audit");
    registry_close(f->reg);
    f->reg = NULL;
}

/* --- salvaging it --------------------------------------------------------------------------------------*/

struct salvage_outcome {
    struct salvage_table tables[32];
    size_t count;
    unsigned mistakes;
    char first_mistake[200];
};

static void on_table(void *ctx, const struct salvage_table *t)
{
    struct salvage_outcome *o = ctx;

    o->tables[o->count] = *t;
    o->tables[o->count++].name = strdup(t->name);
}

static const struct salvage_table *table_of(const struct salvage_outcome *o, const char *name)
{
    for (size_t i = 0; i < o->count; i++) {
        if (strcmp(o->tables[i].name, name) == 0)
            return &o->tables[i];
    }
    fail_msg("no table %s", name);
    return NULL;
}

static void outcome_free(struct salvage_outcome *o)
{
    for (size_t i = 0; i < o->count; i++)
        free((char *)o->tables[i].name);
    *o = (struct salvage_outcome){ 0 };
}

static void on_mistake(void *ctx, const char *text)
{
    struct salvage_outcome *o = ctx;

    if (o->mistakes++ == 0)
        snprintf(o->first_mistake, sizeof(o->first_mistake), "%s", text);
}

static void on_looked_at(void *ctx, const char *what, uint64_t count)
{
    (void)ctx, (void)what, (void)count;
}

struct salvaged {
    struct registry_fixture in; /* its directory, and the registry in it, which is open */
    struct salvage_outcome outcome;
};

static enum mu_err try_salvage(struct registry_fixture *f, struct salvaged *out, uint32_t last_device, char *why,
                               size_t why_size)
{
    *out = (struct salvaged){ 0 };
    snprintf(out->in.dir, sizeof(out->in.dir), "%.40s/new", f->dir);
    snprintf(out->in.file, sizeof(out->in.file), "%s/registry.db", out->in.dir);
    assert_int_equal(mkdir(out->in.dir, 0700), 0);
    struct salvage about = { .seen.device = last_device, .table = on_table, .ctx = &out->outcome };
    return registry_salvage(f->dir, out->in.dir, &about, why, why_size);
}

static void open_salvaged(struct salvaged *out)
{
    fixture_reopen(&out->in);
    struct findings findings = { &out->outcome, on_mistake, on_looked_at, NULL };
    assert_int_equal(registry_check(out->in.reg, &findings), MU_OK);
    if (out->outcome.mistakes)
        fail_msg("%u mistakes: %s", out->outcome.mistakes, out->outcome.first_mistake);
}

static void salvage(struct registry_fixture *f, struct salvaged *out, uint32_t last_device)
{
    char why[512] = "";
    struct kept_file harmed = file_keep(f);

    if (try_salvage(f, out, last_device, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    assert_true(file_is_as_kept(&harmed));
    file_forget(&harmed);
    open_salvaged(out);
}

static void forget(struct salvaged *s)
{
    registry_close(s->in.reg);
    outcome_free(&s->outcome);
    nftw(s->in.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int64_t number_of(struct registry_fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_open_v2(f->file, &db, SQLITE_OPEN_READWRITE, PAGES_VFS), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

/* --- tests ---------------------------------------------------------------------------------------------*/

static void a_whole_registry_is_copied_as_it_is(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;
    static const char *const sums[] = {
        "SELECT count(*) FROM device",
        "SELECT sum(no * (device_group + 3)) FROM device",
        "SELECT count(*) FROM token",
        "SELECT sum(length(json)) FROM definition",
        "SELECT sum(devices * first_bound) FROM product_user",
        "SELECT count(*) FROM binding WHERE until IS NULL",
        "SELECT sum(is_owner) FROM binding",
        "SELECT sum(seq) FROM sqlite_sequence WHERE name <> 'change'",
        "SELECT sum(parent * no) FROM device_group",
        "SELECT sum(length(what)) FROM audit_change",
        "SELECT sum(definition) FROM product",
        "SELECT count(*) FROM fact",
    };

    fill(f);
    salvage(f, &s, 0);
    for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++) {
        if (number_of(f, sums[i]) != number_of(&s.in, sums[i]))
            fail_msg("%s: %d and %d", sums[i], (int)number_of(f, sums[i]), (int)number_of(&s.in, sums[i]));
    }
    for (size_t i = 0; i < s.outcome.count; i++) {
        const struct salvage_table *t = &s.outcome.tables[i];
        if (t->is_damaged || t->missing + t->dropped + t->by_key > 0)
            fail_msg("%s: %d missing, %d dropped, %d by key", t->name, (int)t->missing, (int)t->dropped,
                     (int)t->by_key);
    }
    forget(&s);
}

/* If a leaf of the schema is damaged, nothing can be read. Elsewhere only the content of the damaged page is lost. */
static void one_damaged_page_costs_what_lies_on_it_and_no_number_is_given_again(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;
    unsigned unreadable = 0, lost_rows = 0, by_key = 0;
    char why[512];

    fill(f);
    struct kept_file good = file_keep(f);
    size_t pages = good.bytes[0].len / PAGES_SIZE;
    int64_t bindings = number_of(f, "SELECT count(*) FROM binding"),
            tokens = number_of(f, "SELECT count(*) FROM token");
    static const char *const kinds[] = { "device", "user", "product", "binding", "device_group", "enterprise", "app" };
    enum { KINDS = sizeof(kinds) / sizeof(*kinds) };
    char sql[KINDS][100];
    int64_t last[KINDS];
    for (size_t i = 0; i < KINDS; i++) {
        snprintf(sql[i], sizeof(sql[i]), "SELECT seq FROM sqlite_sequence WHERE name = '%s'", kinds[i]);
        last[i] = number_of(f, sql[i]);
    }
    for (size_t page = 1; page <= pages; page++) {
        file_put_back(f, &good);
        file_flip(f->file, (off_t)((page - 1) * PAGES_SIZE) + 4000);
        if (try_salvage(f, &s, 0, why, sizeof(why)) == MU_E_CORRUPT) {
            assert_non_null(strstr(why, "muster restore"));
            assert_int_not_equal(access(s.in.file, F_OK), 0);
            forget(&s);
            unreadable++;
            continue;
        }
        open_salvaged(&s);
        assert_int_equal(number_of(&s.in, "SELECT count(*) FROM device"), DEVICES);
        assert_int_equal(number_of(&s.in, "SELECT count(*) FROM product"), PRODUCTS);
        assert_int_equal(number_of(&s.in, "SELECT count(*) FROM user"), USERS);
        assert_int_equal(number_of(&s.in, "SELECT count(*) FROM enterprise"), 1);
        assert_in_range(number_of(&s.in, "SELECT count(*) FROM binding"), bindings - 215, bindings);
        assert_in_range(number_of(&s.in, "SELECT count(*) FROM token"), 0, tokens);
        assert_true(number_of(&s.in, "SELECT count(*) FROM binding WHERE until IS NULL") > 0);
        for (size_t i = 0; i < KINDS; i++)
            assert_true(number_of(&s.in, sql[i]) >= last[i]);
        for (size_t i = 0; i < s.outcome.count; i++) {
            lost_rows += (unsigned)s.outcome.tables[i].missing;
            by_key += (unsigned)s.outcome.tables[i].by_key;
        }
        forget(&s);
    }
    assert_in_range(unreadable, 1, 8); /* the leaves of the schema */
    assert_true(lost_rows > 0);
    assert_true(by_key > DEVICES); /* each page of its table, and the page above them */
    file_forget(&good);
}

static void many_damaged_pages_leave_what_is_on_the_others(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;

    fill(f);
    int64_t devices = 0;
    struct kept_file good = file_keep(f);
    size_t pages = good.bytes[0].len / PAGES_SIZE;
    for (size_t first = 0; first < 5; first++) {
        file_put_back(f, &good);
        for (size_t page = 2 + first; page <= pages; page += 5)
            if (!memmem(good.bytes[0].at + (page - 1) * PAGES_SIZE, PAGES_SIZE, "CREATE ", 7))
                file_flip(f->file, (off_t)((page - 1) * PAGES_SIZE) + 3000); /* the schema is needed */
        salvage(f, &s, 0);
        devices += number_of(&s.in, "SELECT count(*) FROM device");
        forget(&s);
    }
    assert_true(devices > 2 * DEVICES);
    file_forget(&good);
}

static void a_device_known_by_its_key_comes_back_when_it_registers(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;

    fill(f);
    struct kept_file k = file_keep(f);
    uint8_t *city = memmem(k.bytes[0].at, k.bytes[0].len, "City 7", 6);
    assert_non_null(city);
    file_flip(f->file, city - k.bytes[0].at);
    salvage(f, &s, 0);
    const struct salvage_table *t = table_of(&s.outcome, "device");
    assert_true(t->is_damaged && t->by_key > 0);
    assert_int_equal(t->copied + t->by_key, DEVICES);
    struct device_row device = fixture_device(&s.in, 8);
    assert_string_equal(device.did, "did0000000000000000007");
    assert_string_equal(device.passcode, "0000000007");
    assert_true(device.is_disabled);
    assert_string_equal(device.place.city, "");
    forget(&s);
    file_forget(&k);
}

static void numbers_that_the_journal_has_seen_are_not_given_again(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;

    fill(f);
    salvage(f, &s, 4000);
    assert_int_equal(number_of(&s.in, "SELECT seq FROM sqlite_sequence WHERE name = 'device'"), 4000);
    forget(&s);
}

static enum mu_err put_version(struct registry_tx *tx, void *arg)
{
    return tx_put_definition(tx, 2, STR("{\"name\":\"new\"}"), arg);
}

static void a_version_of_a_definition_that_is_lost_is_not_given_again(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;
    uint32_t version = 0;

    fill(f);
    struct kept_file k = file_keep(f);
    for (size_t at = 0; at + PAGES_SIZE <= k.bytes[0].len; at += PAGES_SIZE)
        if (memmem(k.bytes[0].at + at, PAGES_SIZE, "\"attrs\":[]", 10))
            file_flip(f->file, (off_t)at + 2000);
    salvage(f, &s, 0);
    assert_int_equal(number_of(&s.in, "SELECT count(*) FROM definition"), 0);
    assert_int_equal(number_of(&s.in, "SELECT sum(definition) FROM product"), 0);
    assert_int_equal(registry_write(s.in.reg, put_version, &version), MU_OK);
    assert_int_equal(version, VERSIONS + 1);
    forget(&s);
    file_forget(&k);
}

static void what_is_in_the_log_is_salvaged_too(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;

    fill(f);
    fixture_reopen(f);
    for (int i = 0; i < 5; i++)
        fixture_product(f);
    struct kept_file killed = file_keep(f);
    registry_close(f->reg);
    f->reg = NULL;
    file_put_back(f, &killed);
    uint8_t *city = memmem(killed.bytes[0].at, killed.bytes[0].len, "City 7", 6);
    file_flip(f->file, city - killed.bytes[0].at);
    salvage(f, &s, 0);
    assert_int_equal(number_of(&s.in, "SELECT count(*) FROM product"), PRODUCTS + 5);
    assert_int_equal(number_of(&s.in, "SELECT count(*) FROM device"), DEVICES);
    forget(&s);
    file_forget(&killed);
}

static void an_older_file_is_salvaged_as_well(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;

    fill(f);
    file_make_plain(f);
    salvage(f, &s, 0);
    assert_int_equal(number_of(&s.in, "SELECT count(*) FROM device"), DEVICES);
    forget(&s);
}

static void of_what_is_no_registry_nothing_is_made(void **state)
{
    struct registry_fixture *f = *state;
    struct salvaged s;
    char why[512];
    static const struct file_bytes harms[] = {
        { NULL, 0 },
        { (uint8_t *)"", 0 },
        { (uint8_t *)"this is no database", 19 },
    };

    fill(f);
    struct kept_file good = file_keep(f);
    for (size_t i = 0; i < sizeof(harms) / sizeof(*harms); i++) {
        file_put_back(f, &good);
        file_put(f->file, harms[i]);
        assert_int_equal(try_salvage(f, &s, 0, why, sizeof(why)), MU_E_CORRUPT);
        assert_non_null(strstr(why, "muster restore"));
        assert_int_not_equal(access(s.in.file, F_OK), 0);
        forget(&s);
    }
    file_forget(&good);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_registry_is_copied_as_it_is),
        TEST(one_damaged_page_costs_what_lies_on_it_and_no_number_is_given_again),
        TEST(many_damaged_pages_leave_what_is_on_the_others),
        TEST(a_device_known_by_its_key_comes_back_when_it_registers),
        TEST(numbers_that_the_journal_has_seen_are_not_given_again),
        TEST(a_version_of_a_definition_that_is_lost_is_not_given_again),
        TEST(what_is_in_the_log_is_salvaged_too),
        TEST(an_older_file_is_salvaged_as_well),
        TEST(of_what_is_no_registry_nothing_is_made),
    };
    return cmocka_run_group_tests_name("sqlite_salvage", tests, NULL, NULL);
}

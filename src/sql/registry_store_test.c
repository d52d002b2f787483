/* What only a registry over PostgreSQL can go through: a database without tables, several processes that write, and a
 * server that goes away. */
#include "sql/registry_store_fixture.h"

#include <pthread.h>

/* --- opening --------------------------------------------------------------------------------------*/

static void a_database_without_tables_is_refused_with_what_to_do(void **state)
{
    struct registry *reg;
    char uri[PG_FIXTURE_URI], why[512] = "";
    (void)state;

    pg_fixture_database(uri);
    assert_int_equal(registry_open_store(&reg, uri, why, sizeof(why)), MU_E_SCHEMA);
    assert_non_null(strstr(why, "the database has no schema registry: run muster migrate"));
    assert_null(reg);
}

static void the_id_of_the_data_stays(void **state)
{
    struct registry_fixture *f = *state;
    struct registry_place first, second;
    static const uint8_t none[16];

    assert_int_equal(registry_get_place(f->reg, &first), MU_OK);
    assert_true(first.exists && !first.has_journal);
    assert_memory_not_equal(first.id, none, sizeof(none));
    assert_int_equal(enrol(f->reg, fixture_product(f), "m"), MU_OK);
    assert_int_equal(registry_set_fact(f->reg, REGISTRY_HAS_JOURNAL, "1"), MU_OK);
    fixture_reopen(f);
    assert_int_equal(registry_get_place(f->reg, &second), MU_OK);
    assert_memory_equal(second.id, first.id, sizeof(first.id));
    assert_true(second.has_journal && second.device == 1 && second.change > first.change);
}

static void a_text_that_no_database_can_hold_is_refused_alone(void **state)
{
    struct registry_fixture *f = *state;
    struct product_row product = { .name = "\xff\xfe" };

    id_new_hex(product.product_key);
    assert_int_equal(fixture_put(f, .product = &product), MU_E_VALUE);
    strcpy(product.name, "p");
    assert_int_equal(fixture_put(f, .product = &product), MU_OK);
}

/* --- several processes ----------------------------------------------------------------------------*/

enum { NODES = 3, EACH = 60 };

struct node {
    struct registry *reg;
    uint32_t product;
    unsigned created;
};

/* All enrol the same macs. Of those that look at the same time and find nothing, only one may write. */
static void *enrol_all(void *arg)
{
    struct node *node = arg;
    struct register_result r;
    char mac[16];

    for (int i = 0; i < EACH; i++) {
        snprintf(mac, sizeof(mac), "m%d", i);
        const struct register_request q = { .product = node->product, .mac = mac, .passcode = "p", .now_s = 5 };
        if (registry_register_device(node->reg, &q, &r) != MU_OK)
            return NULL;
        node->created += r.outcome == REGISTER_CREATED;
    }
    return node;
}

static enum mu_err see_device(void *ctx, const struct device_row *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return MU_OK;
}

static void writers_of_several_processes_take_turns(void **state)
{
    struct registry_fixture *f = *state;
    struct node nodes[NODES];
    pthread_t threads[NODES];
    unsigned created = 0, seen = 0;
    uint32_t product = fixture_product(f);
    struct registry_visitor v = { .ctx = &seen, .device = see_device };
    uint64_t seq;

    assert_int_equal(registry_visit_all(f->reg, &v, &seq), MU_OK);
    for (int i = 0; i < NODES; i++) {
        nodes[i] = (struct node){ open_again(f->uri), product, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, enrol_all, &nodes[i]), 0);
    }
    for (int i = 0; i < NODES; i++) {
        void *done;
        pthread_join(threads[i], &done);
        assert_non_null(done);
        created += nodes[i].created;
    }
    assert_int_equal(created, EACH);
    assert_int_equal(devices_of(f->reg), EACH);
    /* One that does not write itself follows the others. */
    assert_int_equal(registry_visit_changes(f->reg, &v, &seq), MU_OK);
    assert_int_equal(seen, EACH);
    for (int i = 0; i < NODES; i++)
        registry_close(nodes[i].reg);
}

static void the_databases_own_settings_of_transactions_do_not_count(void **state)
{
    struct registry_fixture *f = *state;

    pg_fixture_sql(f->uri, "DO $$ BEGIN"
                           " EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation TO serializable',"
                           " current_database());"
                           " EXECUTE format('ALTER DATABASE %I SET lock_timeout TO 1', current_database()); END $$");
    fixture_reopen(f);
    writers_of_several_processes_take_turns(state);
}

static void more_readers_than_connections_wait(void **state)
{
    struct registry_fixture *f = *state;
    struct node nodes[30];
    pthread_t threads[30];

    uint32_t product = fixture_product(f);
    for (int i = 0; i < 30; i++) {
        nodes[i] = (struct node){ f->reg, product, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, enrol_all, &nodes[i]), 0);
    }
    for (int i = 0; i < 30; i++) {
        void *done;
        pthread_join(threads[i], &done);
        assert_non_null(done);
    }
    assert_int_equal(devices_of(f->reg), EACH);
}

/* --- a server that goes away ----------------------------------------------------------------------*/

static void a_server_that_is_away_is_told_and_found_again(void **state)
{
    struct registry_fixture *f = *state;
    uint32_t product = fixture_product(f), count;

    assert_int_equal(enrol(f->reg, product, "a"), MU_OK);
    pg_fixture_kill();
    assert_int_equal(registry_count_devices(f->reg, &count), MU_E_IO);
    assert_int_equal(enrol(f->reg, product, "b"), MU_E_IO);
    pg_fixture_restart();
    assert_int_equal(devices_of(f->reg), 1);
    assert_int_equal(enrol(f->reg, product, "b"), MU_OK);
    /* Connections that were idle during a restart are of no consequence. */
    pg_fixture_restart();
    assert_int_equal(enrol(f->reg, product, "c"), MU_OK);
    assert_int_equal(devices_of(f->reg), 3);
}

/* --- checking -------------------------------------------------------------------------------------*/

struct found {
    char text[2000];
    unsigned looked_at;
};

static void note_mistake(void *ctx, const char *text)
{
    struct found *found = ctx;
    size_t len = strlen(found->text);

    snprintf(found->text + len, sizeof(found->text) - len, "%s\n", text);
}

static void note_looked_at(void *ctx, const char *what, uint64_t count)
{
    (void)what;
    ((struct found *)ctx)->looked_at += count > 0;
}

static void rows_that_disagree_are_found(void **state)
{
    struct registry_fixture *f = *state;
    struct found found = { 0 };
    const struct findings findings = { .ctx = &found, .mistake = note_mistake, .looked_at = note_looked_at };

    assert_int_equal(enrol(f->reg, fixture_product(f), "m"), MU_OK);
    assert_int_equal(registry_check(f->reg, &findings), MU_OK);
    assert_string_equal(found.text, "");
    assert_int_equal(found.looked_at, 2);
    fixture_sql(f, "UPDATE device SET type = 7; INSERT INTO enterprise (enterprise_id, secret_salt, secret_hash, name, "
                   "hourly_quota, secret_required, ip_allow) VALUES ('e', '', '', '', 0, 0, ''); "
                   "INSERT INTO token VALUES ('\\x0102030405', 1, 1, 0)");
    assert_int_equal(registry_check(f->reg, &findings), MU_OK);
    assert_non_null(strstr(found.text, "device 1: type 7, is_disabled 0"));
    assert_non_null(strstr(found.text, "token 01020304"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_registry(a_database_without_tables_is_refused_with_what_to_do),
        with_registry(the_id_of_the_data_stays),
        with_registry(a_text_that_no_database_can_hold_is_refused_alone),
        with_registry(writers_of_several_processes_take_turns),
        with_registry(the_databases_own_settings_of_transactions_do_not_count),
        with_registry(more_readers_than_connections_wait),
        with_registry(a_server_that_is_away_is_told_and_found_again),
        with_registry(rows_that_disagree_are_found),
    };
    return cmocka_run_group_tests_name("registry_store", tests, NULL, NULL);
}

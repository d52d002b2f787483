#ifndef MUSTER_SQL_REGISTRY_STORE_FIXTURE_H
#define MUSTER_SQL_REGISTRY_STORE_FIXTURE_H

/* What the tests share of what only a registry over PostgreSQL can go through. */
#include "sql/registry_fixture.h"

static inline int over_postgres(void **state)
{
    setenv("MUSTER_STORE", "postgres", 1);
    return fixture_setup(state);
}

static inline struct registry *open_again(const char *uri)
{
    struct registry *reg;
    char why[512] = "";

    if (registry_open_store(&reg, uri, why, sizeof(why)) != MU_OK)
        fail_msg("%s", why);
    return reg;
}

static inline enum mu_err enrol(struct registry *reg, uint32_t product, const char *mac)
{
    struct register_result r;

    return registry_register_device(
        reg, &(struct register_request){ .product = product, .mac = mac, .passcode = "p", .now_s = 5 }, &r);
}

static inline uint32_t devices_of(struct registry *reg)
{
    uint32_t count = 0;

    assert_int_equal(registry_count_devices(reg, &count), MU_OK);
    return count;
}

#define with_registry(test) cmocka_unit_test_setup_teardown(test, over_postgres, fixture_teardown)

#endif

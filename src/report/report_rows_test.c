#include "base/unit_test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "registry/fake_registry.h"
#include "fleet/fleet_apply.h"
#include "report/report.h"

/* Pages of a product so large that they are read off its order of macs. */

enum { LARGE = 3000, DAY = 20000 };

static struct fleet *f;
static struct registry_visitor rows;
static char macs[LARGE + 600][LIMIT_MAC + 1];
static bool there[LARGE + 600];

static void put(uint32_t no, const char *mac)
{
    struct device_row row = fake_device(no, 1);
    snprintf(row.mac, sizeof(row.mac), "%s", mac);
    snprintf(macs[no], sizeof(macs[no]), "%s", mac);
    assert_int_equal(rows.device(f, &row), MU_OK);
    there[no] = true;
    fleet_apply_begin(f);
    fleet_apply_active(f, DAY, no);
    fleet_apply_active(f, DAY + 1, no);
    fleet_apply_end(f);
}

static void put_random(uint32_t no)
{
    char mac[LIMIT_MAC + 1];
    snprintf(mac, sizeof(mac), "accf23%0*x", 1 + rand() % 12, (unsigned)rand() % 5000);
    put(no, mac);
}

static int setup(void **state)
{
    (void)state;
    struct product_row product = fake_product(1);
    if (fleet_create(&f) != MU_OK)
        return -1;
    rows = fleet_registry_visitor(f);
    srand(5);
    return rows.product(f, &product) == MU_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fleet_destroy(f);
    return 0;
}

static int by_mac(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = strcmp(macs[x], macs[y]);
    return order ? order : x < y ? -1 : 1;
}

static void expect_pages(uint64_t skip, uint64_t limit)
{
    static uint32_t list[LARGE + 600];
    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    struct report_row *page = calloc(limit + 1, sizeof(*page));
    uint64_t count = 0, total;

    for (uint32_t no = 1; no < LARGE + 600; no++) {
        if (there[no])
            list[count++] = no;
    }
    qsort(list, count, sizeof(*list), by_mac);
    size_t n = report_active_rows(f, &filter, &(struct report_page){ DAY - 5, DAY + 5, skip, limit }, page, &total);
    assert_int_equal(total, 2 * count);
    assert_int_equal(n, skip >= total ? 0 : total - skip < limit ? total - skip : limit);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = skip + i;
        assert_int_equal(page[i].day, at < count ? DAY + 1 : DAY);
        assert_int_equal(page[i].device.no, list[at % count]);
        assert_string_equal(page[i].device.mac, macs[list[at % count]]);
    }
    free(page);
}

static void expect_many_pages(void)
{
    expect_pages(0, 0);
    expect_pages(0, 100);
    expect_pages(LARGE - 50, 200); /* across the days */
    expect_pages(2 * LARGE - 20, 1000);
    for (int i = 0; i < 20; i++)
        expect_pages((uint64_t)rand() % (2 * LARGE), (uint64_t)rand() % 300);
}

static void pages_follow_the_macs_as_devices_come_and_go(void **state)
{
    (void)state;
    for (uint32_t no = 1; no <= LARGE; no++)
        put_random(no);
    expect_many_pages();
    for (uint32_t no = LARGE + 1; no < LARGE + 500; no++)
        put_random(no);
    expect_many_pages();
    for (uint32_t no = 7; no < LARGE; no += 11) {
        assert_int_equal(rows.deleted(f, KIND_DEVICE, no), MU_OK);
        there[no] = false;
    }
    expect_many_pages();
    put_random(LARGE + 501);
    expect_many_pages();
    put(LARGE + 501, "another");
    put(3, "000000000000");
    expect_many_pages();
}

/* --- at the same time ------------------------------------------------------------------------ */

static _Atomic bool done;

static void *ask(void *arg)
{
    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    static _Thread_local struct report_row page[3];
    uint64_t total, before = 0;
    (void)arg;

    do {
        size_t n = report_active_rows(f, &filter, &(struct report_page){ DAY, DAY, LARGE / 2, 3 }, page, &total);
        if (n != 3 || total < before || strcmp(page[0].device.mac, page[2].device.mac) > 0)
            abort();
        before = total;
    } while (!atomic_load(&done));
    return NULL;
}

static void readers_sort_while_devices_come(void **state)
{
    (void)state;
    pthread_t readers[3];

    for (uint32_t no = 1; no <= LARGE; no++)
        put_random(no);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, ask, NULL), 0);
    for (uint32_t no = LARGE + 1; no < LARGE + 100; no++)
        put_random(no);
    atomic_store(&done, true);
    for (int i = 0; i < 3; i++)
        pthread_join(readers[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_follow_the_macs_as_devices_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_sort_while_devices_come, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

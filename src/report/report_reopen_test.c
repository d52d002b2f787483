#include "base/unit_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "commit/committer.h"
#include "registry/fake_registry.h"
#include "fleet/fleet_apply.h"
#include "journal/rocks_journal.h"
#include "report/report.h"

/* Every report says the same before and after the journal on the disk has been closed and opened again. */

enum { DEVICES = 60, DAYS = 40 };
static const int64_t DAY_US = 86400LL * 1000000;

static char dir[] = "/tmp/reopen-XXXXXX";
static struct fleet *f;
static struct registry *reg;
static struct journal *j;
static struct calendar *calendar;
static struct committer *c;
static int32_t today;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void open_all(void)
{
    char why[300];
    struct rocks_journal_options options = { .reserve_bytes = 4096 };
    assert_int_equal(rocks_journal_open(&j, dir, &options, why, sizeof(why)), MU_OK);
    assert_int_equal(fleet_create(&f), MU_OK);
    assert_int_equal(
        committer_start(&c,
                        &(struct committer_options){ .fleet = f, .registry = reg, .journal = j, .calendar = calendar }),
        MU_OK);
}

static void close_all(void)
{
    committer_stop(c);
    fleet_destroy(f);
    journal_close(j);
}

static int setup(void **state)
{
    (void)state;
    struct product_row product = fake_product(1);

    if (!mkdtemp(dir) || calendar_open(&calendar, "Asia/Shanghai") != MU_OK)
        return -1;
    reg = fake_registry_new();
    product.definition = 1;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 1, fake_definition);
    for (uint32_t no = 1; no <= DEVICES; no++) {
        struct device_row row = fake_device(no, 1);
        strcpy(row.place.country, no % 2 ? "China" : "Chile");
        snprintf(row.place.region, sizeof(row.place.region), "Region %u", no % 7);
        fake_put_device(reg, &row);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_registry_free(reg);
    calendar_free(calendar);
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* --- all reports as one text ----------------------------------------------------------------- */

struct text {
    char at[400000];
    size_t len;
};

static void print_report(struct text *t, struct report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct report_node *n = &r->nodes[i];
        t->len += (size_t)snprintf(t->at + t->len, sizeof(t->at) - t->len, "%u %.*s %u %u %u (%zu)\n", n->depth,
                                   (int)n->name.len, n->name.at, (unsigned)n->n[0], (unsigned)n->n[1],
                                   (unsigned)n->n[2], n->point_count);
    }
    report_free(r);
}

static void print_rows(struct text *t, const struct report_filter *filter, bool active)
{
    static struct report_row rows[1000];
    uint64_t total;
    size_t n = (active ? report_active_rows : report_incr_rows)(
        f, filter, &(struct report_page){ today - DAYS, today, 0, 1000 }, rows, &total);

    assert_in_range(total, 1, UINT32_MAX);
    for (size_t i = 0; i < n; i++)
        t->len += (size_t)snprintf(t->at + t->len, sizeof(t->at) - t->len, "%d %s %u\n", rows[i].day,
                                   rows[i].device.mac, (unsigned)total);
}

static void print_all(struct text *t)
{
    struct report_filter filter = { .product = fleet_product_by_no(f, 1) };
    struct report r;
    struct report_summary s;

    memset(t, 0, sizeof(*t));
    for (int32_t day = today - DAYS; day <= today; day++) {
        assert_int_equal(report_active(f, &filter, day, day + (day & 7), &r), MU_OK);
        print_report(t, &r);
        assert_int_equal(report_activated(f, &filter, day, day, &r), MU_OK);
        print_report(t, &r);
    }
    assert_int_equal(report_realtime(f, &filter, &r), MU_OK);
    print_report(t, &r);
    for (enum fleet_event_kind kind = EVENT_FAULT; kind <= EVENT_ALERT; kind++) {
        assert_int_equal(report_event_devices(f, &filter, kind, &r), MU_OK);
        print_report(t, &r);
        assert_int_equal(report_events(f, &filter, kind, &r), MU_OK);
        assert_in_range(r.nodes[0].n[REPORT_RESOLVED], 1, UINT32_MAX);
        assert_in_range(r.nodes[0].n[REPORT_UNRESOLVED], 1, UINT32_MAX);
        print_report(t, &r);
    }
    print_rows(t, &filter, true);
    print_rows(t, &filter, false);
    report_summary(f, filter.product, today, &s);
    s.online = 0;
    t->len += (size_t)snprintf(t->at + t->len, sizeof(t->at) - t->len, "%u %u %u %u %u\n", (unsigned)s.activated,
                               (unsigned)s.active_7, (unsigned)s.new_today, (unsigned)s.new_7, (unsigned)s.new_30);
    assert_in_range(t->len, 1000, sizeof(t->at) - 1);
}

/* --- the test -------------------------------------------------------------------------------- */

static void on_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    (void)sink, (void)owner, (void)tag, (void)err;
}

static void on_flush(struct commit_sink *sink)
{
    (void)sink;
}

static void live_a_while(int64_t from_us, int64_t to_us)
{
    static struct commit_sink sink = { .done = on_done, .flush = on_flush };

    for (int64_t now = from_us; now < to_us; now += DAY_US / 20) {
        uint32_t no = 1 + (uint32_t)rand() % DEVICES;
        if (rand() % 5 == 0)
            committer_login(c, &(struct commit_item){ .device = no, .ts_us = now },
                            &(struct commit_login){ .session = (uint64_t)now, .takeover = false, .keep_alive = 125 });
        const uint8_t frame[] = { 0, 0, 0, 3, 8, 0, 0, 0x91, 4, 1, 5, rand() % 3 == 0, rand() % 4 == 0 };
        committer_report(c, &(struct commit_item){ .sink = &sink, .tag = 1, .device = no, .ts_us = now }, frame,
                         sizeof(frame));
    }
}

static void every_report_is_the_same_after_the_journal_is_opened_again(void **state)
{
    (void)state;
    static struct text before, after;
    int64_t now_us = clock_wall_us();

    today = calendar_day(calendar, now_us / 1000000);
    srand(11);
    open_all();
    live_a_while(now_us - DAYS * DAY_US, now_us - 20 * DAY_US);
    close_all();
    open_all(); /* the first days are folded */
    live_a_while(now_us - 20 * DAY_US, now_us);
    committer_stop(c); /* everything is committed */
    c = NULL;
    print_all(&before);
    for (int i = 0; i < 3; i++) {
        close_all();
        open_all();
        print_all(&after);
        assert_string_equal(before.at, after.at);
    }
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_report_is_the_same_after_the_journal_is_opened_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

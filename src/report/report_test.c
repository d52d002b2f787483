#include "base/unit_test.h"

#include "commit/committer_fixture.h"
#include "report/report_model.h"

/* Random fleets with random histories: every report is compared with the model's, before and after the program starts
 * again. */

static uint64_t seed;
static int64_t now_us;
static uint64_t sessions;
static uint32_t version; /* of product 1's definition in force */
static size_t reports;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* One fault has become an alert, another is gone, and one is new. */
static const char definition_3[] =
    "{\"name\":\"fake\",\"entities\":[{\"id\":0,\"display_name\":\"\",\"name\":\"entity0\",\"attrs\":["
    "{\"id\":0,\"name\":\"Fault_Broken\",\"display_name\":\"\",\"type\":\"alert\",\"data_type\":\"bool\","
    "\"position\":{\"byte_offset\":0,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}},"
    "{\"id\":1,\"name\":\"Fault_New\",\"display_name\":\"\",\"type\":\"fault\",\"data_type\":\"bool\","
    "\"position\":{\"byte_offset\":1,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}}]}],"
    "\"protocolType\":\"standard\",\"product_key\":\"0\",\"packetVersion\":\"0x00000004\"}";

/* --- things that happen ---------------------------------------------------------------------- */

static int32_t today(void)
{
    return calendar_day(calendar, now_us / 1000000);
}

static void follow(void)
{
    assert_int_equal(committer_follow_registry(c), MU_OK);
}

static void put_device(uint32_t no)
{
    fake_put_device(reg, &m_devices[no].row);
    follow();
}

static void move_device(uint32_t no)
{
    static const struct place places[] = {
        { "China", "Guangdong", "Guangzhou" },
        { "China", "Guangdong", "Shenzhen" },
        { "China", "Zhejiang", "Hangzhou" },
        { "China", "", "" },
        { "Chile", "Guangdong", "Guangzhou" },
        { "Germany", "Bayern", "" },
        { "", "", "" },
        { "", "Nowhere", "Atlantis" },
        { "Singapore", "", "Singapore" },
    };
    struct device_row *row = &m_devices[no].row;

    row->place = places[below(sizeof(places) / sizeof(*places))];
    row->place_source = PLACE_LOCATED;
    row->group = row->product == 1 ? below(4) : 0;
    row->is_disabled = below(6) == 0;
    put_device(no);
}

static void report_something(uint32_t no)
{
    struct m_device *d = &m_devices[no];
    const struct fleet_product *product = fleet_product_by_no(f, d->row.product);
    const struct fleet_definition *def = atomic_load(&product->definition);
    struct point_value values[LIMIT_POINTS] = { 0 };
    uint8_t frame[64] = { 0, 0, 0, 3, 0, 0, 0, 0x91 };
    char raised[8][20] = { "" };
    struct buf p0;
    int n = 0;

    buf_init(&p0, 100);
    bool var = datapoint_is_var_len(def->plan);
    for (size_t i = 0; i < datapoint_count(def->plan); i++) {
        const struct datapoint *p = datapoint_at(def->plan, i);
        bool alert = p->access == POINT_ALERT;
        char name[20];
        values[i].set = !var || below(2);
        if (!alert && p->access != POINT_FAULT)
            continue;
        values[i].x = below(3) == 0;
        snprintf(name, sizeof(name), "%s %s", alert ? "alert" : "fault", p->name);
        /* A point that is not told keeps its value under the same definition. */
        bool on = values[i].set ? values[i].x : d->version == def->version && m_is_raised(d, name);
        if (on)
            strcpy(raised[n++], name);
    }
    datapoint_encode_status(def->plan, var ? 0x14 : 4, values, &p0);
    frame[4] = (uint8_t)(p0.len + 3);
    memcpy(frame + 8, p0.data, p0.len);
    report(no, now_us, frame, 8 + p0.len);
    buf_free(&p0);
    reports++;
    d->version = def->version;
    d->active[today() - m_first_day] = true;
    m_told(no, raised);
}

static void log_in(uint32_t no)
{
    struct m_device *d = &m_devices[no];

    if (d->row.is_disabled)
        return;
    login(no, ++sessions, now_us, false);
    d->online = true;
    if (d->activated_day == INT32_MIN)
        d->activated_day = today();
}

static void change_definition(void)
{
    struct product_row row = fake_product(1);

    version++;
    fake_put_definition(reg, 1, version,
                        version % 3 == 2   ? fake_definition_2
                        : version % 3 == 0 ? definition_3
                                           : fake_definition);
    row.definition = version;
    fake_put_product(reg, &row);
    wait_told(&sink, reports);
    follow();
}

static void something_happens(void)
{
    uint32_t no = 1 + below(M_DEVICES), what = below(200);

    now_us += below(5 * 3600) * INT64_C(1000000);
    if (m_devices[no].deleted)
        return;
    if (what < 130) {
        report_something(no);
    } else if (what < 170) {
        log_in(no);
    } else if (what < 197) {
        wait_told(&sink, reports);
        move_device(no);
    } else if (what < 199) {
        wait_told(&sink, reports);
        m_devices[no].deleted = true;
        fake_delete(reg, KIND_DEVICE, no);
        follow();
    } else {
        change_definition();
    }
}

/* --- comparing ------------------------------------------------------------------------------- */

struct report_question {
    int32_t first, last;
    enum fleet_tri online, faulty, alert;
    const char *kind;
};

static bool has_open(uint32_t no, const char *kind)
{
    for (size_t i = 0; i < m_event_count; i++) {
        if (m_events[i].device == no && m_events[i].open && !strncmp(m_events[i].point, kind, 5))
            return true;
    }
    return false;
}

static bool agrees(enum fleet_tri wanted, bool is)
{
    return wanted == FLEET_ANY || (wanted == FLEET_YES) == is;
}

static void count_place(const void *ctx, uint32_t no, const char *point, uint64_t n[3])
{
    const struct report_question *q = ctx;
    (void)point;
    n[0] += agrees(q->online, m_devices[no].online) && agrees(q->faulty, has_open(no, "fault")) &&
            agrees(q->alert, has_open(no, "alert"));
}

static void count_active(const void *ctx, uint32_t no, const char *point, uint64_t n[3])
{
    const struct report_question *q = ctx;
    bool active = false;
    (void)point;
    for (int32_t day = q->first; day <= q->last; day++)
        active |= day >= m_first_day && m_devices[no].active[day - m_first_day];
    n[0] += active;
}

static void count_activated(const void *ctx, uint32_t no, const char *point, uint64_t n[3])
{
    const struct report_question *q = ctx;
    (void)point;
    n[0] += m_devices[no].activated_day >= q->first && m_devices[no].activated_day <= q->last;
}

static void count_realtime(const void *ctx, uint32_t no, const char *point, uint64_t n[3])
{
    (void)ctx, (void)point;
    n[REPORT_ACTIVATED] += m_devices[no].activated_day != INT32_MIN;
    n[REPORT_FAULTY] += has_open(no, "fault");
    n[REPORT_ALERT] += has_open(no, "alert");
}

static void count_event_devices(const void *ctx, uint32_t no, const char *point, uint64_t n[3])
{
    const struct report_question *q = ctx;
    bool any = false;
    (void)point;
    for (size_t i = 0; i < m_event_count; i++)
        any |= m_events[i].device == no && !strncmp(m_events[i].point, q->kind, 5);
    n[REPORT_TOTAL] += any;
    n[REPORT_RESOLVED] += any && !has_open(no, q->kind);
    n[REPORT_UNRESOLVED] += has_open(no, q->kind);
}

static void count_events(const void *ctx, uint32_t no, const char *point, uint64_t n[3])
{
    const struct report_question *q = ctx;
    for (size_t i = 0; i < m_event_count; i++) {
        const struct m_event *e = &m_events[i];
        if (e->device != no || strncmp(e->point, q->kind, 5) || (point && strcmp(e->point, point)))
            continue;
        n[REPORT_TOTAL]++;
        n[e->open ? REPORT_UNRESOLVED : REPORT_RESOLVED]++;
    }
}

static struct m_text got, expected;

static void compare(const char *what)
{
    if (strcmp(got.at, expected.at) != 0)
        fail_msg("%s: the fleet tells\n%s\nand the model\n%s", what, got.at, expected.at);
    got.len = expected.len = 0;
    got.at[0] = expected.at[0] = '\0';
}

static void compare_trees(const struct report_filter *filter, const struct report_question *q)
{
    static const char *const fault_points[] = { "fault Fault_Broken", "fault Fault_New", "" };
    static const char *const alert_points[] = { "alert Alert_Hot", "alert Fault_Broken", "" };
    bool faults = q->kind[0] == 'f';
    enum fleet_event_kind kind = faults ? EVENT_FAULT : EVENT_ALERT;
    struct report r;

    assert_int_equal(report_places(f, filter, q->online, q->faulty, q->alert, &r), MU_OK);
    m_print_report(&got, &r);
    m_print_tree(&expected, filter, count_place, q, NULL);
    compare("places");
    assert_int_equal(report_active(f, filter, q->first, q->last, &r), MU_OK);
    m_print_report(&got, &r);
    m_print_tree(&expected, filter, count_active, q, NULL);
    compare("active");
    assert_int_equal(report_activated(f, filter, q->first, q->last, &r), MU_OK);
    m_print_report(&got, &r);
    m_print_tree(&expected, filter, count_activated, q, NULL);
    compare("activated");
    assert_int_equal(report_realtime(f, filter, &r), MU_OK);
    m_print_report(&got, &r);
    m_print_tree(&expected, filter, count_realtime, q, NULL);
    compare("realtime");
    assert_int_equal(report_event_devices(f, filter, kind, &r), MU_OK);
    m_print_report(&got, &r);
    m_print_tree(&expected, filter, count_event_devices, q, NULL);
    compare("event devices");
    assert_int_equal(report_events(f, filter, kind, &r), MU_OK);
    m_print_report(&got, &r);
    m_print_tree(&expected, filter, count_events, q, faults ? fault_points : alert_points);
    compare("events");
}

/* --- the past -------------------------------------------------------------------------------- */

enum { WEEKS = 5, PAST_GROUPS = 2 };
static struct {
    uint64_t version;
    char text[2000];
} told[WEEKS][PAST_GROUPS][2];
static size_t told_again;

/* Compares the weeks that are over with the answers that were kept under the same version. */
static void the_past_is_as_it_was_told(void)
{
    for (int i = 0; i < WEEKS * PAST_GROUPS * 2; i++) {
        uint32_t week = (uint32_t)i % WEEKS, group = (uint32_t)i / WEEKS % PAST_GROUPS;
        bool active = i >= WEEKS * PAST_GROUPS;
        const struct report_filter filter = { .product = fleet_product_by_no(f, 1), .group = group };
        int32_t first = m_first_day + 7 * (int32_t)week, last = first + 6;
        const struct fleet_past past = fleet_get_past(f);
        struct report r;

        if (last > past.last_day)
            continue;
        assert_int_equal(
            active ? report_active(f, &filter, first, last, &r) : report_activated(f, &filter, first, last, &r), MU_OK);
        m_print_report(&got, &r);
        if (fleet_get_past(f).version == past.version) { /* otherwise a login came in between */
            if (told[week][group][active].version == past.version) {
                m_print(&expected, "%s", told[week][group][active].text);
                told_again++;
            } else {
                m_print(&expected, "%s", got.at);
            }
            told[week][group][active].version = past.version;
            assert_in_range(got.len, 1, sizeof(told[0][0][0].text) - 1);
            memcpy(told[week][group][active].text, got.at, got.len + 1);
        } else {
            m_print(&expected, "%s", got.at);
        }
        compare("the past");
    }
}

static void forget_what_was_told(void)
{
    memset(told, 0xff, sizeof(told));
}

static int by_mac(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = strcmp(m_devices[x].row.mac, m_devices[y].row.mac);
    return order ? order : x < y ? -1 : 1;
}

static void expect_rows(const struct report_filter *filter, const struct report_question *q, bool active, uint64_t skip,
                        uint64_t limit)
{
    uint64_t total = 0;

    for (int32_t day = q->last; day >= q->first; day--) {
        uint32_t list[M_DEVICES], count = 0;
        for (uint32_t no = 1; no <= M_DEVICES; no++) {
            bool is = active ? day >= m_first_day && m_devices[no].active[day - m_first_day]
                             : m_devices[no].activated_day == day;
            if (is && m_matches(no, filter))
                list[count++] = no;
        }
        qsort(list, count, sizeof(*list), by_mac);
        for (uint32_t i = 0; i < count; i++, total++) {
            if (total >= skip && total < skip + limit)
                m_print(&expected, "%d %u %s\n", day, list[i], m_devices[list[i]].row.did);
        }
    }
    m_print(&expected, "of %u\n", (unsigned)total);
}

static void compare_rows(const struct report_filter *filter, const struct report_question *q, bool active,
                         uint64_t skip, uint64_t limit)
{
    static struct report_row rows[50];
    uint64_t total;
    size_t n =
        active ? report_active_rows(f, filter, &(struct report_page){ q->first, q->last, skip, limit }, rows, &total)
               : report_incr_rows(f, filter, &(struct report_page){ q->first, q->last, skip, limit }, rows, &total);

    for (size_t i = 0; i < n; i++)
        m_print(&got, "%d %u %s\n", rows[i].day, rows[i].device.no, rows[i].device.did);
    m_print(&got, "of %u\n", (unsigned)total);
    expect_rows(filter, q, active, skip, limit);
    compare(active ? "active rows" : "incr rows");
}

static uint64_t model_total(uint32_t product, m_count_fn count, int32_t first, int32_t last)
{
    struct report_filter all = { .product = fleet_product_by_no(f, product) };
    struct report_question q = { .first = first, .last = last };
    struct place whole = { 0 };
    uint64_t n[3];

    m_sum(&all, &whole, count, &q, NULL, n);
    return n[0];
}

static void compare_summary(uint32_t product)
{
    struct report_question online = { .online = FLEET_YES, .faulty = FLEET_ANY, .alert = FLEET_ANY };
    struct report_filter all = { .product = fleet_product_by_no(f, product) };
    struct place whole = { 0 };
    struct report_summary s;
    uint64_t n[3];
    int32_t t = today();

    report_summary(f, all.product, t, &s);
    m_sum(&all, &whole, count_place, &online, NULL, n);
    assert_int_equal(s.online, n[0]);
    assert_int_equal(s.activated, model_total(product, count_activated, m_first_day, t));
    assert_int_equal(s.active_yesterday, model_total(product, count_active, t - 1, t - 1));
    assert_int_equal(s.active_7, model_total(product, count_active, t - 6, t));
    assert_int_equal(s.new_today, model_total(product, count_activated, t, t));
    assert_int_equal(s.new_yesterday, model_total(product, count_activated, t - 1, t - 1));
    assert_int_equal(s.new_7, model_total(product, count_activated, t - 6, t));
    assert_int_equal(s.new_30, model_total(product, count_activated, t - 29, t));
}

static void compare_liveness(uint32_t product)
{
    struct report_filter all = { .product = fleet_product_by_no(f, product) };
    struct report_liveness active;
    int32_t t = today();

    report_liveness(f, &all, t, &active);
    assert_int_equal(active.yesterday, model_total(product, count_active, t - 1, t - 1));
    assert_int_equal(active.days_7, model_total(product, count_active, t - 6, t));
    assert_int_equal(active.days_30, model_total(product, count_active, t - 29, t));
}

static struct str or_any(const char *name)
{
    return below(3) ? (struct str){ 0 } : str_of(name);
}

static void compare_all(void)
{
    static const char *const countries[] = { "China", "Chile", "Germany", "Nowhere", "Singapore" };
    for (int i = 0; i < 60; i++) {
        struct report_filter filter = {
            .product = fleet_product_by_no(f, 1 + (below(4) == 0)),
            .country = or_any(countries[below(5)]),
            .region = or_any("Guangdong"),
            .city = or_any("Guangzhou"),
        };
        struct report_question q = { .kind = below(2) ? "fault" : "alert" };
        filter.group = filter.product->no == 1 && below(3) == 0 ? 1 + below(3) : 0;
        q.first = m_first_day + (int32_t)below((uint32_t)(today() - m_first_day + 3)) - 1;
        q.last = q.first + (int32_t)below(40) - 1;
        q.online = (enum fleet_tri)((int)below(5) - 1 > 1 ? -1 : (int)below(3) - 1);
        q.faulty = (enum fleet_tri)(below(2) ? -1 : (int)below(3) - 1);
        q.alert = (enum fleet_tri)(below(2) ? -1 : (int)below(3) - 1);
        compare_trees(&filter, &q);
        compare_rows(&filter, &q, true, below(30), 1 + below(50));
        compare_rows(&filter, &q, false, below(5), 1 + below(50));
    }
    compare_summary(1);
    compare_summary(2);
    compare_liveness(1);
    compare_liveness(2);
}

/* --- the test -------------------------------------------------------------------------------- */

static int setup_fleet(void **state)
{
    (void)state;
    struct product_row product = fake_product(1);

    reg = fake_registry_new();
    j = fake_journal_new(BOOT);
    sink_init(&sink);
    version = product.definition = 1;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 1, 1, fake_definition);
    product = fake_product(2);
    product.definition = 1;
    fake_put_product(reg, &product);
    fake_put_definition(reg, 2, 1, fake_definition_2);
    for (uint32_t no = 1; no <= 3; no++) {
        struct group_row row = { .no = no, .product = 1, .parent = m_group_parent[no] };
        fake_hex(row.gid, no);
        fake_put_group(reg, &row);
    }
    if (calendar_open(&calendar, "Asia/Shanghai") != MU_OK || fleet_create(&f) != MU_OK)
        return -1;
    start();
    now_us = T0;
    m_first_day = today();
    memset(m_devices, 0, sizeof(m_devices));
    m_event_count = reports = 0;
    for (uint32_t no = 1; no <= M_DEVICES; no++) {
        struct m_device *d = &m_devices[no];
        d->activated_day = INT32_MIN;
        d->row = fake_device(no, 1 + (no % 5 == 0));
        /* Some are the same, some are the beginning of another. */
        snprintf(d->row.mac, sizeof(d->row.mac), "accf%.*x", 1 + (int)below(6), below(40) * 0x11111);
        move_device(no);
    }
    return 0;
}

static void every_report_is_the_models_also_after_a_start(void **state)
{
    (void)state;
    for (seed = 1; seed <= 3; seed++) {
        if (seed > 1) {
            teardown(NULL);
            setup_fleet(NULL);
        }
        uint64_t own = seed;
        forget_what_was_told();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 400; i++) {
                something_happens();
                the_past_is_as_it_was_told();
            }
            m_devices[M_DEVICES].deleted ? (void)0 : report_something(M_DEVICES);
            wait_told(&sink, reports);
            uint64_t questions = seed;
            compare_all();
            /* Nobody is online any more: the fleet and the model both say so. */
            for (uint32_t no = 1; no <= M_DEVICES; no++)
                m_devices[no].online = false;
            restart();
            forget_what_was_told();
            seed = questions;
            compare_all();
        }
        seed = own;
    }
    assert_true(told_again > 1000);
}

static uint64_t active_on(int32_t day)
{
    struct report_filter all = { .product = fleet_product_by_no(f, 1) };
    struct report r;

    assert_int_equal(report_active(f, &all, day, day, &r), MU_OK);
    uint64_t count = r.nodes[0].n[REPORT_COUNT];
    report_free(&r);
    return count;
}

/* The report of a day that is over changes when something of that day comes late. */
static void what_comes_late_is_counted_too(void **state)
{
    int32_t yesterday = today();

    (void)state;
    for (uint32_t no = 1; no <= 3; no++) {
        m_devices[no].row.is_disabled = false;
        put_device(no);
    }
    report_something(1);
    now_us += INT64_C(86400) * 1000000;
    report_something(2);
    wait_told(&sink, reports);
    const struct fleet_past past = fleet_get_past(f);
    assert_int_equal(past.last_day, yesterday);
    assert_int_equal(active_on(yesterday), 1);
    report_something(3);
    wait_told(&sink, reports);
    assert_int_equal(fleet_get_past(f).version, past.version);
    now_us -= INT64_C(86400) * 1000000;
    report_something(3);
    wait_told(&sink, reports);
    assert_int_not_equal(fleet_get_past(f).version, past.version);
    assert_int_equal(active_on(yesterday), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_report_is_the_models_also_after_a_start, setup_fleet, teardown),
        cmocka_unit_test_setup_teardown(what_comes_late_is_counted_too, setup_fleet, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the fleet costs with a million devices, and what the committer adds to a message.
 *
 *   fleet_bench [DEVICES [MESSAGES]]
 *
 * Prints the time of a rebuild, the bytes per device, the latency of searches and reports by kind, and
 * the CPU per message of everything but the store: both ports are replaced by ones that only count.
 * The devices have 13 months behind them: each is active on two days of three, one in ten has had
 * faults or alerts. */
#include <inttypes.h>
#include <malloc.h>
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "commit/committer.h"
#include "fleet/fleet_apply.h"
#include "journal/journal_nodes.h"
#include "report/report.h"

enum { PRODUCTS = 4, CITIES = 340, PROVINCES = 34, GROUPS = 50, ROUNDS = 300 };
enum { DAYS = 400, LAST_DAY = 19675 /* that of 1700000000 */ };

static uint32_t devices = 1000000;
static uint64_t seed = 42;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static const char definition[] =
    "{\"name\":\"bench\",\"entities\":[{\"id\":0,\"display_name\":\"\",\"name\":\"entity0\",\"attrs\":["
    "{\"id\":0,\"name\":\"switch\",\"type\":\"status_writable\",\"data_type\":\"bool\","
    "\"position\":{\"byte_offset\":0,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}},"
    "{\"id\":1,\"name\":\"settings\",\"type\":\"status_writable\",\"data_type\":\"binary\","
    "\"position\":{\"byte_offset\":1,\"bit_offset\":0,\"len\":40,\"unit\":\"byte\"}},"
    "{\"id\":2,\"name\":\"alert\",\"type\":\"alert\",\"data_type\":\"bool\","
    "\"position\":{\"byte_offset\":41,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}},"
    "{\"id\":3,\"name\":\"fault\",\"type\":\"fault\",\"data_type\":\"bool\","
    "\"position\":{\"byte_offset\":42,\"bit_offset\":0,\"len\":1,\"unit\":\"bit\"}}]}],"
    "\"protocolType\":\"standard\",\"product_key\":\"0\",\"packetVersion\":\"0x00000004\"}";
enum { P0_LEN = 44 };

/* --- a registry and a journal that make up what they tell ------------------------------------ */

static void make_device(uint32_t no, struct device_row *row)
{
    static const char digits[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    uint32_t city = below(CITIES);

    *row = (struct device_row){ .no = no, .product = no % 10 < 7 ? 1 : 2 + no % 3 };
    for (int i = 0; i < DID_LEN; i++)
        row->did[i] = digits[below(57)];
    snprintf(row->mac, sizeof(row->mac), "%012x", no * 7);
    snprintf(row->passcode, sizeof(row->passcode), "%010u", below(UINT32_MAX));
    row->is_disabled = below(20) == 0;
    row->created_at = 1600000000 + no * 60 - (below(50) == 0 ? below(100000000) : 0);
    strcpy(row->place.country, "China");
    snprintf(row->place.region, sizeof(row->place.region), "Province %u", city % PROVINCES);
    snprintf(row->place.city, sizeof(row->place.city), "City %u", city);
    row->place_source = PLACE_LOCATED;
    row->has_coordinates = true;
    row->longitude = 73 + below(60000000) / 1e6;
    row->latitude = 18 + below(30000000) / 1e6;
    row->group = below(2) ? 1 + below(GROUPS) : 0;
}

enum mu_err registry_visit_all(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    (void)reg;
    *seq = 1;
    enum mu_err err = MU_OK;
    for (uint32_t no = 1; no <= PRODUCTS && err == MU_OK; no++) {
        struct product_row row = { .no = no, .definition = 1 };
        snprintf(row.product_key, sizeof(row.product_key), "%032u", no);
        if ((err = v->product(v->ctx, &row)) == MU_OK)
            err = v->definition(v->ctx, &(struct definition_row){ no, 1, STR(definition) });
    }
    for (uint32_t no = 1; no <= GROUPS && err == MU_OK; no++) {
        struct group_row row = { .no = no, .product = 1, .parent = no / 3 };
        snprintf(row.gid, sizeof(row.gid), "%032u", no);
        err = v->group(v->ctx, &row);
    }
    for (uint32_t no = 1; no <= devices && err == MU_OK; no++) {
        struct device_row row;
        make_device(no, &row);
        err = v->device(v->ctx, &row);
    }
    return err;
}

enum mu_err registry_count_devices(struct registry *reg, uint32_t *count)
{
    (void)reg;
    *count = devices;
    return MU_OK;
}

enum mu_err registry_get_place(struct registry *reg, struct registry_place *out)
{
    (void)reg;
    *out = (struct registry_place){ .device = UINT32_MAX };
    return MU_OK;
}

enum mu_err registry_visit_changes(struct registry *reg, const struct registry_visitor *v, uint64_t *seq)
{
    (void)reg, (void)v, (void)seq;
    return MU_OK;
}

static const struct datapoint_plan *plan;

/* Two of three devices; a few such sets take turns. */
static enum mu_err tell_activity(const struct journal_visitor *v)
{
    enum { SETS = 8 };
    enum mu_err err = MU_OK;

    char *bytes[SETS];
    size_t len[SETS];

    for (int i = 0; i < SETS; i++) {
        roaring_bitmap_t *set = roaring_bitmap_create();
        for (uint32_t no = 1; no <= devices; no++) {
            if (below(3))
                roaring_bitmap_add(set, no);
        }
        bytes[i] = malloc(len[i] = roaring_bitmap_portable_size_in_bytes(set));
        roaring_bitmap_portable_serialize(set, bytes[i]);
        roaring_bitmap_free(set);
    }
    for (int32_t day = LAST_DAY - DAYS + 1; day <= LAST_DAY && err == MU_OK; day++)
        err = v->active_set(v->ctx, day, bytes[day % SETS], len[day % SETS]);
    for (int i = 0; i < SETS; i++)
        free(bytes[i]);
    return err;
}

static enum mu_err tell_events(const struct journal_visitor *v)
{
    enum mu_err err = MU_OK;

    for (uint32_t i = 0; i < devices / 10 && err == MU_OK; i++) {
        bool alert = below(2);
        struct journal_event e = { .opened_us = 1 + i,
                                   .resolved_us = below(5) ? 2 + i : 0,
                                   .alert = alert,
                                   .name = alert ? STR("alert") : STR("fault") };
        err = v->event(v->ctx, 1 + below(devices), &e);
    }
    return err;
}

enum mu_err journal_visit(struct journal *j, const struct journal_visitor *v)
{
    uint8_t image[256] = { 0 }, p0[P0_LEN] = { 4 };
    struct journal_versions versions = { { "00000001", "02000003", "00ESP826", "04020034" } };
    enum mu_err err = MU_OK;
    size_t len = datapoint_state_size(plan);

    (void)j;
    for (uint32_t no = 1; no <= devices && err == MU_OK; no++) {
        p0[42] = below(50) == 0;
        p0[43] = below(200) == 0;
        if ((err = datapoint_state_report(plan, p0, sizeof(p0), image)) != MU_OK)
            break;
        err = v->state(v->ctx, no,
                       &(struct journal_state){ .last_ts_us = 1,
                                                .messages = 1000,
                                                .decoded = 900,
                                                .sessions = 20,
                                                .activated_at = 1700000000 - below(86400 * 1000),
                                                .online_latest = 1690000000,
                                                .last_report = 1700000000 - below(86400 * 60),
                                                .definition = 1,
                                                .image = image,
                                                .image_len = len });
        if (err == MU_OK) {
            versions.text[1][7] = (char)('0' + below(8));
            err = v->versions(v->ctx, no, &versions);
        }
    }
    if (err == MU_OK)
        err = tell_activity(v);
    return err == MU_OK ? tell_events(v) : err;
}

/* --- one node alone never asks the rest ------------------------------------------------------------ */
bool journal_is_shared(const struct journal *j)
{
    (void)j;
    return false;
}
enum mu_err journal_batch_claim(struct journal_batch *b, const uint32_t *numbers, size_t count,
                                const struct journal_claimant *to)
{
    (void)b, (void)numbers, (void)count, (void)to;
    return MU_E_IO;
}
void journal_batch_past(struct journal_batch *b, uint32_t device, int64_t activated_at, int64_t online_latest,
                        int64_t last_report)
{
    (void)b, (void)device, (void)activated_at, (void)online_latest, (void)last_report;
}
void journal_batch_delta(struct journal_batch *b, const void *bytes, size_t len)
{
    (void)b, (void)bytes, (void)len;
}
enum mu_err journal_device_events(struct journal *j, const uint32_t *numbers, size_t count, journal_event_fn row,
                                  void *ctx)
{
    (void)j, (void)numbers, (void)count, (void)row, (void)ctx;
    return MU_E_IO;
}
enum mu_err journal_keep_house(struct journal *j, const struct journal_house *h)
{
    (void)j;
    (void)h;
    return MU_OK;
}

uint64_t journal_last_delta(const struct journal *j)
{
    (void)j;
    return 0;
}

static size_t batch_bytes, commits;

struct journal_boot journal_boot(const struct journal *j)
{
    (void)j;
    return (struct journal_boot){ 1 };
}
void journal_note_registry(struct journal *j, uint64_t change, uint32_t device)
{
    (void)j, (void)change, (void)device;
}
bool journal_boot_is_over(struct journal *j, uint64_t boot, int64_t *since_us)
{
    (void)j, (void)boot;
    *since_us = 0;
    return true;
}
int64_t journal_followed_until_us(struct journal *j)
{
    (void)j;
    return INT64_MAX;
}
void journal_batch_followed(struct journal_batch *b, int64_t until_us)
{
    (void)b, (void)until_us;
}
enum mu_err journal_roll(struct journal *j, int64_t now_us)
{
    (void)j, (void)now_us;
    return MU_OK;
}
int64_t journal_expiry_us(const struct journal *j)
{
    (void)j;
    return 0;
}
enum mu_err journal_batch_create(struct journal_batch **out, struct journal *j)
{
    (void)j;
    *out = (struct journal_batch *)&batch_bytes;
    return MU_OK;
}
void journal_batch_destroy(struct journal_batch *b)
{
    (void)b;
}
void journal_batch_clear(struct journal_batch *b)
{
    (void)b;
    batch_bytes = 0;
}
size_t journal_batch_bytes(const struct journal_batch *b)
{
    (void)b;
    return batch_bytes;
}
void journal_batch_message(struct journal_batch *b, uint32_t device, const struct journal_message *m)
{
    (void)b, (void)device;
    batch_bytes += 40 + m->payload_len;
}
void journal_batch_session(struct journal_batch *b, uint32_t device, const struct journal_session *s)
{
    (void)b, (void)device, (void)s;
    batch_bytes += 60;
}
void journal_batch_state(struct journal_batch *b, uint32_t device, const struct journal_state *s)
{
    (void)b, (void)device;
    batch_bytes += 100 + s->image_len;
}
void journal_batch_versions(struct journal_batch *b, uint32_t device, const struct journal_versions *v)
{
    (void)b, (void)device, (void)v;
}
void journal_batch_turn(struct journal_batch *b, uint32_t device, enum journal_list list, int64_t from_us,
                        int64_t last_us)
{
    (void)b, (void)device, (void)list, (void)from_us, (void)last_us;
}
void journal_batch_active(struct journal_batch *b, int32_t day, uint32_t device)
{
    (void)b, (void)day, (void)device;
    batch_bytes += 12;
}
void journal_batch_active_set(struct journal_batch *b, int32_t day, const void *set, size_t len)
{
    (void)b, (void)day, (void)set;
    batch_bytes += 20 + len;
}
void journal_batch_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    (void)b, (void)device;
    batch_bytes += 30 + e->name.len;
}
void journal_batch_forget_event(struct journal_batch *b, uint32_t device, const struct journal_event *e)
{
    journal_batch_event(b, device, e);
}
void journal_batch_control(struct journal_batch *b, const struct journal_control *control)
{
    (void)b, (void)control;
}
void journal_batch_forget_controls(struct journal_batch *b, int64_t before_us)
{
    (void)b, (void)before_us;
}
enum mu_err journal_controls(struct journal *j, int64_t after_us, uint64_t after_request, int64_t before_us,
                             enum mu_err (*row)(void *ctx, const struct journal_control *control), void *ctx)
{
    (void)j, (void)after_us, (void)after_request, (void)before_us, (void)row, (void)ctx;
    return MU_OK;
}
void journal_batch_forget_device(struct journal_batch *b, uint32_t device)
{
    (void)b, (void)device;
}
enum mu_err journal_messages_since(struct journal *j, const struct journal_since *since, size_t count, int64_t to_us,
                                   journal_device_message_fn row, void *ctx)
{
    (void)j, (void)since, (void)count, (void)to_us, (void)row, (void)ctx;
    return MU_OK;
}
enum mu_err journal_events(struct journal *j, int64_t from_us, int64_t before_us,
                           enum mu_err (*row)(void *ctx, uint32_t device, const struct journal_event *e), void *ctx)
{
    (void)j, (void)from_us, (void)before_us, (void)row, (void)ctx;
    return MU_OK;
}
enum mu_err journal_commit(struct journal *j, struct journal_batch *b, int64_t alive_us)
{
    (void)j, (void)b, (void)alive_us;
    batch_bytes = 0;
    commits++;
    return MU_OK;
}

/* --- measuring ------------------------------------------------------------------------------- */

static size_t resident(void)
{
    unsigned long total = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (!file || fscanf(file, "%lu %lu", &total, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void time_search(struct fleet *f, const char *what, struct fleet_filter filter, uint64_t skip)
{
    static struct fleet_device rows[20];
    static double us[ROUNDS];
    uint64_t total = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct timespec start, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start); /* the machine may have other things to do */
        fleet_search(f, &filter, skip, 20, rows, &total);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        us[i] = (double)(end.tv_sec - start.tv_sec) * 1e6 + (double)(end.tv_nsec - start.tv_nsec) / 1e3;
    }
    qsort(us, ROUNDS, sizeof(*us), by_time);
    printf("search %-36s total %8" PRIu64 "  p50 %7.0f us  p99 %7.0f us\n", what, total, us[ROUNDS / 2],
           us[ROUNDS * 99 / 100]);
}

static void time_searches(struct fleet *f)
{
    const struct fleet_filter all = {
        .product = fleet_product_by_no(f, 1), .online = FLEET_ANY, .faulty = FLEET_ANY, .alert = FLEET_ANY
    };
    struct fleet_filter w = all;

    time_search(f, "everything", w, 0);
    time_search(f, "everything, skip 500,000", w, 500000);
    w.online = FLEET_YES;
    time_search(f, "online", w, 0);
    w.country = STR("China");
    w.alert = FLEET_YES;
    time_search(f, "online, alert, country", w, 0);
    w = all;
    w.online = FLEET_NO;
    w.alert = FLEET_NO;
    w.faulty = FLEET_NO;
    w.show_disabled = true;
    time_search(f, "offline, no alert, no fault, disabled", w, 0);
    w = all;
    w.city = STR("City 7");
    time_search(f, "city", w, 0);
    w = all;
    w.region = STR("Province 7");
    w.online = FLEET_YES;
    time_search(f, "region, online", w, 0);
    w = all;
    w.group = 1;
    time_search(f, "group with 49 below it", w, 0);
    w = all;
    w.active_since = 1700000000 - 86400 * 7;
    time_search(f, "active since a week", w, 0);
    w.active_since = 1;
    w.show_disabled = true;
    time_search(f, "active ever", w, 0);
    time_search(f, "active ever, last page", w, devices * 7 / 10 - 20);
    w.active_since = 1700000000 - 600;
    time_search(f, "active since ten minutes", w, 0);
    w = all;
    w.mac = STR("00000000002a");
    time_search(f, "mac", w, 0);
}

/* --- reports --------------------------------------------------------------------------------- */

enum report_kind { PLACES, ACTIVE, ACTIVATED, REALTIME, EVENT_DEVICES, EVENTS, ACTIVE_ROWS, INCR_ROWS, SUMMARY };

static uint64_t run_report(struct fleet *f, enum report_kind kind, const struct report_filter *w, int32_t days,
                           uint64_t skip)
{
    static struct report_row rows[20];
    struct report r = { 0 };
    struct report_summary s;
    uint64_t total = 0;
    enum mu_err err = MU_OK;
    int32_t first = LAST_DAY - days + 1;

    switch (kind) {
    case PLACES: err = report_places(f, w, FLEET_ANY, FLEET_ANY, FLEET_ANY, &r); break;
    case ACTIVE: err = report_active(f, w, first, LAST_DAY, &r); break;
    case ACTIVATED: err = report_activated(f, w, first, LAST_DAY, &r); break;
    case REALTIME: err = report_realtime(f, w, &r); break;
    case EVENT_DEVICES: err = report_event_devices(f, w, EVENT_ALERT, &r); break;
    case EVENTS: err = report_events(f, w, EVENT_ALERT, &r); break;
    case ACTIVE_ROWS: report_active_rows(f, w, &(struct report_page){ first, LAST_DAY, skip, 20 }, rows, &total); break;
    case INCR_ROWS: report_incr_rows(f, w, &(struct report_page){ first, LAST_DAY, skip, 20 }, rows, &total); break;
    case SUMMARY:
        report_summary(f, w->product, LAST_DAY, &s);
        total = s.activated;
        break;
    }
    if (err != MU_OK)
        abort();
    if (r.nodes)
        total = r.nodes[0].n[0];
    report_free(&r);
    return total;
}

static void time_report(struct fleet *f, const char *what, enum report_kind kind, uint32_t group, int32_t days,
                        uint64_t skip)
{
    enum { REPORT_ROUNDS = 100 };
    struct report_filter w = { .product = fleet_product_by_no(f, 1), .group = group };
    static double us[REPORT_ROUNDS];
    uint64_t total = 0;

    for (int i = 0; i < REPORT_ROUNDS; i++) {
        struct timespec start, end;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        total = run_report(f, kind, &w, days, skip);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        us[i] = (double)(end.tv_sec - start.tv_sec) * 1e6 + (double)(end.tv_nsec - start.tv_nsec) / 1e3;
    }
    double first = us[0];
    qsort(us, REPORT_ROUNDS, sizeof(*us), by_time);
    printf("report %-36s total %8" PRIu64 "  p50 %7.0f us  p99 %7.0f us  first %7.0f us\n", what, total,
           us[REPORT_ROUNDS / 2], us[REPORT_ROUNDS * 99 / 100 - 1], first);
}

static void time_reports(struct fleet *f)
{
    time_report(f, "places", PLACES, 0, 0, 0);
    time_report(f, "places, group with 49 below it", PLACES, 1, 0, 0);
    time_report(f, "summary", SUMMARY, 0, 0, 0);
    time_report(f, "active on a day", ACTIVE, 0, 1, 0);
    time_report(f, "active in 7 days", ACTIVE, 0, 7, 0);
    time_report(f, "active in 31 days", ACTIVE, 0, 31, 0);
    time_report(f, "activated in 30 days", ACTIVATED, 0, 30, 0);
    time_report(f, "activated ever", ACTIVATED, 0, 2000, 0);
    time_report(f, "realtime", REALTIME, 0, 0, 0);
    time_report(f, "devices with alerts", EVENT_DEVICES, 0, 0, 0);
    time_report(f, "alert events", EVENTS, 0, 0, 0);
    time_report(f, "active rows, 30 days", ACTIVE_ROWS, 0, 30, 0);
    time_report(f, "active rows, 400 days, middle", ACTIVE_ROWS, 0, 400, (uint64_t)devices * 70);
    time_report(f, "activation rows, 30 days", INCR_ROWS, 0, 30, 0);
}

static void on_done(struct commit_sink *sink, uint64_t owner, uint64_t tag, enum mu_err err)
{
    (void)owner, (void)tag, (void)err;
    atomic_fetch_add_explicit((_Atomic uint64_t *)(sink + 1), 1, memory_order_relaxed);
}

static void on_flush(struct commit_sink *sink)
{
    (void)sink;
}

static void time_messages(struct committer *c, uint32_t messages)
{
    struct {
        struct commit_sink sink;
        _Atomic uint64_t done;
    } s = {
        .sink = { .done = on_done, .flush = on_flush },
    };
    uint8_t frame[8 + P0_LEN] = { 0, 0, 0, 3, 3 + P0_LEN, 0, 0, 0x91, 4 };
    struct committer_figures figures;
    double cpu = cpu_seconds();
    int64_t start = clock_mono_us(), now = clock_wall_us();
    uint32_t handed = 0;
    size_t before = commits;

    while (handed < messages) {
        if (!committer_has_room(c, &s.sink)) {
            usleep(100);
            continue;
        }
        frame[10] = (uint8_t)handed;
        committer_report(c,
                         &(struct commit_item){ .sink = &s.sink, .tag = 1, .device = 1 + below(devices), .ts_us = now },
                         frame, sizeof(frame));
        handed++;
    }
    while (atomic_load(&s.done) < messages)
        usleep(100);
    cpu = cpu_seconds() - cpu;
    double seconds = (double)(clock_mono_us() - start) / 1e6;
    committer_get_figures(c, &figures);
    printf("messages %u  decoded %" PRIu64 "  commits %zu  %.0f/s  %.2f us CPU each, handing over "
           "included\n",
           messages, figures.decoded, commits - before, messages / seconds, cpu * 1e6 / messages);
}

int main(int argc, char **argv)
{
    struct fleet *f = NULL;
    struct committer *c = NULL;
    struct calendar *calendar = NULL;
    struct datapoint_plan *own = NULL;
    uint32_t messages = 2000000;
    char why[200];

    if (argc > 1)
        devices = (uint32_t)strtoul(argv[1], NULL, 10);
    if (argc > 2)
        messages = (uint32_t)strtoul(argv[2], NULL, 10);
    json_t *json = json_loads(definition, 0, NULL);
    if (datapoint_plan_compile(json, &own, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    json_decref(json);
    plan = own;

    size_t before = resident();
    int64_t start = clock_mono_us();
    if (calendar_open(&calendar, "Asia/Shanghai") != MU_OK || fleet_create(&f) != MU_OK ||
        committer_start(&c, &(struct committer_options){ .fleet = f, .calendar = calendar, .activity_days = 100000 }) !=
            MU_OK)
        return 1;
    printf("devices %u  rebuilt in %.2f s\n", devices, (double)(clock_mono_us() - start) / 1e6);
    printf("resident %.1f MB  %.0f bytes per device, of these %zu of image\n", (double)(resident() - before) / 1e6,
           (double)(resident() - before) / devices, datapoint_state_size(plan));

    for (uint32_t no = 1; no <= devices; no++) {
        if (below(3))
            committer_login(c, &(struct commit_item){ .device = no, .ts_us = clock_wall_us() },
                            &(struct commit_login){ .session = no, .takeover = false, .keep_alive = 125 });
    }
    time_messages(c, 1); /* behind all the logins */
    time_searches(f);
    time_reports(f);
    time_messages(c, messages);
    printf("resident %.1f MB  %.0f bytes per device\n", (double)(resident() - before) / 1e6,
           (double)(resident() - before) / devices);
    committer_stop(c);
    fleet_destroy(f);
    calendar_free(calendar);
    datapoint_plan_free(own);
    return 0;
}

/* Fills a data directory with the sample fleet (sample.h), through the ports of the stores.
 *
 *     make_fleet DIR DEFINITION DEVICES NOW ZONE
 *
 * DIR has five products, which `muster apply` put into it, with an app that has them and the air
 * conditioner's definition; no server uses it. Nothing that happened is written message by message:
 * what a start reads of thirteen months are states, versions, days of activity and events. */
#include <jansson.h>
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/rocks_journal.h"
#include "model/datapoint.h"
#include "ops/data_dir.h"
#include "registry/registry.h"
#include "sample.h"

static void check(enum mu_err err, const char *what)
{
    if (err == MU_OK)
        return;
    fprintf(stderr, "make_fleet: %s: %s\n", what, mu_err_text(err));
    exit(1);
}

/* --- registry ------------------------------------------------------------------------------------ */

struct fleet_part {
    const struct sample *s;
    uint32_t first, last;
};

static enum mu_err put_groups(struct registry_tx *tx, void *arg)
{
    enum mu_err err = MU_OK;

    (void)arg;
    for (uint32_t no = 1; no <= SAMPLE_GROUPS && err == MU_OK; no++) {
        struct group_row row;
        sample_group(no, &row);
        row.no = 0;
        err = tx_put_group(tx, &row);
        if (err == MU_OK && row.no != no)
            err = MU_E_VALUE; /* the directory was not empty */
    }
    return err;
}

static enum mu_err put_devices(struct registry_tx *tx, void *arg)
{
    struct fleet_part *p = arg;
    enum mu_err err = MU_OK;

    for (uint32_t no = p->first; no <= p->last && err == MU_OK; no++) {
        struct sample_device d;
        sample_device(p->s, no, &d);
        d.row.no = 0;
        err = tx_put_device(tx, &d.row);
        if (err == MU_OK && d.row.no != no)
            err = MU_E_VALUE;
    }
    return err;
}

static enum mu_err put_users(struct registry_tx *tx, void *arg)
{
    struct fleet_part *p = arg;
    enum mu_err err = MU_OK;

    for (uint32_t no = p->first; no <= p->last && err == MU_OK; no++) {
        struct user_row row;
        sample_user(p->s, no, &row);
        struct binding_row binding = { .device = no * 5, .app = row.app, .is_owner = true, .since = row.created_at };
        if ((err = tx_put_user(tx, &row)) != MU_OK)
            break;
        binding.user = row.no;
        err = tx_bind(tx, &binding);
    }
    return err;
}

/* In transactions of this many rows, so that the log file stays small. */
enum { PART = 20000 };

static void put_in_parts(struct registry *reg, const struct sample *s, uint32_t count, registry_fn fn, const char *what)
{
    for (uint32_t first = 1; first <= count; first += PART) {
        struct fleet_part p = { s, first, first + PART - 1 < count ? first + PART - 1 : count };
        check(registry_write(reg, fn, &p), what);
    }
}

/* --- journal ------------------------------------------------------------------------------------- */

struct writer {
    const struct sample *s;
    struct journal *journal;
    struct journal_batch *batch;
    struct datapoint_plan *plan;
};

static void commit(struct writer *w, size_t from)
{
    if (journal_batch_bytes(w->batch) >= from)
        check(journal_commit(w->journal, w->batch, w->s->now_s * 1000000), "journal");
}

/* The air conditioner's report: mode and temperatures by device, alerts and faults in bytes 5 and 6. */
static void write_state(struct writer *w, const struct sample_device *d)
{
    uint8_t p0[8] = { 4, 1, 0, 0, (uint8_t)(d->row.no % 15), 30, d->is_alert, d->is_faulty };
    uint8_t image[256] = { 0 };
    size_t len = datapoint_state_size(w->plan);

    if (len > sizeof(image))
        check(MU_E_LIMIT, "definition");
    check(datapoint_state_report(w->plan, p0, sizeof(p0), image), "definition");
    journal_batch_state(w->batch, d->row.no,
                        &(struct journal_state){ .last_ts_us = d->last_report * 1000000,
                                                 .last_session_us = d->last_report * 1000000,
                                                 .messages = 1000,
                                                 .decoded = 990,
                                                 .sessions = 20,
                                                 .activated_at = d->activated_at,
                                                 .online_latest = d->last_report - 30,
                                                 .last_report = d->last_report,
                                                 .active_day = d->last_day,
                                                 .definition = 1,
                                                 .image = image,
                                                 .image_len = len });
}

static void write_devices(struct writer *w)
{
    for (uint32_t no = 1; no <= w->s->devices; no++) {
        struct journal_versions versions = { { "00000001", "02000003", "00ESP826", "04020034" } };
        struct sample_device d;
        struct sample_event e;

        sample_device(w->s, no, &d);
        if (!d.activated_at)
            continue;
        write_state(w, &d);
        versions.text[VERSION_MCU_SOFT][7] = (char)('0' + d.version);
        journal_batch_versions(w->batch, no, &versions);
        for (unsigned i = 0; sample_event(w->s, &d, i, &e); i++)
            journal_batch_event(w->batch, no,
                                &(struct journal_event){ .opened_us = e.opened_us,
                                                         .resolved_us = e.resolved_us,
                                                         .alert = e.alert,
                                                         .definition = 1,
                                                         .name = str_of(e.name) });
        commit(w, LIMIT_BATCH);
    }
    commit(w, 0);
}

/* A set a day, which is what the committer makes of a day that is over (commit/retention.h). */
static void write_activity(struct writer *w)
{
    static roaring_bitmap_t *sets[SAMPLE_DAYS];
    int32_t first = w->s->today - SAMPLE_DAYS + 1;

    for (int i = 0; i < SAMPLE_DAYS; i++)
        sets[i] = roaring_bitmap_create();
    for (uint32_t no = 1; no <= w->s->devices; no++) {
        struct sample_device d;
        sample_device(w->s, no, &d);
        for (int i = 0; i < SAMPLE_DAYS; i++) {
            if (sample_active(&d, first + i))
                roaring_bitmap_add(sets[i], no);
        }
    }
    for (int i = 0; i < SAMPLE_DAYS; i++) {
        roaring_bitmap_run_optimize(sets[i]);
        size_t len = roaring_bitmap_portable_size_in_bytes(sets[i]);
        char *bytes = malloc(len);
        if (!bytes)
            check(MU_E_NOMEM, "activity");
        roaring_bitmap_portable_serialize(sets[i], bytes);
        journal_batch_active_set(w->batch, first + i, bytes, len);
        free(bytes);
        roaring_bitmap_free(sets[i]);
        commit(w, LIMIT_BATCH);
    }
    commit(w, 0);
}

static struct datapoint_plan *read_plan(const char *file)
{
    struct datapoint_plan *plan = NULL;
    char why[200] = "not JSON";
    json_t *json = json_load_file(file, 0, NULL);

    if (!json || datapoint_plan_compile(json, &plan, why, sizeof(why)) != MU_OK) {
        fprintf(stderr, "make_fleet: %s: %s\n", file, why);
        exit(1);
    }
    json_decref(json);
    return plan;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: make_fleet DIR DEFINITION DEVICES NOW ZONE\n");
        return 2;
    }
    const char *dir = argv[1], *zone = argv[5];
    struct calendar *calendar;
    struct data_dir lock = { .lock_fd = -1 };
    struct registry *registry;
    struct writer w = { .plan = read_plan(argv[2]) };
    char why[300] = "";

    check(calendar_open(&calendar, zone), zone);
    struct sample s = { .devices = (uint32_t)strtoul(argv[3], NULL, 10),
                        .now_s = strtoll(argv[4], NULL, 10),
                        .calendar = calendar };
    s.today = calendar_day(calendar, s.now_s);
    w.s = &s;

    check(data_dir_open(&lock, dir, why, sizeof(why)), why);
    check(registry_open(&registry, dir, why, sizeof(why)), why);
    check(registry_set_fact(registry, "time_zone", zone), "time zone");
    check(registry_write(registry, put_groups, NULL), "groups");
    put_in_parts(registry, &s, s.devices, put_devices, "devices");
    put_in_parts(registry, &s, sample_users(&s), put_users, "users");
    registry_close(registry);

    check(rocks_journal_open(&w.journal, dir, &(struct rocks_journal_options){ 0 }, why, sizeof(why)), why);
    check(journal_roll(w.journal, s.now_s * 1000000), "journal");
    check(journal_batch_create(&w.batch, w.journal), "journal");
    write_devices(&w);
    write_activity(&w);
    journal_batch_destroy(w.batch);
    journal_close(w.journal);

    data_dir_close(&lock);
    datapoint_plan_free(w.plan);
    calendar_free(calendar);
    return 0;
}

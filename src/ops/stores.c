#include "ops/stores_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/json_in.h"
#include "base/mark.h"
#include "fleet/fleet_apply.h"
#include "model/datapoint_plan.h"
#include "ops/backup_scratch.h"
#include "ops/privileges.h"
#include "postgres/pg.h"

/* Opens and closes the stores and what is built on them, in the order in which the parts depend on each other. */

/* The time zone of a directory that has none yet and that no server has opened. */
#define ZONE_OF_A_NEW_ONE "Asia/Shanghai"

void stores_show_place(const struct stores_where *where, char *out, size_t size)
{
    if (where->store)
        pg_show_uri(where->store, out, size);
    else
        snprintf(out, size, "%s", where->dir);
}

enum mu_err stores_look(struct stores *s, const struct stores_where *where, char *why, size_t why_size)
{
    struct registry_place place;
    enum mu_err err = data_dir_open(&s->data, where->dir, why, why_size);

    if (err != MU_OK || !(s->store = where->store))
        return err == MU_OK ? stores_dir_look(&s->registry, where->dir, &place, why, why_size) : err;
    err = registry_open_store(&s->registry, s->store, why, why_size);
    return err == MU_OK ? stores_database_note(s, why, why_size) : err;
}

enum mu_err stores_open_zone(struct calendar **out, const char *zone, char *why, size_t why_size)
{
    enum mu_err err = calendar_open(out, zone);

    if (err != MU_OK)
        snprintf(why, why_size, "--time-zone: '%s' is not a time zone of this machine", zone);
    return err == MU_E_NOT_FOUND ? MU_E_SYNTAX : err;
}

static const char *kind_of_place(const char *store)
{
    return store ? "database" : "data directory";
}

/* Whether the stored days are those of this zone. Days are cut in one zone, and the zone is stored; cutting
 * them anew would need every message. MU_E_NOT_FOUND: no zone is stored yet. */
static enum mu_err compare_zone(struct registry *registry, const char *where, const char *zone, char *why,
                                size_t why_size)
{
    char stored[64];
    enum mu_err err = registry_get_fact(registry, "time_zone", stored, sizeof(stored));

    if (err == MU_OK && strcmp(stored, zone) != 0) {
        snprintf(why, why_size,
                 "this %s counts days in the time zone %s, not %s. What has been counted by "
                 "day cannot be converted; start with --time-zone %s",
                 where, stored, zone, stored);
        return MU_E_SYNTAX;
    }
    return err;
}

static enum mu_err open_calendar(struct stores *s, const char *zone, char *why, size_t why_size)
{
    enum mu_err err = stores_open_zone(&s->calendar, zone, why, why_size);

    if (err == MU_OK &&
        (err = compare_zone(s->registry, kind_of_place(s->store), zone, why, why_size)) == MU_E_NOT_FOUND)
        err = registry_set_fact(s->registry, "time_zone", zone);
    return err;
}

struct definition_check {
    char *why;
    size_t why_size;
};

/* Whether a stored definition can be compiled. A server starts with one that cannot, and then decodes no report of
 * the product's devices. */
static enum mu_err check_definition(void *ctx, const struct definition_row *row)
{
    struct definition_check *c = ctx;
    struct datapoint_plan *plan = NULL;
    char cause[256] = "it is not JSON";
    json_error_t error;
    json_t *json = json_read(row->json, 0, &error);
    enum mu_err err = json ? datapoint_plan_compile(json, &plan, cause, sizeof(cause)) : MU_E_VALUE;

    if (err != MU_OK)
        snprintf(c->why, c->why_size, "version %u of the definition of product number %u cannot be read: %s",
                 row->version, row->product, cause);
    datapoint_plan_free(plan);
    json_decref(json);
    return err == MU_E_VALUE ? MU_E_CORRUPT : err;
}

/* Opens the registry for reading only; NULL: there is none yet. */
static enum mu_err open_to_check(struct registry **registry, const struct stores_where *where, char *why,
                                 size_t why_size)
{
    struct registry_place place;
    enum mu_err err;

    if (where->store)
        return stores_database_check(registry, where, why, why_size);
    err = stores_dir_look(registry, where->dir, &place, why, why_size);
    registry_close(*registry);
    *registry = NULL;
    return err == MU_OK && place.exists ? registry_open_unchanged(registry, where->dir, why, why_size) : err;
}

enum mu_err stores_check(const struct stores_where *where, const char *zone, char *why, size_t why_size)
{
    struct registry *registry = NULL;
    struct definition_check definitions = { why, why_size };
    uint64_t seq;
    enum mu_err err = open_to_check(&registry, where, why, why_size);

    if (err == MU_OK && registry) {
        err = compare_zone(registry, kind_of_place(where->store), zone, why, why_size);
        if (err == MU_OK || err == MU_E_NOT_FOUND)
            err = registry_visit_all(
                registry, &(struct registry_visitor){ .ctx = &definitions, .definition = check_definition }, &seq);
    }
    registry_close(registry);
    return err;
}

static enum mu_err open_calendar_at_rest(struct stores *s, char *why, size_t why_size)
{
    char stored[64] = ZONE_OF_A_NEW_ONE;
    enum mu_err err = registry_get_fact(s->registry, "time_zone", stored, sizeof(stored));

    return err == MU_OK || err == MU_E_NOT_FOUND ? stores_open_zone(&s->calendar, stored, why, why_size) : err;
}

static enum mu_err open_journal(struct stores *s, unsigned retention_days, char *why, size_t why_size)
{
    if (s->journal)
        return MU_OK;
    return s->store ? stores_database_open_journal(s, retention_days, why, why_size)
                    : stores_dir_open_journal(s, retention_days, why, why_size);
}

/* Before the index is built, so that nothing is missed that other nodes change meanwhile. */
static enum mu_err join_nodes(struct stores *s, const struct stores_settings *settings)
{
    if (!settings->end_session || !s->store)
        return MU_OK;
    return nodes_create(&s->nodes, &(struct nodes_options){ .uri = s->store,
                                                            .fleet = s->fleet,
                                                            .registry = s->registry,
                                                            .journal = s->journal,
                                                            .ctx = settings->ctx,
                                                            .end_session = settings->end_session,
                                                            .over = settings->over });
}

static enum mu_err start_committer(struct stores *s, const struct stores_settings *settings)
{
    struct committer_options options = { .fleet = s->fleet,
                                         .registry = s->registry,
                                         .journal = s->journal,
                                         .calendar = s->calendar,
                                         .watch = s->watch,
                                         .activity_days = settings->activity_days };

    if (s->nodes) {
        options.nodes = nodes_for_committer(s->nodes);
        options.alive_ms = NODES_ALIVE_MS;
    }
    return committer_start(&s->committer, &options);
}

static enum mu_err open_rest(struct stores *s, const struct stores_settings *settings, char *why, size_t why_size)
{
    char place[512];
    enum mu_err err;

    assert(s->calendar && !s->fleet && !s->committer);
    if ((err = open_journal(s, settings->retention_days, why, why_size)) != MU_OK ||
        (err = fleet_create(&s->fleet)) != MU_OK)
        return err;
    fleet_keep_quotas(s->fleet, s->quotas, s->granted);
    if ((err = join_nodes(s, settings)) == MU_OK)
        err = start_committer(s, settings);
    if (err == MU_E_CORRUPT && !s->store && *rocks_journal_damage(s->journal)) {
        snprintf(why, why_size, "the journal in %s/journal is damaged: %s: " MARK_ADVICE, s->data.path,
                 rocks_journal_damage(s->journal));
    } else if (err != MU_OK) {
        stores_show_place(&(struct stores_where){ s->data.path, s->store }, place, sizeof(place));
        snprintf(why, why_size, "cannot build the index of the fleet from what is in %s: %s", place, mu_err_text(err));
    }
    return err;
}

enum mu_err stores_open(struct stores *s, const struct stores_settings *settings, char *why, size_t why_size)
{
    enum mu_err err;

    if ((!s->store && (err = registry_begin(s->registry, why, why_size)) != MU_OK) ||
        (err = open_calendar(s, settings->time_zone, why, why_size)) != MU_OK)
        return err;
    if (!s->store)
        backup_scratch_clear(s->data.path);
    if ((err = quota_file_open(&s->quotas, s->data.path, "quotas", why, why_size)) != MU_OK ||
        (s->store && (err = quota_file_open(&s->granted, s->data.path, "granted", why, why_size)) != MU_OK) ||
        (err = watch_create(&s->watch)) != MU_OK)
        return err;
    return open_rest(s, settings, why, why_size);
}

static enum mu_err open_dir_at_rest(struct stores *s, const char *dir, char *why, size_t why_size)
{
    enum mu_err err;

    if ((err = privileges_become_owner(dir, why, why_size)) != MU_OK ||
        (err = stores_look(s, &(struct stores_where){ .dir = dir }, why, why_size)) != MU_OK)
        return err;
    return registry_begin(s->registry, why, why_size);
}

static enum mu_err open_database_at_rest(struct stores *s, const char *store, enum stores_part part, bool changes,
                                         char *why, size_t why_size)
{
    enum mu_err err = registry_open_store(&s->registry, store, why, why_size);

    s->store = store;
    /* Whoever opens the journal has the database alone. */
    if (err == MU_OK && part == STORES_ALL)
        return open_journal(s, STORES_KEEP_DAYS, why, why_size);
    return err == MU_OK && changes ? stores_database_share(s, why, why_size) : err;
}

enum mu_err stores_open_at_rest(struct stores *s, const struct stores_where *where, enum stores_part part, bool changes,
                                char *why, size_t why_size)
{
    enum mu_err err = where->store ? open_database_at_rest(s, where->store, part, changes, why, why_size)
                                   : open_dir_at_rest(s, where->dir, why, why_size);

    if (err != MU_OK)
        return err;
    err = open_calendar_at_rest(s, why, why_size);
    if (part == STORES_REGISTRY && err == MU_E_SYNTAX) {
        why[0] = '\0'; /* this machine does not know the zone: times are shown in UTC */
        return MU_OK;
    }
    if (err != MU_OK || part == STORES_REGISTRY)
        return err;
    return open_rest(s,
                     &(struct stores_settings){ .retention_days = STORES_KEEP_DAYS, .activity_days = STORES_KEEP_DAYS },
                     why, why_size);
}

void stores_stop_committing(struct stores *s)
{
    nodes_stop(s->nodes);
    if (s->committer)
        committer_stop(s->committer);
    s->committer = NULL;
    nodes_destroy(s->nodes);
    s->nodes = NULL;
}

void stores_close(struct stores *s)
{
    stores_stop_committing(s);
    if (s->fleet)
        fleet_destroy(s->fleet);
    quota_file_close(s->quotas);
    quota_file_close(s->granted);
    watch_destroy(s->watch);
    journal_close(s->journal);
    registry_close(s->registry);
    if (s->calendar)
        calendar_free(s->calendar);
    data_dir_close(&s->data);
    *s = (struct stores)STORES_CLOSED;
}

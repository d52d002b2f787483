#include "ops/stores.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json_in.h"
#include "base/mark.h"
#include "fleet/fleet_apply.h"
#include "model/datapoint_plan.h"
#include "ops/backup_scratch.h"
#include "ops/file.h"
#include "ops/privileges.h"

/* Opens and closes all that a data directory holds, in the order in which the parts depend on each other. */

/* The time zone of a directory that has none yet and that no server has opened. */
#define ZONE_OF_A_NEW_ONE "Asia/Shanghai"
/* Longer than any setting lets a server keep data. A command does not know the server's settings, and must not drop
 * data that the server keeps. */
#define KEEP_DAYS 4000

struct rocks_journal_registry stores_journal_registry(const struct registry_place *place)
{
    struct rocks_journal_registry out = { .change = place->change, .device = place->device };
    memcpy(out.id, place->id, sizeof(out.id));
    return out;
}

enum mu_err stores_look_for_both(const char *dir, const struct registry_place *place, char *why, size_t why_size)
{
    char current[4096];

    snprintf(current, sizeof(current), "%s/journal/CURRENT", dir);
    bool has_journal = access(current, F_OK) == 0;
    if (has_journal ? place->exists : !place->has_journal)
        return MU_OK;
    snprintf(why, why_size,
             "%s/%s is missing or empty, and the other store is there: put it back, or bring back a "
             "backup (muster restore)",
             dir, has_journal ? "registry.db" : "journal");
    return MU_E_CORRUPT;
}

static enum mu_err look_at_journal(const char *dir, const struct registry_place *place, char *why, size_t why_size)
{
    struct rocks_journal_registry seen = stores_journal_registry(place);
    enum mu_err err = stores_look_for_both(dir, place, why, why_size);

    return err == MU_OK ? rocks_journal_look(dir, &seen, why, why_size) : err;
}

/* Checks both before either is changed. */
static enum mu_err look_at_both(struct registry **registry, const char *dir, struct registry_place *place, char *why,
                                size_t why_size)
{
    char repaired[4200];
    enum mu_err err;

    snprintf(repaired, sizeof(repaired), "%s/" DATA_DIR_REPAIRED, dir);
    if (access(repaired, F_OK) == 0) {
        snprintf(why, why_size, "a repair of %s was interrupted; muster repair continues it", dir);
        return MU_E_CORRUPT;
    }
    err = registry_look(registry, dir, place, why, why_size);
    return err == MU_OK ? look_at_journal(dir, place, why, why_size) : err;
}

enum mu_err stores_look(struct stores *s, const char *dir, char *why, size_t why_size)
{
    struct registry_place place;
    enum mu_err err = data_dir_open(&s->data, dir, why, why_size);

    return err == MU_OK ? look_at_both(&s->registry, dir, &place, why, why_size) : err;
}

enum mu_err stores_open_zone(struct calendar **out, const char *zone, char *why, size_t why_size)
{
    enum mu_err err = calendar_open(out, zone);

    if (err != MU_OK)
        snprintf(why, why_size, "--time-zone: '%s' is not a time zone of this machine", zone);
    return err == MU_E_NOT_FOUND ? MU_E_SYNTAX : err;
}

/* Whether the directory's days are those of this zone. Days are cut in one zone, and the zone is stored; cutting
 * them anew would need every message. MU_E_NOT_FOUND: no zone is stored yet. */
static enum mu_err compare_zone(struct registry *registry, const char *zone, char *why, size_t why_size)
{
    char stored[64];
    enum mu_err err = registry_get_fact(registry, "time_zone", stored, sizeof(stored));

    if (err == MU_OK && strcmp(stored, zone) != 0) {
        snprintf(why, why_size,
                 "this data directory counts days in the time zone %s, not %s. What has been counted by "
                 "day cannot be converted; start with --time-zone %s",
                 stored, zone, stored);
        return MU_E_SYNTAX;
    }
    return err;
}

static enum mu_err open_calendar(struct stores *s, const char *zone, char *why, size_t why_size)
{
    enum mu_err err = stores_open_zone(&s->calendar, zone, why, why_size);

    if (err == MU_OK && (err = compare_zone(s->registry, zone, why, why_size)) == MU_E_NOT_FOUND)
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

enum mu_err stores_check(const char *dir, const char *zone, char *why, size_t why_size)
{
    struct registry *registry = NULL;
    struct registry_place place;
    enum mu_err err = look_at_both(&registry, dir, &place, why, why_size);

    registry_close(registry);
    if (err != MU_OK || !place.exists)
        return err;
    if ((err = registry_open_unchanged(&registry, dir, why, why_size)) != MU_OK)
        return err;
    struct definition_check definitions = { why, why_size };
    uint64_t seq;
    err = compare_zone(registry, zone, why, why_size);
    if (err == MU_OK || err == MU_E_NOT_FOUND)
        err = registry_visit_all(
            registry, &(struct registry_visitor){ .ctx = &definitions, .definition = check_definition }, &seq);
    registry_close(registry);
    return err;
}

static enum mu_err open_calendar_at_rest(struct stores *s, char *why, size_t why_size)
{
    char stored[64] = ZONE_OF_A_NEW_ONE;
    enum mu_err err = registry_get_fact(s->registry, "time_zone", stored, sizeof(stored));

    return err == MU_OK || err == MU_E_NOT_FOUND ? stores_open_zone(&s->calendar, stored, why, why_size) : err;
}

static enum mu_err open_rest(struct stores *s, unsigned retention_days, unsigned activity_days, char *why,
                             size_t why_size)
{
    const char *dir = s->data.path;
    struct registry_place place;
    enum mu_err err = registry_get_place(s->registry, &place);
    struct rocks_journal_registry seen = stores_journal_registry(&place);
    struct rocks_journal_options options = { .retention_days = retention_days, .registry = &seen, .looked = true };

    assert(s->calendar && s->data.lock_fd >= 0 && !s->journal && !s->fleet && !s->committer);
    /* Acknowledged data can only be found again if the names of the stores are on disk, too. */
    if (err != MU_OK || (err = rocks_journal_open(&s->journal, dir, &options, why, why_size)) != MU_OK ||
        (err = file_sync_dir(dir, why, why_size)) != MU_OK ||
        (!place.has_journal && (err = registry_set_fact(s->registry, REGISTRY_HAS_JOURNAL, "made")) != MU_OK) ||
        (err = fleet_create(&s->fleet)) != MU_OK)
        return err;
    fleet_keep_quotas(s->fleet, s->quotas);
    err = committer_start(&s->committer, &(struct committer_options){ .fleet = s->fleet,
                                                                      .registry = s->registry,
                                                                      .journal = s->journal,
                                                                      .calendar = s->calendar,
                                                                      .watch = s->watch,
                                                                      .activity_days = activity_days });
    if (err == MU_E_CORRUPT && *rocks_journal_damage(s->journal))
        snprintf(why, why_size, "the journal in %s/journal is damaged: %s: " MARK_ADVICE, dir,
                 rocks_journal_damage(s->journal));
    else if (err != MU_OK)
        snprintf(why, why_size, "cannot build the index of the fleet from what is in %s: %s", dir, mu_err_text(err));
    return err;
}

enum mu_err stores_open(struct stores *s, const struct stores_settings *settings, char *why, size_t why_size)
{
    enum mu_err err;

    if ((err = registry_begin(s->registry, why, why_size)) != MU_OK ||
        (err = open_calendar(s, settings->time_zone, why, why_size)) != MU_OK)
        return err;
    backup_scratch_clear(s->data.path);
    if ((err = quota_file_open(&s->quotas, s->data.path, why, why_size)) != MU_OK ||
        (err = watch_create(&s->watch)) != MU_OK)
        return err;
    return open_rest(s, settings->retention_days, settings->activity_days, why, why_size);
}

enum mu_err stores_open_at_rest(struct stores *s, const char *dir, enum stores_part part, char *why, size_t why_size)
{
    enum mu_err err;

    if ((err = privileges_become_owner(dir, why, why_size)) != MU_OK ||
        (err = stores_look(s, dir, why, why_size)) != MU_OK ||
        (err = registry_begin(s->registry, why, why_size)) != MU_OK)
        return err;
    err = open_calendar_at_rest(s, why, why_size);
    if (part == STORES_REGISTRY && err == MU_E_SYNTAX) {
        why[0] = '\0'; /* this machine does not know the zone: times are shown in UTC */
        return MU_OK;
    }
    if (err != MU_OK || part == STORES_REGISTRY)
        return err;
    return open_rest(s, KEEP_DAYS, KEEP_DAYS, why, why_size);
}

void stores_stop_committing(struct stores *s)
{
    if (s->committer)
        committer_stop(s->committer);
    s->committer = NULL;
}

void stores_close(struct stores *s)
{
    stores_stop_committing(s);
    if (s->fleet)
        fleet_destroy(s->fleet);
    quota_file_close(s->quotas);
    watch_destroy(s->watch);
    journal_close(s->journal);
    registry_close(s->registry);
    if (s->calendar)
        calendar_free(s->calendar);
    data_dir_close(&s->data);
    *s = (struct stores)STORES_CLOSED;
}

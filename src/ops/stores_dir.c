/* Stores in a data directory (stores.h): the SQLite file and the directory of RocksDB, which may be of different moments
 * or of different directories. */

#include "ops/stores_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mark.h"
#include "ops/file.h"

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

enum mu_err stores_dir_look(struct registry **registry, const char *dir, struct registry_place *place, char *why,
                            size_t why_size)
{
    char repaired[4200];
    enum mu_err err;

    if (stores_are_elsewhere(dir)) {
        snprintf(why, why_size, "the stores of %s are in a database: give --store, too (docs/cluster.md)", dir);
        return MU_E_VALUE;
    }
    snprintf(repaired, sizeof(repaired), "%s/" DATA_DIR_REPAIRED, dir);
    if (access(repaired, F_OK) == 0) {
        snprintf(why, why_size, "a repair of %s was interrupted; muster repair continues it", dir);
        return MU_E_CORRUPT;
    }
    err = registry_look(registry, dir, place, why, why_size);
    return err == MU_OK ? look_at_journal(dir, place, why, why_size) : err;
}

enum mu_err stores_dir_open_journal(struct stores *s, unsigned retention_days, char *why, size_t why_size)
{
    const char *dir = s->data.path;
    struct registry_place place;
    enum mu_err err = registry_get_place(s->registry, &place);
    struct rocks_journal_registry seen = stores_journal_registry(&place);
    struct rocks_journal_options options = { .retention_days = retention_days, .registry = &seen, .looked = true };

    /* Acknowledged data can only be found again if the names of the stores are on disk, too. */
    if (err != MU_OK || (err = rocks_journal_open(&s->journal, dir, &options, why, why_size)) != MU_OK ||
        (err = file_sync_dir(dir, why, why_size)) != MU_OK)
        return err;
    return place.has_journal ? MU_OK : registry_set_fact(s->registry, REGISTRY_HAS_JOURNAL, "made");
}

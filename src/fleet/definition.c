#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fleet/fleet_internal.h"
#include "model/datapoint_ui.h"

/* Datapoint definitions. Every version that a product has had stays, since records and images are read with the
 * definition under which they were written. */

const struct fleet_definition *catalog_definition(const struct product *p, uint32_t version)
{
    for (const struct definition *d = p->definitions; d; d = d->next) {
        if (d->pub.version == version)
            return &d->pub;
    }
    return NULL;
}

const struct fleet_definition *fleet_definition(struct fleet *f, uint32_t product, uint32_t version)
{
    fleet_read_lock(f);
    const struct product *p = catalog_product(f, product);
    const struct fleet_definition *d = p ? catalog_definition(p, version) : NULL;
    fleet_unlock(f);
    return d;
}

void fleet_definition_free(struct definition *d)
{
    if (!d)
        return;
    datapoint_plan_free(d->pub.plan);
    free(d->pub.points);
    free((char *)d->pub.json);
    free(d);
}

/* The answer of GET datapoint: the stored text, byte for byte. If no `ui` is stored, the derived `ui` is added as the
 * last member. */
static char *answer_json(const json_t *root, struct str stored, const struct datapoint_plan *plan, size_t *len)
{
    char *ui_text = NULL, *json = NULL;

    if (json_object_get(root, "ui")) {
        if ((json = strndup(stored.at, stored.len)))
            *len = stored.len;
        return json;
    }
    json_t *ui = datapoint_ui(plan);
    if (!ui || !(ui_text = json_dumps(ui, JSON_COMPACT | JSON_REAL_PRECISION(15))))
        goto out;
    while (stored.len && stored.at[stored.len - 1] != '}')
        stored.len--;
    int n = asprintf(&json, "%.*s,\"ui\":%s}", (int)stored.len - 1, stored.at, ui_text);
    if (n < 0)
        json = NULL;
    else
        *len = (size_t)n;
out:
    json_decref(ui);
    free(ui_text);
    return json;
}

/* The length of the text up to the end of the product's name of that time, which comes first in every text that the
 * registry stores. 0: the text does not begin with a name. */
static size_t named(const char *json)
{
    static const char start[] = "{\"name\":\"";
    const char *at = json + sizeof(start) - 1;

    if (strncmp(json, start, sizeof(start) - 1) != 0)
        return 0;
    while (*at && *at != '"')
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? (size_t)(at + 1 - json) : 0;
}

/* MU_E_VALUE: the definition does not compile; that is logged. */
static enum mu_err compile(const struct definition_row *row, struct definition **out)
{
    json_error_t json_error;
    char why[200] = "not JSON";
    struct definition *d = NULL;
    enum mu_err err = MU_E_NOMEM;

    json_t *root = json_loadb(row->json.at, row->json.len, 0, &json_error);
    if (!root || !json_is_object(root)) {
        err = MU_E_VALUE;
        goto out;
    }
    if (!(d = calloc(1, sizeof(*d))))
        goto out;
    d->pub.version = row->version;
    if ((err = datapoint_plan_compile(root, &d->pub.plan, why, sizeof(why))) != MU_OK)
        goto out;
    if ((d->pub.json = answer_json(root, row->json, d->pub.plan, &d->pub.json_len)))
        d->pub.named = named(d->pub.json);
    else
        err = MU_E_NOMEM;
out:
    json_decref(root);
    if (err == MU_OK) {
        *out = d;
        return MU_OK;
    }
    fleet_definition_free(d);
    if (err == MU_E_VALUE)
        log_event(LOG_ERROR, "definition_unusable", "product=%u version=%u why=%s", row->product, row->version,
                  LOG_Q(why, -1));
    return err;
}

/* Looks up the numbers of the definition's fault and alert points. */
static enum mu_err number_points(struct fleet *f, struct definition *d)
{
    size_t count = datapoint_count(d->pub.plan);
    enum mu_err err = MU_OK;

    if (!(d->pub.points = calloc(count + 1, sizeof(*d->pub.points))))
        return MU_E_NOMEM;
    for (size_t i = 0; i < count && err == MU_OK; i++) {
        const struct datapoint *p = datapoint_at(d->pub.plan, i);
        if (p->access == POINT_FAULT || p->access == POINT_ALERT)
            err = points_no(&f->points, p->access == POINT_FAULT ? EVENT_FAULT : EVENT_ALERT, str_of(p->name),
                            &d->pub.points[i]);
    }
    return err;
}

enum mu_err fleet_definition_put(struct fleet *f, const struct definition_row *row)
{
    struct definition *d = NULL;

    /* No lock for looking: this is the committer's thread, the only writer. */
    struct product *p = catalog_product(f, row->product);
    if (!p)
        return MU_E_CORRUPT;
    if (catalog_definition(p, row->version))
        return MU_OK;
    enum mu_err err = compile(row, &d);
    if (err != MU_OK && err != MU_E_VALUE)
        return err;

    fleet_write_lock(f);
    if (d && (err = number_points(f, d)) != MU_OK) {
        fleet_unlock(f);
        fleet_definition_free(d);
        return err;
    }
    if (d) {
        d->next = p->definitions;
        p->definitions = d;
    }
    if (p->row->row.definition == row->version)
        atomic_store(&p->pub.definition, d ? &d->pub : NULL);
    fleet_unlock(f);
    return MU_OK;
}

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_internal.h"

#include "base/array.h"

/* Apps, and the products that each belongs to. */

void fleet_apps_free(struct fleet *f)
{
    for (uint32_t no = 0; no < f->apps.count; no++)
        free(f->apps.at[no].products);
    free(f->apps.at);
}

enum mu_err fleet_app_put(struct fleet *f, const struct app_row *row, const uint32_t *products, size_t count)
{
    uint32_t *copy = NULL;

    if (!ARRAY_RESERVE_ZERO(f->apps.at, f->apps.count, (size_t)row->no + 1) ||
        (count && !(copy = malloc(count * sizeof(*copy)))))
        return MU_E_NOMEM;
    if (count)
        memcpy(copy, products, count * sizeof(*copy));
    fleet_app_delete(f, row->no);
    f->apps.at[row->no] = (struct app){ copy, count };
    return MU_OK;
}

void fleet_app_delete(struct fleet *f, uint32_t no)
{
    if (no >= f->apps.count)
        return;
    free(f->apps.at[no].products);
    f->apps.at[no] = (struct app){ 0 };
}

bool fleet_app_has(const struct fleet *f, uint32_t no, uint32_t product)
{
    assert(no < f->apps.count);
    const struct app *app = &f->apps.at[no];
    size_t i = 0;

    while (i < app->count && app->products[i] != product)
        i++;
    return i < app->count;
}

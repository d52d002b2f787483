/* Definitions: a text that is taken gives a plan that keeps its word, a form to be stored that means the
 * same and is stored as itself, and a `ui`. */
#include "fuzz.h"

#include <stdlib.h>

#include "model/datapoint_ui.h"
#include "plan_check.h"
#include "transfer/apply_entry.h"

static struct buf report;

/* As apply does with a product's; NULL if it is refused. The caller frees out. */
static struct datapoint_plan *apply(const json_t *definition, struct buf *out)
{
    static const struct product_row product = { .product_key = "d4f6c8a25e3b4a1f9c7d0e2b6a8f1c3d",
                                                .name = "A \"product\"" };
    struct apply apply = { .report = &report };
    struct apply_entry entry = { .apply = &apply, .list = "products" };
    struct datapoint_plan *plan = NULL;
    char why[300];
    bool good;

    buf_clear(&report);
    CHECK(apply_definition(&entry, definition, &product, out, &good) == MU_OK);
    CHECK(good == (apply.mistakes == 0) && good == (report.len == 0));
    CHECK(str_utf8((struct str){ (const char *)report.data, report.len }));
    if (!good)
        return NULL;
    json_t *stored = json_loadb((const char *)out->data, out->len, JSON_REJECT_DUPLICATES, NULL);
    CHECK(stored);
    CHECK(datapoint_plan_compile(stored, &plan, why, sizeof(why)) == MU_OK);
    json_decref(stored);
    return plan;
}

static void check_same_plan(const struct datapoint_plan *a, const struct datapoint_plan *b)
{
    CHECK(datapoint_count(a) == datapoint_count(b) && datapoint_is_var_len(a) == datapoint_is_var_len(b) &&
          datapoint_state_size(a) == datapoint_state_size(b));
    for (size_t i = 0; i < datapoint_count(a); i++) {
        const struct datapoint *p = datapoint_at(a, i), *q = datapoint_at(b, i);
        CHECK(strcmp(p->name, q->name) == 0 && p->access == q->access && p->type == q->type && p->min == q->min &&
              p->max == q->max && p->enum_count == q->enum_count && p->size == q->size);
        if (p->type == POINT_UINT8 || p->type == POINT_UINT16 || p->type == POINT_UINT32)
            CHECK(p->ratio == q->ratio && p->addition == q->addition);
        CHECK(datapoint_find(b, str_of(p->name)) == (int)i);
    }
}

static void check_ui(const struct datapoint_plan *plan)
{
    json_t *ui = datapoint_ui(plan);
    CHECK(ui);
    char *text = json_dumps(ui, JSON_REAL_PRECISION(15));
    CHECK(text);
    json_t *again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    CHECK(again);
    json_decref(again);
    free(text);
    json_decref(ui);
}

static void check_taken(const json_t *definition, const struct datapoint_plan *plan, const struct buf *stored)
{
    struct datapoint_plan *original = NULL;
    char why[300];
    struct buf again;

    CHECK(datapoint_plan_compile(definition, &original, why, sizeof(why)) == MU_OK);
    check_same_plan(original, plan);
    datapoint_plan_free(original);

    json_t *json = json_loadb((const char *)stored->data, stored->len, 0, NULL);
    struct datapoint_plan *same = apply(json, &again);
    CHECK(same);
    CHECK_SAME(stored, &again);
    datapoint_plan_free(same);
    buf_free(&again);
    json_decref(json);
    check_ui(plan);
    plan_check(plan, stored->data, stored->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    json_t *definition = json_loadb((const char *)input, len, JSON_REJECT_DUPLICATES, NULL);
    struct buf stored;

    if (!definition)
        return 0;
    buf_init(&report, SIZE_MAX);
    struct datapoint_plan *plan = apply(definition, &stored);
    if (plan)
        check_taken(definition, plan, &stored);
    datapoint_plan_free(plan);
    buf_free(&stored);
    buf_free(&report);
    json_decref(definition);
    return 0;
}

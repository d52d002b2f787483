/* Applies a file: one transaction over its lists, parents before children. */
#include "transfer/apply_entry.h"

#include <assert.h>
#include <stdlib.h>

#include "base/json_in.h"

struct apply_file {
    struct apply apply;
    const json_t *root;
};

static const json_t *list_of(const struct apply_file *import, const char *name)
{
    return json_object_get(import->root, name);
}

static bool is_full(const struct apply *a)
{
    return a->mistakes >= APPLY_MISTAKES_MAX;
}

/* --- lists ----------------------------------------------------------------------------------------*/

static void begin_list(struct apply *a)
{
    free(a->seen.bits);
    a->seen = (struct apply_seen){ 0 };
}

typedef enum mu_err (*entry_fn)(const struct apply_entry *e);

static enum mu_err one_entry(struct apply *a, const char *name, const json_t *list, size_t index,
                             struct apply_tally *tally, entry_fn fn)
{
    const struct apply_entry e = { a, name, index, tally };

    assert(a->tx && tally && index < json_array_size(list));
    const json_t *json = json_array_get(list, index);
    enum mu_err err;

    a->no = 0;
    if (!json_is_object(json)) {
        apply_mistake(&e, "", "must be an object");
        return MU_OK;
    }
    err = values_of_json(&a->values, json);
    return err == MU_OK ? fn(&e) : err;
}

static enum mu_err each_entry(struct apply_file *import, const char *name, struct apply_tally *tally, entry_fn fn)
{
    struct apply *a = &import->apply;
    const json_t *list = list_of(import, name);
    enum mu_err err = MU_OK;

    begin_list(a);
    for (size_t i = 0; i < json_array_size(list) && err == MU_OK && !is_full(a); i++)
        err = one_entry(a, name, list, i, tally, fn);
    return err;
}

/* For an entry with a mistake in its key the number is 0. */
static enum mu_err apply_enterprises(struct apply_file *import, uint32_t *numbers)
{
    struct apply *a = &import->apply;
    const json_t *list = list_of(import, "enterprises");
    enum mu_err err = MU_OK;

    begin_list(a);
    for (size_t i = 0; i < json_array_size(list) && err == MU_OK && !is_full(a); i++) {
        err = one_entry(a, "enterprises", list, i, &a->enterprises, apply_enterprise);
        numbers[i] = a->no;
    }
    return err;
}

/* Only one device of a mac may be enabled. So devices that are to be disabled go first; then a file may list a change
 * from one to the other in any order. */
static enum mu_err apply_devices(struct apply_file *import)
{
    struct apply *a = &import->apply;
    const json_t *list = list_of(import, "devices");
    enum mu_err err = MU_OK;

    begin_list(a);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < json_array_size(list) && err == MU_OK && !is_full(a); i++) {
            bool first = json_is_true(json_object_get(json_array_get(list, i), "is_disabled"));
            if (first == (pass == 0))
                err = one_entry(a, "devices", list, i, &a->devices, apply_device);
        }
    }
    return err;
}

static void check_root(struct apply_file *import)
{
    static const char *const names[] = { "enterprises", "products", "apps", "users", "devices" };
    struct apply *a = &import->apply;
    const char *name;
    json_t *list;

    json_object_foreach((json_t *)import->root, name, list)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            known |= strcmp(name, names[i]) == 0;
        if (known && json_is_array(list))
            continue;
        if (a->mistakes++ >= APPLY_MISTAKES_MAX)
            continue;
        size_t start = a->report->len;
        buf_printf(a->report, "%s: %s", name, known ? "must be a list" : "unknown list");
        buf_make_plain(a->report, start);
        buf_append_u8(a->report, '\n');
    }
}

/* --- the transaction ------------------------------------------------------------------------------*/

static enum mu_err run(struct registry_tx *tx, void *arg)
{
    struct apply_file *import = arg;
    struct apply *a = &import->apply;
    enum mu_err err;

    uint32_t *enterprise_nos = calloc(json_array_size(list_of(import, "enterprises")) + 1, sizeof(*enterprise_nos));
    if (!enterprise_nos)
        return MU_E_NOMEM;
    a->tx = tx;
    check_root(import);
    if ((err = apply_enterprises(import, enterprise_nos)) != MU_OK ||
        (err = each_entry(import, "products", &a->products, apply_product)) != MU_OK ||
        (err = apply_associations(a, list_of(import, "enterprises"), enterprise_nos)) != MU_OK ||
        (err = each_entry(import, "apps", &a->apps, apply_app)) != MU_OK ||
        (err = each_entry(import, "users", &a->users, apply_user)) != MU_OK || (err = apply_devices(import)) != MU_OK)
        goto out;
    if (a->mistakes) {
        err = MU_E_VALUE;
        goto out;
    }
    /* A secret that could not be reported must not be stored. */
    err = apply_report(a);
out:
    free(enterprise_nos);
    return err;
}

enum mu_err apply_json(struct registry *reg, const struct audit_by *by, struct str json,
                       const struct apply_options *options, struct buf *report)
{
    json_error_t error;
    size_t start = report->len;
    enum mu_err err;

    json_t *root = json_read(str_skip_mark(json), JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        buf_printf(report, "line %d, column %d: %s\n", error.line, error.column, error.text);
        return MU_E_SYNTAX;
    }
    if (!json_is_object(root)) {
        buf_append_str(report, "the file must be an object with lists\n");
        json_decref(root);
        return MU_E_VALUE;
    }

    struct apply_file import = { .apply = { .now_s = options->now_s,
                                            .mac_lower = options->mac_lower,
                                            .force = options->force,
                                            .json = options->json,
                                            .quiet = options->quiet,
                                            .report = report },
                                 .root = root };
    buf_init(&import.apply.generated, report->max);
    import.apply.generated_json = json_out_to(&import.apply.generated);
    buf_init(&import.apply.styled, report->max);
    buf_init(&import.apply.warnings, report->max);
    err = registry_write_by(reg, by, run, &import);
    if (err != MU_OK && err != MU_E_VALUE)
        report->len = start;
    buf_free(&import.apply.generated);
    buf_free(&import.apply.styled);
    buf_free(&import.apply.warnings);
    free(import.apply.seen.bits);
    values_free(&import.apply.values);
    json_decref(root);
    return err;
}

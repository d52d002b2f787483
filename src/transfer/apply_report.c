/* Writes what an apply has done, for people or for programs. */
#include "transfer/apply_entry.h"

#include <assert.h>

static void count_line(struct buf *report, const char *what, const struct apply_tally *t)
{
    buf_printf(report, "%s: %u created, %u updated, %u unchanged\n", what, t->created, t->updated, t->unchanged);
}

static void write_counts(const struct apply *a)
{
    count_line(a->report, "enterprises", &a->enterprises);
    count_line(a->report, "products", &a->products);
    buf_printf(a->report, "associations: %u added, %u removed\n", a->associated, a->dissociated);
    count_line(a->report, "apps", &a->apps);
    count_line(a->report, "users", &a->users);
    count_line(a->report, "devices", &a->devices);
}

static void write_text(struct apply *a, struct str warnings)
{
    if (!a->quiet)
        write_counts(a);
    buf_append(a->report, a->generated.data, a->generated.len);
    while (warnings.len) {
        struct str line = str_take_line(&warnings);
        buf_printf(a->report, "warning: %.*s\n", (int)line.len, line.at);
    }
}

static void write_tally(struct json_out *j, const char *what, const struct apply_tally *t)
{
    json_put_object(j, what);
    json_put_int(j, "created", t->created);
    json_put_int(j, "updated", t->updated);
    json_put_int(j, "unchanged", t->unchanged);
    json_object_end(j);
}

static void write_json(struct apply *a, struct str warnings)
{
    struct json_out j = json_out_to(a->report);

    json_object_begin(&j);
    write_tally(&j, "enterprises", &a->enterprises);
    write_tally(&j, "products", &a->products);
    json_put_object(&j, "associations");
    json_put_int(&j, "added", a->associated);
    json_put_int(&j, "removed", a->dissociated);
    json_object_end(&j);
    write_tally(&j, "apps", &a->apps);
    write_tally(&j, "users", &a->users);
    write_tally(&j, "devices", &a->devices);
    json_put_array(&j, "generated");
    if (a->generated.len)
        json_raw(&j, (struct str){ (const char *)a->generated.data, a->generated.len });
    json_array_end(&j);
    json_put_array(&j, "warnings");
    while (warnings.len)
        json_str(&j, str_take_line(&warnings));
    json_array_end(&j);
    json_object_end(&j);
    buf_append_u8(a->report, '\n');
}

enum mu_err apply_report(struct apply *a)
{
    struct buf *warnings = &a->warnings;
    enum mu_err err;

    assert(!a->mistakes && !a->rows);
    err = apply_mac_warnings(a->tx, (const struct import_mac_tally *)(const void *)a->styled.data,
                             a->styled.len / sizeof(struct import_mac_tally), warnings);
    if (err == MU_OK && a->styled.err != MU_OK)
        err = a->styled.err;
    if (err == MU_OK)
        err = warnings->err;
    if (err == MU_OK)
        (a->json ? write_json : write_text)(a, (struct str){ (const char *)warnings->data, warnings->len });
    if (err != MU_OK)
        return err;
    return a->generated.err != MU_OK ? a->generated.err : a->report->err;
}

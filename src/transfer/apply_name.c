/* Entries that give no id. If the same file were applied again, it would make everything in it a second time. So a
 * thing without an id must at least have a name of its own. */
#include "transfer/apply_entry.h"

#include <assert.h>

static bool was_generated(const struct apply_entry *e, const char *id)
{
    const struct buf *generated = &e->apply->generated;
    char value[64]; /* as apply_generated writes it */
    int len = snprintf(value, sizeof(value), e->apply->json ? "\"value\":\"%s\"" : " %s\n", id);

    assert(len > 0 && (size_t)len < sizeof(value));
    return generated->len && memmem(generated->data, generated->len, value, (size_t)len);
}

static void tell(const struct apply_entry *e, const char *field, const char *alike, const char *id)
{
    if (was_generated(e, id))
        apply_mistake(e, field, "missing, and an earlier entry without one has %s", alike);
    else
        apply_mistake(e, field, "missing, and %s has %s; give this %s, or another name", id, alike, field);
}

enum mu_err apply_new_name(const struct apply_entry *e, enum registry_kind kind, const char *field, const char *name)
{
    char id[ID_HEX_LEN + 1];
    uint32_t no;
    enum mu_err err = tx_named(e->apply->tx, kind, name, &no, id);

    /* One file may make several things without a name. But applying it a second time must not make them again. */
    if (err == MU_OK && (*name || !apply_seen(e, no)))
        tell(e, field, *name ? "the same name" : "no name either", id);
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err apply_new_user(const struct apply_entry *e, const struct user_row *row)
{
    static const char *const alike[] = { "the same username", "the same phone", "the same email" };
    const char *const given[] = { row->username, row->phone, row->email };
    char uid[ID_HEX_LEN + 1];
    enum mu_err err = MU_E_NOT_FOUND;

    for (int i = 0; i < 3 && err == MU_E_NOT_FOUND; i++) {
        if (!*given[i])
            continue;
        err = tx_user_like(e->apply->tx, row->app, (enum user_login)i, given[i], uid);
        if (err == MU_OK)
            tell(e, "uid", alike[i], uid);
    }
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

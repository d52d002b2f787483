/* Bindings: who was bound to what, and when. Also those that have ended. */
#include "transfer/apply_entry.h"

#include <assert.h>

struct row {
    int64_t since, until, first_bound; /* Unix seconds; 0: not given */
};

static const struct apply_field fields[] = {
    OTHER_FIELD("uid"),
    OTHER_FIELD("appid"),
    OTHER_FIELD("product_key"),
    OTHER_FIELD("mac"),
    OTHER_FIELD("did"),
    FIELD("since", APPLY_TIME, row, since),
    FIELD("until", APPLY_TIME, row, until),
    OTHER_CELL("is_owner", CELL_BOOL),
    FIELD("first_bound", APPLY_TIME, row, first_bound),
};
const struct apply_field_list apply_binding_fields = FIELD_LIST(fields);

static bool has(const struct apply_entry *e, const char *field)
{
    return apply_value(e, field) != NULL;
}

/* --- what the entry is about ----------------------------------------------------------------------*/

static enum mu_err read_user(const struct apply_entry *e, struct user_row *user)
{
    struct app_row app;
    enum given given;
    enum mu_err err = apply_reference(e, "uid", "user", tx_user_by_uid, &given, user);

    if (given == GIVEN_NOT)
        apply_mistake(e, "uid", "missing");
    if (err != MU_OK || given != GIVEN_WELL || !has(e, "appid"))
        return err;
    err = apply_reference(e, "appid", "app", tx_app_by_id, &given, &app);
    if (err == MU_OK && given == GIVEN_WELL && app.no != user->app)
        apply_mistake(e, "appid", "the user is one of another app");
    return err;
}

static void check_times(const struct apply_entry *e, const struct row *row)
{
    int64_t now_s = e->apply->now_s;

    if (!has(e, "since"))
        apply_mistake(e, "since", "missing");
    if (row->since > now_s || row->until > now_s || row->first_bound > now_s)
        apply_mistake(e,
                      row->since > now_s   ? "since"
                      : row->until > now_s ? "until"
                                           : "first_bound",
                      "lies in the future");
    if (has(e, "until") && row->until < row->since)
        apply_mistake(e, "until", "is before since");
    if (has(e, "since") && row->first_bound > row->since)
        apply_mistake(e, "first_bound", "is after since");
}

/* --- a binding ------------------------------------------------------------------------------------*/

/* Whether a binding that does not say who owns the device began before that of the owner, and takes its place. Not if a
 * row named the owner: a row of this file, or an earlier one. If no row did, the owner is the oldest binding. */
static enum mu_err is_first(const struct apply_entry *e, const struct binding_row *b, const struct binding_row *owner,
                            bool *first)
{
    struct binding_row oldest;
    enum mu_err err = tx_oldest_binding(e->apply->tx, b->device, &oldest);

    *first = err == MU_OK && oldest.no == owner->no && b->no != owner->no && b->since < owner->since &&
             !apply_seen(e, owner->no);
    return err;
}

/* One binding of a device owns it: the binding that says so, else the one that began first, in whatever order they
 * come. If two of a file say so, that is a mistake. One that says so replaces an owner that no row has named. One that
 * says that it does not own the device replaces nobody. */
static enum mu_err decide_owner(const struct apply_entry *e, struct binding_row *b)
{
    struct binding_row owner;
    struct user_row user;
    enum given given = apply_bool(e, "is_owner", &b->is_owner);
    enum mu_err err;

    if (b->until)
        return MU_OK;
    err = tx_owner_binding(e->apply->tx, b->device, &owner);
    if (err == MU_OK && given == GIVEN_NOT)
        return is_first(e, b, &owner, &b->is_owner);
    if (err != MU_OK || !b->is_owner) {
        b->is_owner = err == MU_E_NOT_FOUND;
        return err == MU_E_NOT_FOUND ? MU_OK : err;
    }
    if (owner.no == b->no || !apply_seen(e, owner.no))
        return MU_OK;
    if ((err = tx_user_by_no(e->apply->tx, owner.user, &user)) == MU_OK)
        apply_mistake(e, "is_owner", "an earlier line says that user %s owns the device", user.uid);
    return err;
}

static enum mu_err own(const struct apply_entry *e, uint32_t no, bool by_word)
{
    enum mu_err err = tx_set_owner(e->apply->tx, no);

    return err == MU_OK && by_word && !apply_seen(e, no) ? apply_see(e, no) : err;
}

/* Changes a binding that exists already. A binding that has ended since stays ended. */
static enum mu_err change(const struct apply_entry *e, const struct binding_row *now, const struct binding_row *b,
                          const char *did, const char *uid)
{
    bool ends = b->until && !now->until, holds = !b->until && !now->until;
    bool owns = holds && b->is_owner && !now->is_owner;
    enum mu_err err = MU_OK;

    assert(now->no && e->apply->rows);
    *(ends || owns ? &e->tally->updated : &e->tally->unchanged) += 1;
    if (holds && b->is_owner)
        err = own(e, now->no, apply_is_true(e, "is_owner"));
    if (err == MU_OK && owns)
        err = tx_audit(e->apply->tx, "update", KIND_DEVICE, did, "owner=%s", uid);
    return ends ? tx_end_binding(e->apply->tx, now, did, uid, b->until) : err;
}

static enum mu_err put_binding(const struct apply_entry *e, struct binding_row *b, const char *did, const char *uid,
                               unsigned mistakes)
{
    struct binding_row now = { 0 };
    bool by_word = apply_is_true(e, "is_owner");
    enum mu_err err = tx_binding_like(e->apply->tx, b, &now);

    if (err != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    bool same = now.no && now.since == b->since && (now.until == b->until || !now.until || !b->until);
    if (now.no && !same)
        apply_mistake(e, "since",
                      now.until ? "the two were bound from %lld to %lld" : "the two have been bound since %lld",
                      (long long)now.since, (long long)now.until);
    b->no = now.no;
    if (!now.until && (err = decide_owner(e, b)) != MU_OK)
        return err;
    if (e->apply->mistakes != mistakes)
        return MU_OK;
    if (same)
        return change(e, &now, b, did, uid);
    e->tally->created++;
    err = tx_bind(e->apply->tx, b);
    return err == MU_OK && b->is_owner && !b->until ? own(e, b->no, by_word) : err;
}

/* --- the entry ------------------------------------------------------------------------------------*/

static enum mu_err note_first(const struct apply_entry *e, uint32_t product, uint32_t user, int64_t since)
{
    int64_t before;
    enum mu_err err = tx_first_bound(e->apply->tx, product, user, &before);

    if (err != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    if (err == MU_OK && before <= since) {
        e->tally->unchanged++;
        return MU_OK;
    }
    *(err == MU_OK ? &e->tally->updated : &e->tally->created) += 1;
    return tx_note_first_bound(e->apply->tx, product, user, since);
}

/* Takes a row that says only since when the user has known the product: there is no binding left that would tell. */
static enum mu_err apply_first_bound(const struct apply_entry *e, const struct row *row, const struct user_row *user,
                                     unsigned mistakes)
{
    static const char *const without[] = { "since", "until", "is_owner" };
    enum given given;
    enum mu_err err = apply_product_named(e, &given);

    if (given == GIVEN_NOT)
        apply_mistake(e, "product_key", "missing");
    for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
        if (has(e, without[i]))
            apply_mistake(e, without[i], "there is no did or mac that it could be about");
    }
    if (row->first_bound > e->apply->now_s)
        apply_mistake(e, "first_bound", "lies in the future");
    if (err != MU_OK || e->apply->mistakes != mistakes)
        return err;
    return note_first(e, e->apply->product.no, user->no, row->first_bound);
}

enum mu_err apply_binding(const struct apply_entry *e)
{
    static const struct row nothing = { 0 };
    unsigned mistakes = e->apply->mistakes;
    struct row row = nothing;
    struct user_row user = { 0 };
    struct device_row device = { 0 };
    enum mu_err err;

    apply_fields(e, fields, apply_binding_fields.count, &row, &nothing);
    if ((err = read_user(e, &user)) != MU_OK)
        return err;
    if (has(e, "first_bound") && !has(e, "did") && !has(e, "mac"))
        return apply_first_bound(e, &row, &user, mistakes);
    err = apply_device_named(e, &device);
    check_times(e, &row);
    if (err != MU_OK || e->apply->mistakes != mistakes)
        return err == MU_E_NOT_FOUND ? MU_OK : err;

    struct binding_row b = {
        .device = device.no, .user = user.no, .app = user.app, .since = row.since, .until = row.until
    };
    if ((err = put_binding(e, &b, device.did, user.uid, mistakes)) != MU_OK || e->apply->mistakes != mistakes ||
        !has(e, "first_bound"))
        return err;
    return tx_note_first_bound(e->apply->tx, device.product, user.no, row.first_bound);
}

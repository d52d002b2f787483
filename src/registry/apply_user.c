#include "registry/apply_entry.h"

#include <stdlib.h>

static const struct apply_field fields[] = {
    OWN_FIELD("uid", user_row, uid),
    OWN_FIELD("appid", user_row, app),
    OWN_CELL("auth_src", user_row, auth_src, CELL_JSON),
    FIELD("username", APPLY_CODE, user_row, username),
    FIELD("phone", APPLY_CODE, user_row, phone),
    FIELD("email", APPLY_CODE, user_row, email),
    FIELD("name", APPLY_TEXT, user_row, name),
    FIELD("gender", APPLY_TEXT, user_row, gender),
    FIELD("birthday", APPLY_TEXT, user_row, birthday),
    FIELD("address", APPLY_TEXT, user_row, address),
    FIELD("remark", APPLY_TEXT, user_row, remark),
    FIELD("is_anonymous", APPLY_BOOL, user_row, is_anonymous),
    FIELD("is_disabled", APPLY_BOOL, user_row, is_disabled),
    FIELD("created_at", APPLY_TIME, user_row, created_at),
    FIELD("updated_at", APPLY_TIME, user_row, updated_at),
    FIELD("country", APPLY_TEXT, user_row, place.country),
    FIELD("region", APPLY_TEXT, user_row, place.region),
    FIELD("city", APPLY_TEXT, user_row, place.city),
};

const struct apply_field_list apply_user_fields = FIELD_LIST(fields);

static const struct user_row defaults = { 0 };

static enum mu_err read_app(const struct apply_entry *e, struct user_row *row)
{
    enum given given;
    struct app_row app;
    enum mu_err err = apply_reference(e, "appid", "app", tx_app_by_id, &given, &app);

    if (given == GIVEN_NOT && row->no == 0)
        apply_mistake(e, "appid", "missing");
    if (given == GIVEN_WELL && err == MU_OK)
        row->app = app.no;
    return err;
}

/* Kept as the text it is: what a login with somebody else's account told. */
static enum mu_err read_auth_src(const struct apply_entry *e, struct user_row *row)
{
    const struct value *v = apply_value(e, "auth_src");
    char *text = NULL;

    if (!v)
        return MU_OK;
    if (v->type == VALUE_NULL) {
        memset(row->auth_src, 0, sizeof(row->auth_src));
        return MU_OK;
    }
    if (!json_is_object(v->json)) {
        apply_mistake(e, "auth_src", "must be an object");
        return MU_OK;
    }
    if (!(text = json_dumps(v->json, JSON_COMPACT)))
        return MU_E_NOMEM;
    memset(row->auth_src, 0, sizeof(row->auth_src));
    if (!str_copy(row->auth_src, sizeof(row->auth_src), str_of(text)))
        apply_mistake(e, "auth_src", "must not be longer than %zu bytes", sizeof(row->auth_src) - 1);
    free(text);
    return MU_OK;
}

/* The user of the entry's uid, or a new one. */
static enum mu_err find(const struct apply_entry *e, struct user_row *row)
{
    enum given key = apply_id(e, "uid", row->uid);
    enum mu_err err = MU_E_NOT_FOUND;

    if (key == GIVEN_NOT && e->apply->rows) {
        apply_mistake(e, "uid", "missing");
    } else if (key == GIVEN_NOT) {
        id_new_hex(row->uid);
        apply_generated(e, "user", row->uid, "uid", row->uid);
    } else if (key == GIVEN_WELL) {
        err = tx_user_by_uid(e->apply->tx, row->uid, row);
    }
    if (err != MU_E_NOT_FOUND)
        return err;
    row->created_at = e->apply->now_s;
    return MU_OK;
}

enum mu_err apply_user(const struct apply_entry *e)
{
    struct user_row row = defaults, before;
    unsigned mistakes = e->apply->mistakes;
    enum mu_err err;

    if ((err = find(e, &row)) != MU_OK)
        return err;
    bool created = row.no == 0;
    memcpy(&before, &row, sizeof(row));
    apply_fields(e, fields, sizeof(fields) / sizeof(*fields), &row, &defaults);
    if ((err = read_app(e, &row)) != MU_OK || (err = read_auth_src(e, &row)) != MU_OK ||
        (!created && (err = apply_see(e, row.no)) != MU_OK) ||
        (created && !apply_value(e, "uid") && (err = apply_new_user(e, &row)) != MU_OK))
        return err;
    if (e->apply->mistakes != mistakes)
        return MU_OK;

    if (!created && memcmp(&before, &row, sizeof(row)) == 0) {
        e->tally->unchanged++;
        return MU_OK;
    }
    *(created ? &e->tally->created : &e->tally->updated) += 1;
    if (!apply_value(e, "updated_at"))
        row.updated_at = created ? row.created_at : e->apply->now_s;
    if ((err = tx_put_user(e->apply->tx, &row)) != MU_OK ||
        (err = apply_audit(e, KIND_USER, row.uid, fields, sizeof(fields) / sizeof(*fields), &before, &row, "")) !=
            MU_OK)
        return err;
    return created ? apply_see(e, row.no) : MU_OK;
}

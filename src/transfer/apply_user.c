/* Users of apps. */
#include "transfer/apply_entry.h"

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

/* Stores auth_src as text. It is what a login with an account of another service told. */
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

enum mu_err apply_user(const struct apply_entry *e)
{
    struct user_row row = defaults, before;
    unsigned mistakes = e->apply->mistakes;
    enum given key;
    enum mu_err err = apply_find(e, "uid", "user", tx_user_by_uid, row.uid, &key, &row);

    if (err != MU_OK)
        return err;
    bool created = row.no == 0;
    if (created)
        row.created_at = e->apply->now_s;
    memcpy(&before, &row, sizeof(row));
    apply_fields(e, fields, sizeof(fields) / sizeof(*fields), &row, &defaults);
    if ((err = read_app(e, &row)) != MU_OK || (err = read_auth_src(e, &row)) != MU_OK ||
        (!created && (err = apply_see(e, row.no)) != MU_OK) ||
        (key == GIVEN_NOT && (err = apply_new_user(e, &row)) != MU_OK))
        return err;
    if (e->apply->mistakes != mistakes)
        return MU_OK;

    const struct apply_change change = APPLY_CHANGE(KIND_USER, row.uid, &before, &row);
    bool differs = apply_differs(&change);
    if (differs && !apply_value(e, "updated_at"))
        row.updated_at = created ? row.created_at : e->apply->now_s;
    if ((differs && (err = tx_put_user(e->apply->tx, &row)) != MU_OK) || (err = apply_count(e, &change)) != MU_OK)
        return err;
    return created ? apply_see(e, row.no) : MU_OK;
}

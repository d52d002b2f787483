/* The audit log: a row for each transaction that changed something in somebody's name, and a row for each of its
 * changes. */
#include "registry/audit.h"

#include <assert.h>
#include <pwd.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sql/sql_registry.h"

enum { CHANGE_MAX = 2048, FORGET_AT_ONCE = 10000 };

/* --- writing --------------------------------------------------------------------------------------*/

/* The operator's name is stored, since his user id may belong to somebody else later. */
static void name_of(uid_t uid, char *out, size_t size)
{
    char room[1024];
    struct passwd user, *found = NULL;

    *out = '\0';
    if (getpwuid_r(uid, &user, room, sizeof(room), &found) == 0 && found && !str_copy(out, size, str_of(user.pw_name)))
        *out = '\0';
}

static enum mu_err begin_audit(struct registry_tx *tx)
{
    static const struct db_put put = {
        DB_INSERT("INSERT INTO audit (at, enterprise_id, request, uid, \"user\", command) "
                  "VALUES ($1, $2, $3, $4, $5, $6)"),
    };
    const struct audit_by *by = tx->by;

    assert(by->command && !tx->audit && !tx->changes);
    char user[LIMIT_NAME + 1] = "";

    if (!by->enterprise_id)
        name_of(by->uid, user, sizeof(user));
    return db_insert(tx->db, &put,
                     DB_VALUES(db_int(clock_wall_us()), db_text(by->enterprise_id ? by->enterprise_id : ""),
                               db_int((int64_t)by->request), db_int(by->uid), db_text(user), db_text(by->command)),
                     &tx->audit);
}

enum mu_err tx_audit(struct registry_tx *tx, const char *action, enum registry_kind kind, const char *id,
                     const char *format, ...)
{
    enum mu_err err;
    struct buf change;
    va_list args;

    if (!tx->by)
        return MU_OK;
    if (!tx->audit && (err = begin_audit(tx)) != MU_OK)
        return err;
    buf_init(&change, CHANGE_MAX);
    va_start(args, format);
    buf_vprintf(&change, format, args);
    va_end(args);
    if ((err = change.err) == MU_OK)
        err = db_run_along(tx->db,
                           "INSERT INTO audit_change (audit, change, action, kind, id, what) "
                           "VALUES ($1, $2, $3, $4, $5, $6)",
                           DB_VALUES(db_int(tx->audit), db_int(++tx->changes), db_text(action),
                                     db_text(registry_kind_words[kind]), db_text(id),
                                     db_str((struct str){ (const char *)change.data, change.len })));
    buf_free(&change);
    return err;
}

static enum mu_err add_to_count(struct registry_tx *tx, uint64_t entry, const char *action, enum registry_kind kind,
                                const char *name, unsigned count)
{
    return db_run(tx->db,
                  "UPDATE audit_change SET what = CAST($4 AS TEXT) || '=' || "
                  "(CAST(substr(what, length($4) + 2) AS INTEGER) + CAST($5 AS INTEGER)) "
                  "WHERE audit = $1 AND action = $2 AND kind = $3 AND substr(what, 1, length($4) + 1) = $4 || '=' "
                  "AND EXISTS (SELECT 1 FROM audit WHERE no = $1 AND enterprise_id = '' AND uid = $6 "
                  "AND command = $7)",
                  DB_VALUES(db_int((int64_t)entry), db_text(action), db_text(registry_kind_words[kind]), db_text(name),
                            db_int(count), db_int(tx->by->uid), db_text(tx->by->command)));
}

enum mu_err tx_audit_count(struct registry_tx *tx, uint64_t *entry, const char *action, enum registry_kind kind,
                           const char *name, unsigned count)
{
    enum mu_err err;

    assert(count > 0);
    if (!tx->by)
        return MU_OK;
    if (*entry) {
        err = add_to_count(tx, *entry, action, kind, name, count);
        if (err != MU_OK || db_changes(tx->db) > 0)
            return err;
    }
    err = tx_audit(tx, action, kind, "", "%s=%u", name, count);
    *entry = (uint64_t)tx->audit;
    return err;
}

/* --- reading --------------------------------------------------------------------------------------*/

struct audit_visit {
    struct audit_place after;
    int64_t before_us;
    enum mu_err (*fn)(void *ctx, const struct audit_row *row);
    void *ctx;
};

static enum mu_err give_change(void *ctx, struct db_row *row)
{
    const struct audit_visit *visit = ctx;
    struct audit_row out;

    out.place.at_us = col_int(row);
    out.place.no = (uint64_t)col_int(row);
    out.place.change = col_no(row);
    out.enterprise_id = col_str(row);
    out.request = (uint64_t)col_int(row);
    out.uid = (uid_t)col_int(row);
    out.user = col_str(row);
    out.command = col_str(row);
    out.action = col_str(row);
    out.kind = col_str(row);
    out.id = col_str(row);
    out.change = col_str(row);
    return visit->fn(visit->ctx, &out);
}

#define AUDIT_COLUMNS                                                                                   \
    "SELECT a.at, a.no, c.change, a.enterprise_id, a.request, a.uid, a.\"user\", a.command, c.action, " \
    "c.kind, c.id, c.what FROM audit a CROSS JOIN audit_change c WHERE c.audit = a.no "

/* First the rest of the transaction in which the last visit ended: one transaction may have a million changes. */
static enum mu_err visit_audit(struct registry_tx *tx, void *arg)
{
    const struct audit_visit *visit = arg;
    const struct audit_place *after = &visit->after;
    enum mu_err err;

    if (after->no &&
        (err = db_each_big(tx->db, AUDIT_COLUMNS "AND a.no = $1 AND c.change > $2 ORDER BY c.change",
                           DB_VALUES(db_int((int64_t)after->no), db_int(after->change)), give_change, arg)) != MU_OK)
        return err;
    return db_each_big(tx->db,
                       AUDIT_COLUMNS "AND a.at >= $1 AND (a.at > $1 OR a.no > $2) "
                                     "AND a.at < $3 ORDER BY a.at, a.no, c.change",
                       DB_VALUES(db_int(after->at_us), db_int((int64_t)after->no), db_int(visit->before_us)),
                       give_change, arg);
}

enum mu_err registry_visit_audit(struct registry *reg, struct audit_place after, int64_t before_us,
                                 enum mu_err (*fn)(void *ctx, const struct audit_row *row), void *ctx)
{
    return registry_read(reg, visit_audit, &(struct audit_visit){ after, before_us, fn, ctx });
}

/* --- forgetting -----------------------------------------------------------------------------------*/

struct forgetting {
    int64_t before_us;
    bool *more;
};

/* The changes of a large transaction go in their order. Its own row goes with the last change. */
static enum mu_err forget(struct registry_tx *tx, void *arg)
{
    const struct forgetting *f = arg;
    enum mu_err err;

    if ((err = db_run(tx->db,
                      "DELETE FROM audit_change WHERE (audit, change) IN (SELECT c.audit, c.change "
                      "FROM audit a CROSS JOIN audit_change c WHERE c.audit = a.no AND a.at < $1 "
                      "ORDER BY a.at, a.no LIMIT $2)",
                      DB_VALUES(db_int(f->before_us), db_int(FORGET_AT_ONCE)))) != MU_OK)
        return err;
    *f->more = db_changes(tx->db) == FORGET_AT_ONCE;
    return db_run(tx->db,
                  "DELETE FROM audit WHERE at < $1 AND NOT EXISTS "
                  "(SELECT 1 FROM audit_change c WHERE c.audit = audit.no)",
                  DB_VALUES(db_int(f->before_us)));
}

enum mu_err registry_forget_audit(struct registry *reg, int64_t before_us, bool *more)
{
    *more = false;
    return registry_write(reg, forget, &(struct forgetting){ before_us, more });
}

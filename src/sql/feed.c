/* The feed: what has changed.
 *
 * It is the table `change`. Each put or delete adds the kind and the number of the thing that it changed, with an
 * increasing sequence number, in its own transaction. A follower that has seen everything up to number n asks for the
 * things that were entered after n (feed_visit.c). Numbers are given in the order of commits, since only one transaction
 * writes at a time. A follower from before the oldest change that is kept is noticed. */
#include "sql/sql_registry.h"

#include <assert.h>

/* 12 bytes each: 50 MB. This is more than any single transaction has (an import of a million devices), so a follower
 * that reads the feed after every commit never loses a change. */
#define CHANGES_KEPT 4000000
#define PRUNE_EVERY  8192

enum mu_err feed_add(struct db *db, enum feed_kind kind, uint32_t no, uint32_t other)
{
    assert(kind != FEED_TOKEN); /* a token is entered with its hash */
    return db_run_along(db, "INSERT INTO change (kind, no, other) VALUES ($1, $2, $3)",
                        DB_VALUES(db_int(kind), db_int(no), db_int(other)));
}

enum mu_err feed_clear(struct db *db)
{
    return db_run(db, "DELETE FROM change", NULL, 0);
}

/* Up to which number the changes were deleted, over PostgreSQL. Its sequence numbers have gaps: a rollback does not take
 * them back. */
#define PRUNED "SELECT CAST(value AS BIGINT) FROM fact WHERE name = 'feed_pruned'"

enum mu_err feed_last(struct db *db, uint64_t *out)
{
    int64_t seq = 0;
    enum mu_err err = db_int_of(db,
                                DB_SQL(db, "SELECT seq FROM sqlite_sequence WHERE name = 'change'",
                                       "SELECT coalesce((SELECT max(seq) FROM change), (" PRUNED "), 0)"),
                                NULL, 0, &seq);

    *out = (uint64_t)seq;
    return err == MU_E_NOT_FOUND ? MU_OK : err;
}

enum mu_err feed_forget(struct db *db, int64_t seq)
{
    enum mu_err err = db_run(db, "DELETE FROM change WHERE seq <= $1", DB_VALUES(db_int(seq)));

    if (err != MU_OK || db_is_sqlite(db))
        return err;
    return db_run(db,
                  "INSERT INTO fact (name, value) VALUES ('feed_pruned', CAST(CAST($1 AS BIGINT) AS TEXT)) "
                  "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  DB_VALUES(db_int(seq)));
}

enum mu_err feed_prune(struct db *db, uint64_t *pruned_at)
{
    enum mu_err err;
    uint64_t last;

    if ((err = feed_last(db, &last)) != MU_OK)
        return err;
    if (last < CHANGES_KEPT || last - *pruned_at < PRUNE_EVERY)
        return MU_OK;
    *pruned_at = last;
    return feed_forget(db, (int64_t)(last - CHANGES_KEPT));
}

_Static_assert(FEED_FIRST_BOUND < 8 * sizeof(unsigned), "feed_changed_kinds has a bit for each kind");

static enum mu_err add_kind(void *kinds, struct db_row *row)
{
    *(unsigned *)kinds |= 1u << col_int(row);
    return MU_OK;
}

/* Over SQLite the numbers have no gaps, and opening the file deletes all changes. */
static enum mu_err check_whole(struct db *db, uint64_t after, uint64_t last)
{
    int64_t number = 0;
    enum mu_err err;

    if (db_is_sqlite(db)) {
        err = db_int_of(db, "SELECT min(seq) FROM change WHERE seq > $1", DB_VALUES(db_int((int64_t)after)), &number);
        return err == MU_OK && (uint64_t)number != after + 1 ? MU_E_NOT_FOUND : err;
    }
    if ((err = db_int_of(db, PRUNED, NULL, 0, &number)) != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    return (uint64_t)number <= after && after <= last ? MU_OK : MU_E_NOT_FOUND;
}

enum mu_err feed_changed_kinds(struct db *db, uint64_t after, uint64_t last, unsigned *kinds)
{
    enum mu_err err;

    if ((err = check_whole(db, after, last)) != MU_OK)
        return err;
    *kinds = 0;
    return db_each(db, "SELECT DISTINCT kind FROM change WHERE seq > $1", DB_VALUES(db_int((int64_t)after)), add_kind,
                   kinds);
}

/* A copy of one moment. A reading transaction begins while nobody writes, and sees that moment until it ends. SQLite's
 * online backup copies what the transaction sees. */
#include "sql/sqlite_file.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct registry_snapshot {
    struct registry *registry;
    struct db *db; /* its transaction has begun */
};

static enum mu_err look(struct db *db)
{
    int64_t unused;
    return db_int_of(db, "SELECT count(*) FROM sqlite_schema", NULL, 0, &unused);
}

enum mu_err registry_freeze(struct registry *reg, enum mu_err (*fn)(void *ctx), void *ctx,
                            struct registry_snapshot **out)
{
    enum mu_err err;
    struct registry_snapshot *s = calloc(1, sizeof(*s));

    assert(fn);
    *out = NULL;
    if (!s)
        return MU_E_NOMEM;
    s->registry = reg;
    if ((err = reader_begin(reg, &s->db)) != MU_OK)
        goto out;
    write_queue_hold(reg);
    /* SQLite's transaction begins with the first read. */
    if ((err = look(s->db)) == MU_OK)
        err = fn(ctx);
    write_queue_release(reg);
    if (err != MU_OK)
        goto out;
    *out = s;
    s = NULL;
out:
    registry_snapshot_free(s);
    return err;
}

enum mu_err registry_snapshot_size(struct registry_snapshot *s, uint64_t *bytes)
{
    enum mu_err err;
    int64_t pages = 0, size = 0;

    if ((err = db_int_of(s->db, "PRAGMA page_count", NULL, 0, &pages)) == MU_OK)
        err = db_int_of(s->db, "PRAGMA page_size", NULL, 0, &size);
    *bytes = (uint64_t)(pages * size);
    return err;
}

enum mu_err registry_snapshot_count(struct registry_snapshot *s, struct registry_totals *out)
{
    return db_totals(s->db, out);
}

enum mu_err registry_snapshot_write(struct registry_snapshot *s, const char *dir)
{
    enum mu_err err;
    struct db copy = { 0 };
    char path[4096];

    assert(s->db);
    int len = snprintf(path, sizeof(path), "%s/" REGISTRY_FILE, dir);
    if (len < 0 || (size_t)len >= sizeof(path))
        return MU_E_LIMIT;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return MU_E_IO;
    close(fd);
    /* The copy needs no journal of its own: nobody else uses it before it is complete. */
    if ((err = sqlite_open(&copy, path, false)) != MU_OK)
        return err;
    if ((err = sqlite_exec(&copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF")) == MU_OK)
        err = sqlite_copy(s->db, &copy);
    if (err == MU_OK)
        err = registry_trust_mark_copy(&copy, dir);
    db_close(&copy); /* this may write */
    return err == MU_OK ? sqlite_sync_path(path) : err;
}

void registry_snapshot_free(struct registry_snapshot *s)
{
    if (!s)
        return;
    if (s->db)
        reader_end(s->registry, s->db);
    free(s);
}

/* Many writers, one commit.
 *
 * A sync of the disk costs about as much for one row as for hundreds, so writers that come at the same time share one.
 * Each writer puts its function into a queue. If no thread is writing, the writer leads: it takes the queued functions,
 * runs them in one transaction and commits. Meanwhile others queue up, and one of them leads the next group. Nobody
 * waits for a timer: a writer that is alone commits at once.
 *
 * Each function runs inside a savepoint of its own, so the failure of one does not affect the others. */
#include "sql/sql_registry.h"

#include <assert.h>

#include "base/clock.h"

/* Limits how long the first writer of a group waits for the last. It is much more than the number of threads that wait
 * at a time. */
#define GROUP_MAX 256

struct waiting_write {
    registry_fn fn;
    void *arg;
    const struct audit_by *by;
    enum mu_err result;
    bool done;
    struct waiting_write *next;
};

void write_queue_init(struct registry *reg)
{
    pthread_mutex_init(&reg->write_lock, NULL);
    pthread_cond_init(&reg->written, NULL);
    reg->end = &reg->first;
}

void write_queue_free(struct registry *reg)
{
    assert(!reg->first && !reg->writing);
    pthread_cond_destroy(&reg->written);
    pthread_mutex_destroy(&reg->write_lock);
}

/* Runs one function. If it fails, its changes are rolled back. *group is not MU_OK if that failed, too: then the whole
 * transaction is lost. */
static enum mu_err run_isolated(struct db *db, struct waiting_write *w, enum mu_err *group)
{
    struct registry_tx tx = { .db = db, .by = w->by };

    assert(w->fn && !w->done && db_in_transaction(db));
    if ((*group = db_begin_part(db)) != MU_OK)
        return *group;
    enum mu_err err = w->fn(&tx, w->arg);
    if (!db_in_transaction(db))
        return *group = err != MU_OK ? err : MU_E_IO;
    *group = db_end_part(db, err == MU_OK);
    return err;
}

static enum mu_err write_group(struct registry *reg, struct waiting_write *group)
{
    struct db *db = &reg->writer;
    enum mu_err err = db_begin_write(db);

    for (struct waiting_write *w = group; w && err == MU_OK; w = w->next)
        w->result = run_isolated(db, w, &err);
    if (err == MU_OK)
        err = reg->store->mark(reg);
    if (err == MU_OK && (err = db_commit(db)) != MU_OK)
        err = reg->store->settle(reg, err);
    if (err == MU_OK) {
        reg->store->marked(reg);
        return MU_OK;
    }

    db_rollback(db);
    for (struct waiting_write *w = group; w; w = w->next) {
        if (w->result == MU_OK)
            w->result = err;
    }
    return err;
}

static struct waiting_write *take_group(struct registry *reg)
{
    struct waiting_write *group = reg->first, *last = group;

    assert(group && !*reg->end);
    for (unsigned n = 1; n < GROUP_MAX && last->next; n++)
        last = last->next;
    reg->first = last->next;
    if (!reg->first)
        reg->end = &reg->first;
    last->next = NULL;
    return group;
}

/* The lock is held when this is called and when it returns. */
static void lead(struct registry *reg)
{
    assert(!reg->writing);
    struct waiting_write *group = take_group(reg);
    int64_t start = clock_mono_us();

    reg->writing = true;
    pthread_mutex_unlock(&reg->write_lock);
    enum mu_err err = write_group(reg, group);
    pthread_mutex_lock(&reg->write_lock);
    reg->writing = false;
    if (err == MU_OK)
        latency_add(&reg->figures.latency, clock_mono_us() - start);
    else
        reg->figures.commit_failures++;

    /* `w` is on the stack of its writer, which returns when it sees `done`. It cannot see it before the lock is
     * released. */
    for (struct waiting_write *w = group; w; w = w->next)
        w->done = true;
    pthread_cond_broadcast(&reg->written);
}

enum mu_err registry_write(struct registry *reg, registry_fn fn, void *arg)
{
    return registry_write_by(reg, NULL, fn, arg);
}

enum mu_err registry_write_by(struct registry *reg, const struct audit_by *by, registry_fn fn, void *arg)
{
    struct waiting_write w = { .fn = fn, .arg = arg, .by = by };

    assert(!reg->file.unchanged);
    pthread_mutex_lock(&reg->write_lock);
    *reg->end = &w;
    reg->end = &w.next;
    while (!w.done) {
        if (reg->writing)
            pthread_cond_wait(&reg->written, &reg->write_lock);
        else
            lead(reg);
    }
    pthread_mutex_unlock(&reg->write_lock);
    return w.result;
}

void registry_get_figures(struct registry *reg, struct registry_figures *out)
{
    pthread_mutex_lock(&reg->write_lock);
    *out = reg->figures;
    pthread_mutex_unlock(&reg->write_lock);
}

void write_queue_hold(struct registry *reg)
{
    pthread_mutex_lock(&reg->write_lock);
    while (reg->writing)
        pthread_cond_wait(&reg->written, &reg->write_lock);
    reg->writing = true;
    pthread_mutex_unlock(&reg->write_lock);
}

void write_queue_release(struct registry *reg)
{
    pthread_mutex_lock(&reg->write_lock);
    assert(reg->writing);
    reg->writing = false;
    pthread_cond_broadcast(&reg->written);
    pthread_mutex_unlock(&reg->write_lock);
}

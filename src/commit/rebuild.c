#include "commit/rebuild_rows.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/log.h"
#include "journal/journal_nodes.h"

/* A start takes as long as this, and a good part of it is reading: SQLite's rows, RocksDB's blocks. So one thread reads
 * and another builds.
 *
 *   reader:  registry, then journal ─► rows ─► a batch ─┐
 *                                                       ├─ at most BATCHES, in order
 *   caller:  fleet ◄─ the visitors ◄─ rows ◄─ a batch ◄─┘
 *
 * A batch has a few hundred rows. Handing it over costs little compared with them, and it is still in the processor's
 * cache when it is taken. An error on either side ends both. */
enum { BATCHES = 4 };
/* The largest row: a day's set of all possible device numbers. */
static const size_t ROW_MAX = (size_t)1 << 30;

struct rebuild {
    struct registry *reg;
    struct journal *j;
    struct rebuild_reader to;

    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct buf batches[BATCHES];
    unsigned first, count; /* the filled batches */
    bool read_all;
    enum mu_err build_err;

    /* Only the reader uses these; the caller looks at them after the reader has ended. */
    struct rebuild_writer writer;
    uint64_t seq;
    enum mu_err read_err;
};

/* --- followed ------------------------------------------------------------------------------------- */

enum mu_err rebuild_followed_add(struct followed *f, uint32_t device)
{
    if (!ARRAY_RESERVE(f->at, f->cap, f->count + 1))
        return MU_E_NOMEM;
    f->at[f->count++] = device;
    return MU_OK;
}

void rebuild_followed_free(struct followed *f)
{
    free(f->at);
    *f = (struct followed){ 0 };
}

/* --- the reader ------------------------------------------------------------------------------------- */

/* Hands the filled batch over, then waits for room. Returns the builder's error. */
static enum mu_err hand_over(struct rebuild_writer *w)
{
    struct rebuild *r = (struct rebuild *)((char *)w - offsetof(struct rebuild, writer));

    pthread_mutex_lock(&r->lock);
    assert(r->count < BATCHES);
    r->count++;
    pthread_cond_signal(&r->filled);
    while (r->count == BATCHES && r->build_err == MU_OK)
        pthread_cond_wait(&r->emptied, &r->lock);
    w->to = &r->batches[(r->first + r->count) % BATCHES];
    enum mu_err err = r->build_err;
    pthread_mutex_unlock(&r->lock);
    return err;
}

static void *read_stores(void *ctx)
{
    struct rebuild *r = ctx;
    struct registry_visitor rows = rebuild_registry_writer(&r->writer);
    struct journal_visitor told = rebuild_journal_writer(&r->writer);

    if ((r->read_err = registry_visit_all(r->reg, &rows, &r->seq)) == MU_OK)
        r->read_err = journal_visit(r->j, &told);
    pthread_mutex_lock(&r->lock);
    /* The last batch, which may be empty. After an error too, since the builder may find another error in a row before
     * it. */
    r->count++;
    r->read_all = true;
    pthread_cond_signal(&r->filled);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* --- the builder ------------------------------------------------------------------------------------ */

/* The first filled batch; NULL when all has been read. */
static const struct buf *next_batch(struct rebuild *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->count && !r->read_all)
        pthread_cond_wait(&r->filled, &r->lock);
    const struct buf *batch = r->count ? &r->batches[r->first] : NULL;
    pthread_mutex_unlock(&r->lock);
    return batch;
}

static void give_back(struct rebuild *r, enum mu_err err)
{
    pthread_mutex_lock(&r->lock);
    assert(r->count);
    buf_clear(&r->batches[r->first]);
    r->first = (r->first + 1) % BATCHES;
    r->count--;
    r->build_err = err;
    pthread_cond_signal(&r->emptied);
    pthread_mutex_unlock(&r->lock);
}

static enum mu_err build(struct rebuild *r)
{
    const struct buf *batch;
    enum mu_err err = MU_OK;

    while (err == MU_OK && (batch = next_batch(r))) {
        err = rebuild_read(&r->to, batch);
        give_back(r, err);
    }
    return err;
}

/* Records of a deleted device are swept later. But records of a device that this registry never had belong to another
 * registry, which has been lost. */
static enum mu_err check_strangers(const struct fleet *f, struct registry *reg)
{
    struct registry_place place;
    enum mu_err err = registry_get_place(reg, &place);

    if (err != MU_OK || fleet_last_stranger(f) <= place.device)
        return err;
    log_event(LOG_ERROR, "registry_behind",
              "device=%u given=%u hint=\"the journal knows a device that the registry "
              "has never had: put the registry back that belongs to it\"",
              fleet_last_stranger(f), place.device);
    return MU_E_CORRUPT;
}

enum mu_err rebuild_fleet(struct fleet *f, struct registry *reg, struct journal *j, uint64_t *seq,
                          struct followed *followed)
{
    struct rebuild r = { .reg = reg,
                         .j = j,
                         .to = { fleet_loading_visitor(f), fleet_journal_visitor(f), followed },
                         .writer = { r.batches, hand_over } };
    pthread_t reader;
    uint32_t devices;
    enum mu_err err;

    if ((err = registry_count_devices(reg, &devices)) != MU_OK || (err = fleet_devices_expect(f, devices)) != MU_OK)
        return err;
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.filled, NULL);
    pthread_cond_init(&r.emptied, NULL);
    for (int i = 0; i < BATCHES; i++)
        buf_init(&r.batches[i], ROW_MAX);
    if (pthread_create(&reader, NULL, read_stores, &r) != 0) {
        err = MU_E_NOMEM;
        goto out;
    }
    err = build(&r);
    pthread_join(reader, NULL);
    if (err == MU_OK)
        err = r.read_err;
    if (err == MU_OK)
        err = check_strangers(f, reg);
    if (err == MU_OK) {
        if (journal_is_shared(j))
            fleet_forget_newcomers(f);
        fleet_forget_strangers(f);
        *seq = r.seq;
    }
out:
    for (int i = 0; i < BATCHES; i++)
        buf_free(&r.batches[i]);
    malloc_trim(0); /* memory that reading took goes back to the kernel */
    pthread_cond_destroy(&r.emptied);
    pthread_cond_destroy(&r.filled);
    pthread_mutex_destroy(&r.lock);
    return err;
}

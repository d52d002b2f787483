#include "journal/rocks_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

/* Committing, and going on after a failed write. After one RocksDB accepts no more writes, and its own recovery does not
 * repair a log file whose write failed (7.8: the file's writer keeps the error for good). So:
 *
 *  - RocksDB must not meet a full disk: below the reserve, batches are refused before it sees them, and the next batch
 *    that finds room goes through;
 *  - if a write fails all the same, the next commit that finds room opens the database again. Readers wait only for that
 *    moment; until then they read on.
 *
 * Every batch carries the number of commits of this start. After the opening it tells whether the failed batch is on
 * disk after all: written in full, although its sync reported an error. Then the committer, which was told of a failure,
 * would give the same running numbers again. Only a new start, which reads everything from disk, can go on. So the
 * process ends, and its supervisor starts it again. What was acknowledged is on disk. */

/* An opening writes the memtables into tables. If it failed for lack of room, nothing could be read any more. So it
 * waits until twice their size is free. */
#define REOPENING_BYTES (UINT64_C(128) * 1024 * 1024)

enum mu_err rocks_written(struct rocks_journal *j, const char *what, char *text)
{
    if (!text)
        return MU_OK;
    log_event(LOG_ERROR, "journal_write_failed", "what=%s error=%s", what, LOG_Q(text, -1));
    j->broken = true;
    return rocks_status_take(text);
}

static enum mu_err compare_commits(struct rocks_journal *j)
{
    uint8_t key[ALIVE_KEY_LEN];
    uint64_t alive[2] = { 0, 0 };

    rocks_alive_key(key, j->base.boot);
    enum mu_err err = rocks_meta_get(j, key, sizeof(key), alive, 2);
    if (err != MU_OK && err != MU_E_NOT_FOUND)
        return err;
    if (alive[1] == j->commits)
        return MU_OK;
    log_event(LOG_ERROR, "journal_diverged",
              "commits=%llu on_disk=%llu hint=\"a batch that failed is on disk: the process ends, start it again\"",
              (unsigned long long)j->commits, (unsigned long long)alive[1]);
    log_flush();
    /* Not exit(): threads that still read must not meet what its handlers destroy. */
    _exit(EXIT_FAILURE);
}

static enum mu_err reopen(struct rocks_journal *j)
{
    char why[512] = "";

    pthread_rwlock_wrlock(&j->lock);
    rocks_close(j);
    enum mu_err err = rocks_open(j, why, sizeof(why));
    if (err == MU_OK) {
        j->broken = false;
        err = compare_commits(j);
    }
    pthread_rwlock_unlock(&j->lock);

    log_event(err == MU_OK ? LOG_INFO : LOG_ERROR, "journal_reopened", "result=%s why=%s", LOG_Q(mu_err_text(err), -1),
              LOG_Q(why, -1));
    return err;
}

enum mu_err rocks_writable(struct rocks_journal *j)
{
    bool whole = j->db && !j->broken;
    if (!rocks_has_room(j->path, j->reserve_bytes + (whole ? 0 : REOPENING_BYTES)))
        return MU_E_FULL;
    return whole ? MU_OK : reopen(j);
}

static void put_alive(struct rocks_journal *j, struct rocks_batch *b, int64_t alive_us)
{
    uint8_t key[ALIVE_KEY_LEN], value[16];

    rocks_alive_key(key, j->base.boot);
    bytes_put_u64be(value, (uint64_t)alive_us);
    bytes_put_u64be(value + 8, j->commits + 1);
    rocksdb_writebatch_put_cf(b->writes, j->fixed[FAMILY_META], (const char *)key, sizeof(key), (const char *)value,
                              sizeof(value));
}

enum mu_err rocks_commit(struct journal *port, struct journal_batch *batch, int64_t alive_us)
{
    struct rocks_journal *j = rocks_of(port);
    struct rocks_batch *b = rocks_batch_of(batch);
    enum mu_err err;
    char *text = NULL;

    assert(b->journal == j && !j->unchanged);
    if ((err = rocks_writable(j)) != MU_OK)
        goto out;
    if ((err = b->err) != MU_OK)
        goto out;

    rocks_rows_write(&b->rows, j, b->writes);
    put_alive(j, b, alive_us);
    rocks_clock_put(j, b->writes);
    rocks_trust_put(j, b->writes);
    rocks_count_nothing();
    rocksdb_write(j->db, j->options.synced, b->writes, &text);
    if ((err = rocks_written(j, "commit", text)) == MU_OK) {
        j->commits++;
        j->clock.changed = false;
        rocks_trust_committed(j);
    }
out:
    rocks_batch_clear(batch);
    return err;
}

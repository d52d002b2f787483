#include "journal/rocks_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static enum mu_err taken(const char *what, char *text)
{
    if (text)
        log_event(LOG_ERROR, "checkpoint_failed", "what=%s error=%s", what, LOG_Q(text, -1));
    return rocks_status_take(text);
}

/* A checkpoint copies the log since the last flush, and links everything else. */
enum mu_err rocks_journal_flush(struct journal *port)
{
    struct rocks_journal *j = rocks_of(port);
    enum mu_err err = MU_E_IO;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *text = NULL;

    rocksdb_flushoptions_set_wait(options, 1);
    pthread_rwlock_rdlock(&j->lock);
    if (j->db && !j->broken) {
        for (int i = 0; i < FIXED_FAMILIES && !text; i++)
            rocksdb_flush_cf(j->db, options, j->fixed[i], &text);
        for (size_t i = 0; i < j->day_count && !text; i++)
            rocksdb_flush_cf(j->db, options, j->days[i].handle, &text);
        err = taken("flush", text);
    }
    pthread_rwlock_unlock(&j->lock);
    rocksdb_flushoptions_destroy(options);
    return err;
}

enum mu_err rocks_journal_checkpoint(struct journal *port, const char *dir)
{
    struct rocks_journal *j = rocks_of(port);
    enum mu_err err;
    char *path = NULL, *text = NULL;

    if ((err = rocks_writable(j)) != MU_OK)
        return err;
    if (asprintf(&path, "%s/journal", dir) < 0)
        return MU_E_NOMEM;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(j->db, &text);
    if (!text) {
        /* UINT64_MAX: do not flush. rocks_journal_flush did it, and the committer waits. */
        rocksdb_checkpoint_create(checkpoint, path, UINT64_MAX, &text);
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    free(path);
    struct mark mark = MARK_CLOSED;
    if ((err = taken("create", text)) == MU_OK)
        err = rocks_trust_mark(&mark, j, dir);
    mark_close(&mark);
    return err;
}

/* Metrics of the stores, and of what an operator must renew in time. */

#include "serve/metrics_private.h"

#include <inttypes.h>

#include "base/log.h"

static void write_directory(struct metrics *m, struct buf *page)
{
    pthread_mutex_lock(&m->lock);
    struct metrics_measured now = m->measured;
    pthread_mutex_unlock(&m->lock);

    metrics_one(page, "muster_disk_free_bytes", "gauge", "Free space on the disk of the data directory.",
                now.disk.free);
    metrics_one(page, "muster_disk_size_bytes", "gauge", "Size of the disk of the data directory.", now.disk.size);
    metrics_head(page, "muster_store_size_bytes", "gauge", "Bytes in the data directory, by store.");
    metrics_sample(page, "muster_store_size_bytes", "store", "registry", now.disk.registry);
    metrics_sample(page, "muster_store_size_bytes", "store", "journal", now.disk.journal);
    metrics_sample(page, "muster_store_size_bytes", "store", "other", now.disk.other);
    metrics_one(page, "muster_last_backup_timestamp_seconds", "gauge",
                "Moment of the last backup's content, in Unix seconds; 0: there was none.", (uint64_t)now.backup_at_s);
    metrics_one(page, "muster_last_backup_size_bytes", "gauge", "Size of the last backup.", now.backup_bytes);
}

static void write_commits(struct metrics *m, struct buf *page)
{
    struct committer_figures c;
    struct registry_figures r;

    committer_get_figures(m->from.stores->committer, &c);
    metrics_one(page, "muster_controls_total", "counter", "Committed control records.", c.controls);
    metrics_one(page, "muster_committed_messages_total", "counter", "Messages that are on disk.", c.messages);
    metrics_one(page, "muster_committed_bytes_total", "counter", "Their bytes.", c.bytes);
    metrics_one(page, "muster_commits_total", "counter", "Synced batches.", c.commits);
    metrics_one(page, "muster_commit_failures_total", "counter", "Batches that could not be written.",
                c.commit_failures);
    metrics_one(page, "muster_commit_waiting_bytes", "gauge", "Device input that waits for its commit.",
                c.waiting_bytes);
    metrics_latency(page, "muster_commit_duration_seconds", "Time to write and sync a batch.", &c.latency);

    registry_get_figures(m->from.stores->registry, &r);
    metrics_latency(page, "muster_registry_commit_duration_seconds",
                    "Time to write and sync changes of the registry; one commit takes all that wait.", &r.latency);
    metrics_one(page, "muster_registry_commit_failures_total", "counter",
                "Commits of the registry that could not be written.", r.commit_failures);
}

void metrics_write_stores(struct metrics *m, struct buf *page)
{
    if (!m->from.stores->store) /* a database has metrics of its own */
        write_directory(m, page);
    write_commits(m, page);
    metrics_one(page, "muster_log_lost_lines_total", "counter", "Log lines that could not be written.", log_lost());
    if (!m->from.tls)
        return;
    metrics_head(page, "muster_tls_certificate_not_after_seconds", "gauge",
                 "When the certificate in use, or the first of its chain, expires, in Unix seconds.");
    buf_printf(page, "muster_tls_certificate_not_after_seconds %" PRId64 "\n",
               tls_context_validity(m->from.tls).until_s);
}

#ifndef MUSTER_OPS_BACKUP_SCRATCH_H
#define MUSTER_OPS_BACKUP_SCRATCH_H

/* muster backup works in two steps. The first is an operation, in the server or at rest: it makes a copy beside the
 * data, of the data at one moment. The copy lies on the same file system, so it takes seconds and little room, and
 * needs no right to write elsewhere. The second step is done by the command: it brings the copy to its destination.
 *
 *   DIR/backup.tmp/registry.db    the registry while nobody wrote and the committer paused
 *   DIR/backup.tmp/journal/       the journal at the same moment; it shares DIR/journal's tables
 *   DIR/backup.tmp/backup.json    written when the rest is complete (manifest.h)
 *
 * The process that makes a backup holds a lock on the directory itself (flock) until backup.tmp is gone. */
#define BACKUP_SCRATCH "backup.tmp"

/* Locks the directory. Returns the descriptor that holds the lock, to be closed; -1 with errno on failure;
 * EWOULDBLOCK: another process has the lock. */
int backup_scratch_lock(const char *dir);
/* Removes what a killed backup has left. Does nothing while another backup is being made. */
void backup_scratch_clear(const char *dir);

#endif

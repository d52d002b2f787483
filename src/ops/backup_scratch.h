#ifndef MUSTER_OPS_BACKUP_SCRATCH_H
#define MUSTER_OPS_BACKUP_SCRATCH_H

/* muster backup, in two steps. The first is an operation, in the server or at rest: it puts a copy of one
 * moment beside the data, on their own file system, so that it takes seconds and little room and needs
 * no right to write elsewhere. The second is the command's: it brings the copy to where it shall lie.
 *
 *   DIR/backup.tmp/registry.db    what the registry held while nobody wrote and the committer paused
 *   DIR/backup.tmp/journal/       what the journal held then; it shares DIR/journal's tables
 *   DIR/backup.tmp/backup.json    written when the rest is there (manifest.h)
 *
 * Whoever makes a backup holds a lock on the directory itself (flock) until backup.tmp is gone. */
#define BACKUP_SCRATCH "backup.tmp"

/* The descriptor that holds the lock, to be closed; -1: somebody else has it, or it cannot be had (errno). */
int backup_scratch_lock(const char *dir);
/* Removes what a backup that was killed has left. Nothing while another one is being made. */
void backup_scratch_clear(const char *dir);

#endif

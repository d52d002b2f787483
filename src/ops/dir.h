#ifndef MUSTER_OPS_DIR_H
#define MUSTER_OPS_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Work in a directory that somebody else may write in, possibly as root. It is done by the directory's descriptor.
 * Links inside are not followed, so nobody can place one that leads elsewhere. The path of the directory itself is
 * given by the operator; links in it are followed.
 *
 * A path inside consists of plain names with '/' between them. A function that returns a descriptor, to be closed by
 * the caller, returns -1 with errno on failure. Any thread. */

int dir_open(const char *path);
/* Opens the directory of this name in another directory (or AT_FDCWD). */
int dir_open_in(int at, const char *name);
/* Opens the directory that holds the last name of path, and points *name to that name. make: creates directories
 * that are missing, with access for their owner only. */
int dir_enter(int at, const char *path, bool make, const char **name);

/* Opens a regular file for reading. If root asks, the file must belong to the user who can write in the directories
 * on the way: he may have placed a hard link to a file that is not meant for him. On failure why gets "file PATH:
 * …". MU_E_NOT_FOUND: it does not exist; MU_E_REFUSED: it is not a regular file, or belongs to another user;
 * MU_E_IO. */
MU_MUST_USE enum mu_err dir_open_file(int at, const char *path, int *fd, char *why, size_t why_size);
/* Creates a file that does not exist yet, and the directories on the way, with access for the owner only. */
int dir_create_file(int at, const char *path);
/* Removes the file or directory of this name with everything in it, as far as possible. */
void dir_remove_tree(int at, const char *name);
/* Removes everything in a directory, except lost+found, as far as possible. */
void dir_remove_content(int fd);

#endif
